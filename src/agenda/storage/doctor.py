"""Examines a data folder and its database, reading only, also while a server runs: findings are codes and facts."""

import os
import shutil
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, Final
from zoneinfo import TZPATH, ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import select

from agenda.engine.ports import StoreUnavailable
from agenda.storage.database import REVISIONS
from agenda.storage.errors import StoreProblem
from agenda.storage.findings import QUESTIONS, concerned, moved_walls
from agenda.storage.folder import ERASED, LOGS
from agenda.storage.schema import ACCOUNT, BUSINESS, METADATA, to_seconds
from agenda.storage.sqlite import TRIGGERS, Connection
from agenda.storage.statements import Query
from agenda.storage.verify import Steps, verify_audit

EXAMPLES: Final = 5
FREE_BYTES: Final = 500 * 2**20
ZONE_DATA_AGE: Final = timedelta(days=2 * 365)

_ZONE: Final = Query(select(BUSINESS.c.timezone))
_ACCOUNTS: Final = Query(select(ACCOUNT.c.id))


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to do something about: a stable code, whether it can wait, and facts for the sentence."""

    code: str
    urgent: bool = True
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Patient:
    """A database that is examined, opened for reading, and the moment."""

    database: Path
    connection: Connection
    now: datetime


def examine(folder: Path, database: Path, now: datetime, steps: Steps = lambda done, total: None) -> Iterator[Finding]:
    """All findings, the most basic first; a database that cannot be read ends the examination.

    Never raises for what is wrong with the folder: that is a finding.
    """
    yield from _modes(folder)
    yield from _space(folder, database)
    yield from _zone_data(now)
    if not database.is_file():
        yield Finding("database_missing", facts={"path": str(database)})
        return
    try:
        connection = Connection(database, read_only=True)
        try:
            yield from diagnose(Patient(database, connection, now), steps)
            yield from _returned(folder, connection)
        finally:
            connection.close()
    except StoreUnavailable as error:
        yield Finding("database_unreadable", facts={"path": str(database), "reason": _reason(error)})


def diagnose(patient: Patient, steps: Steps = lambda done, total: None) -> Iterator[Finding]:
    """All findings in a database that can be opened. Raises StoreUnavailable if it cannot be read after all."""
    if strange := _strange(patient):
        yield strange
        return
    for number, check in enumerate(CHECKS):
        steps(number, len(CHECKS))
        yield from check(patient)


def _reason(error: StoreUnavailable) -> str:
    cause = error.__cause__
    return str(cause or error) if isinstance(error, StoreProblem) else str(error)


def _modes(folder: Path) -> Iterator[Finding]:
    """Files that others on this machine can read or write; Windows has no such modes."""
    if os.name != "posix" or not folder.is_dir():
        return
    for path in (folder, *sorted(folder.rglob("*"))):
        mode = stat.S_IMODE(path.lstat().st_mode)
        if not path.is_symlink() and mode & 0o077:
            yield Finding("file_mode", facts={"path": str(path), "mode": f"{mode:04o}"})


def _space(folder: Path, database: Path) -> Iterator[Finding]:
    """Too little room for a copy of the database and a while of work."""
    if not folder.is_dir():
        return
    free = shutil.disk_usage(folder).free
    needed = FREE_BYTES + (database.stat().st_size if database.is_file() else 0)
    if free < needed:
        facts = {"free": free // 2**20, "needed": needed // 2**20}
        yield Finding("disk_space", urgent=False, facts=facts)


def _zone_data(now: datetime) -> Iterator[Finding]:
    """Time zone data so old that laws may have changed since."""
    version = zone_data_version()
    year = int(version[:4]) if version[:4].isdigit() else None
    if year is None:
        yield Finding("zone_data_missing")
    elif date(year, 12, 31) < now.date() - ZONE_DATA_AGE:
        yield Finding("zone_data_old", urgent=False, facts={"version": version})


def zone_data_version() -> str:
    """The release of the data that zoneinfo uses, such as `2026b`: the system's where there is one; "" for none."""
    for place in TZPATH:
        for name, words in (("tzdata.zi", "# version "), ("+VERSION", "")):
            try:
                first = (Path(place) / name).read_text("utf-8").partition("\n")[0]
            except OSError:
                continue
            return first.removeprefix(words).strip()
        if (Path(place) / "UTC").exists():  # a system that does not say how old its data is
            break
    try:
        return str(import_module("tzdata").IANA_VERSION)
    except ImportError:
        return ""


