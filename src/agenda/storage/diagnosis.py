"""What doctor asks of the tables and of this machine, whichever engine keeps them: findings are codes and facts."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, Final
from zoneinfo import TZPATH, ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import select

from agenda.storage.compiled import Query
from agenda.storage.connection import Connection
from agenda.storage.findings import QUESTIONS, concerned, moved_walls
from agenda.storage.moved import moved_to
from agenda.storage.schema import BUSINESS, to_seconds
from agenda.storage.verify import Steps, Verification, verify_audit

EXAMPLES: Final = 5
ZONE_DATA_AGE: Final = timedelta(days=2 * 365)

_ZONE: Final = Query(select(BUSINESS.c.timezone))


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to do something about: a stable code, whether it can wait, and facts for the sentence."""

    code: str
    urgent: bool = True
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Patient:
    """A database that is examined, by the name under which people know it, and the moment."""

    place: str
    connection: Connection
    now: datetime


Check = Callable[[Patient], Iterator[Finding]]


def silent(done: int, total: int) -> None:
    """Nobody wants to know how far it is."""


def checked(patient: Patient, checks: Sequence[Check], steps: Steps = silent) -> Iterator[Finding]:
    """What these checks find, one after the other. Raises StoreUnavailable."""
    for number, check in enumerate(checks):
        steps(number, len(checks))
        yield from check(patient)


def counted(items: Sequence[str]) -> dict[str, Any]:
    """How many there are, and the first of them."""
    return {"count": len(items), "examples": ", ".join(items[:EXAMPLES])}


def zone_data(now: datetime) -> Iterator[Finding]:
    """Time zone data of this machine so old that laws may have changed since."""
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


def zones(connection: Connection) -> list[str]:
    """The time zone of each business."""
    return [zone for (zone,) in _ZONE.rows(connection)]


def audit_findings(found: Verification) -> Iterator[Finding]:
    """The faults of the audit log, counted by kind."""
    for kind, count in Counter(fault.kind for fault in found.faults).items():
        places = [f"{fault.writer}:{fault.seq}" for fault in found.faults if fault.kind == kind][:EXAMPLES]
        yield Finding(f"audit_{kind}", facts={"count": count, "examples": ", ".join(places)})


def _rows(patient: Patient) -> Iterator[Finding]:
    """Rows that do not fit together."""
    for question in QUESTIONS:
        ids = concerned(patient.connection, question, to_seconds(patient.now))
        if ids:
            yield Finding(question, facts=counted(ids))


def _walls(patient: Patient) -> Iterator[Finding]:
    """Future bookings whose agreed wall time is another instant by the rules of today."""
    moved, unknown = [], []
    for code, agreed, today in moved_walls(patient.connection, to_seconds(patient.now)):
        moved.append(f"{code} {agreed} → {today}") if today else unknown.append(code)
    if moved:
        yield Finding("wall_time_moved", facts=counted(moved))
    if unknown:
        yield Finding("zone_unknown", facts=counted(unknown))


def _business_zone(patient: Patient) -> Iterator[Finding]:
    """The business's zone must be known to this machine."""
    for zone in zones(patient.connection):
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            yield Finding("business_zone_unknown", facts={"zone": zone})


def _moved(patient: Patient) -> Iterator[Finding]:
    """What is examined was left behind by a move."""
    if target := moved_to(patient.connection):
        yield Finding("moved_away", urgent=False, facts={"target": target})


def _chain(patient: Patient) -> Iterator[Finding]:
    """The audit log."""
    yield from audit_findings(verify_audit(patient.connection))


# What a copy must be free of, and what else may be so through nobody's fault or is asked for apart.
CONTENT: Final[tuple[Check, ...]] = (_rows, _business_zone)
COMMON: Final[tuple[Check, ...]] = (*CONTENT, _moved, _walls, _chain)
