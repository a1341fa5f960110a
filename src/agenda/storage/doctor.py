"""Examines a data folder and its database, reading only, also while a server runs."""

import os
import shutil
import stat
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import select

from agenda.engine.ports import StoreUnavailable
from agenda.storage.compiled import Query
from agenda.storage.database import REVISIONS
from agenda.storage.diagnosis import COMMON, Check, Finding, Patient, checked, counted, silent, zone_data
from agenda.storage.erased import listed
from agenda.storage.errors import StoreProblem
from agenda.storage.folder import LOGS
from agenda.storage.schema import ACCOUNT, METADATA
from agenda.storage.sqlite import TRIGGERS, Connection
from agenda.storage.verify import Steps

FREE_BYTES: Final = 500 * 2**20

_ACCOUNTS: Final = Query(select(ACCOUNT.c.id))


def examine(folder: Path, database: Path, now: datetime, steps: Steps = silent) -> Iterator[Finding]:
    """All findings, the most basic first; a database that cannot be read ends the examination.

    Never raises for what is wrong with the folder: that is a finding.
    """
    yield from _modes(folder)
    yield from _space(folder, database)
    yield from zone_data(now)
    if not database.is_file():
        yield Finding("database_missing", facts={"path": str(database)})
        return
    try:
        connection = Connection(database, read_only=True)
        try:
            yield from diagnose(Patient(str(database), connection, now), steps)
            yield from _returned(folder, connection)
        finally:
            connection.close()
    except StoreUnavailable as error:
        yield Finding("database_unreadable", facts={"path": str(database), "reason": _reason(error)})


def diagnose(patient: Patient, steps: Steps = silent) -> Iterator[Finding]:
    """All findings in a database that can be opened. Raises StoreUnavailable if it cannot be read after all."""
    if strange := _strange(patient):
        yield strange
        return
    yield from checked(patient, (*OWN, *COMMON), steps)


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


def _returned(folder: Path, connection: Connection) -> Iterator[Finding]:
    """People who were erased here and are back, as when an older copy was put in place by hand."""
    try:
        erased = set(listed(folder))
    except OSError:
        return
    back = sorted(id_.hex() for (id_,) in _ACCOUNTS.rows(connection) if id_.hex() in erased)
    back += sorted(log.name for log in (folder / LOGS).glob("*.log") if log.stem in erased)
    if back:
        yield Finding("erased_person_back", facts=counted(back))


def _strange(patient: Patient) -> Finding | None:
    """Whether this is no agenda's database, or one that this program does not understand."""
    tables = {name for (name,) in patient.connection.rows("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if "alembic_version" in tables:
        [(revision,)] = patient.connection.rows("SELECT max(version_num) FROM alembic_version")
        if revision is not None and revision not in REVISIONS:
            return Finding("database_newer", facts={"path": patient.place})
    missing = sorted((METADATA.tables.keys() | {"alembic_version"}) - tables)
    if missing:
        return Finding("table_missing", facts={"path": patient.place, "tables": ", ".join(missing)})
    return None


def _integrity(patient: Patient) -> Iterator[Finding]:
    """Pages, indexes and constraints as SQLite itself checks them."""
    rows = patient.connection.rows("PRAGMA integrity_check(5)")
    if rows != [("ok",)]:
        said = "; ".join(str(row[0]) for row in rows)
        yield Finding("database_damaged", facts={"path": patient.place, "reason": said})
    if patient.connection.rows("PRAGMA foreign_key_check"):
        yield Finding("reference_broken", facts={"path": patient.place})


def _triggers(patient: Patient) -> Iterator[Finding]:
    """The database's own last word against overlaps."""
    stored = {sql for (sql,) in patient.connection.rows("SELECT sql FROM sqlite_master WHERE type = 'trigger'")}
    for trigger in TRIGGERS:
        if trigger not in stored:
            yield Finding("trigger_missing", facts={"name": trigger.split()[2]})


OWN: Final[tuple[Check, ...]] = (_integrity, _triggers)