def _returned(folder: Path, connection: Connection) -> Iterator[Finding]:
    """People who were erased here and are back, as when an older copy was put in place by hand."""
    try:
        erased = set((folder / ERASED).read_text("ascii").split())
    except OSError:
        return
    back = sorted(id_.hex() for (id_,) in _ACCOUNTS.rows(connection) if id_.hex() in erased)
    back += sorted(log.name for log in (folder / LOGS).glob("*.log") if log.stem in erased)
    if back:
        yield Finding("erased_person_back", facts=_counted(back))


def _strange(patient: Patient) -> Finding | None:
    """Whether this is no agenda's database, or one that this program does not understand."""
    path = str(patient.database)
    tables = {name for (name,) in patient.connection.rows("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if "alembic_version" in tables:
        [(revision,)] = patient.connection.rows("SELECT max(version_num) FROM alembic_version")
        if revision is not None and revision not in REVISIONS:
            return Finding("database_newer", facts={"path": path})
    missing = sorted((METADATA.tables.keys() | {"alembic_version"}) - tables)
    if missing:
        return Finding("table_missing", facts={"path": path, "tables": ", ".join(missing)})
    return None


def _integrity(patient: Patient) -> Iterator[Finding]:
    """Pages, indexes and constraints as SQLite itself checks them."""
    rows = patient.connection.rows("PRAGMA integrity_check(5)")
    if rows != [("ok",)]:
        said = "; ".join(str(row[0]) for row in rows)
        yield Finding("database_damaged", facts={"path": str(patient.database), "reason": said})
    if patient.connection.rows("PRAGMA foreign_key_check"):
        yield Finding("reference_broken", facts={"path": str(patient.database)})


def _triggers(patient: Patient) -> Iterator[Finding]:
    """The database's own last word against overlaps."""
    stored = {sql for (sql,) in patient.connection.rows("SELECT sql FROM sqlite_master WHERE type = 'trigger'")}
    for trigger in TRIGGERS:
        if trigger not in stored:
            yield Finding("trigger_missing", facts={"name": trigger.split()[2]})


def _tables(patient: Patient) -> Iterator[Finding]:
    """Rows that do not fit together."""
    for question in QUESTIONS:
        ids = concerned(patient.connection, question, to_seconds(patient.now))
        if ids:
            yield Finding(question, facts=_counted(ids))


def _walls(patient: Patient) -> Iterator[Finding]:
    """Future bookings whose agreed wall time is another instant by the rules of today."""
    moved, unknown = [], []
    for code, agreed, today in moved_walls(patient.connection, to_seconds(patient.now)):
        moved.append(f"{code} {agreed} → {today}") if today else unknown.append(code)
    if moved:
        yield Finding("wall_time_moved", facts=_counted(moved))
    if unknown:
        yield Finding("zone_unknown", facts=_counted(unknown))


def _business_zone(patient: Patient) -> Iterator[Finding]:
    """The business's zone must be known to this machine."""
    for (zone,) in _ZONE.rows(patient.connection):
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            yield Finding("business_zone_unknown", facts={"zone": zone})


def _chain(patient: Patient) -> Iterator[Finding]:
    """The audit log."""
    faults = verify_audit(patient.connection).faults
    for kind, count in Counter(fault.kind for fault in faults).items():
        places = [f"{fault.writer}:{fault.seq}" for fault in faults if fault.kind == kind][:EXAMPLES]
        yield Finding(f"audit_{kind}", facts={"count": count, "examples": ", ".join(places)})


def _counted(items: list[str]) -> dict[str, Any]:
    return {"count": len(items), "examples": ", ".join(items[:EXAMPLES])}


CHECKS: Final[tuple[Callable[[Patient], Iterator[Finding]], ...]] = (
    _integrity,
    _triggers,
    _tables,
    _business_zone,
    _walls,
    _chain,
)
