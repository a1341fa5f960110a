"""Copies a whole agenda from one engine to the other: read in one state, checked before it counts, all or nothing."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from sqlalchemy import Table, bindparam, func, insert, select, tuple_

from agenda.domain.audit import Head
from agenda.engine.ports import StoreConflict, StoreUnavailable
from agenda.storage import doctor, postgres, postgres_address, postgres_doctor, sqlite
from agenda.storage.bulk import begin_file, finish_file, finish_tables, new_file, new_tables
from agenda.storage.compiled import Many, Query
from agenda.storage.connection import Connection, Row
from agenda.storage.database import make_tables, set_up
from agenda.storage.diagnosis import CONTENT, Finding, Patient, audit_findings, checked
from agenda.storage.erased import erased_people
from agenda.storage.errors import StoreMissing
from agenda.storage.fill import fill as fill_folder
from agenda.storage.folder import DATABASE, DataFolder
from agenda.storage.looking import recognise, refuse_nodes, refuse_other_revisions
from agenda.storage.made_up import Plan
from agenda.storage.moved import leave_mark, refuse_moved, take_mark
from agenda.storage.schema import METADATA
from agenda.storage.verify import Steps, verify_audit

Where = Path | str
"""A data folder, or the address of a PostgreSQL database."""
Stage = Callable[[str], AbstractContextManager[Steps]]
"""Shows how far a part of the work is, for as long as its block runs: `source`, `copy` or `target`."""

PAGE: Final = 10_000
_TABLES: Final = METADATA.sorted_tables
_SETTINGS: Final = "SET work_mem = '64MB'; SET jit = off; SET lock_timeout = '5s'"


class Unsound(Exception):
    """What was to be moved is not whole, by what doctor finds in it; nothing was made."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__(", ".join(finding.code for finding in findings))
        self.findings = tuple(findings)


class Differs(Exception):
    """The copy was not what it was made of, in a table, a rule or the audit log's heads; it is gone again."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


@dataclass(slots=True)
class Sum:
    """Tells sets of rows apart, in whatever order they come: both engines sort words in their own way."""

    rows: int = 0
    hashes: int = 0

    def add(self, rows: list[Row]) -> None:
        """Take these rows in."""
        self.rows += len(rows)
        self.hashes += sum(map(hash, rows))


@dataclass(frozen=True, slots=True)
class Moved:
    """What was copied: rows of each table, and where the audit chains end; and whether the source knows of it."""

    rows: dict[str, int]
    heads: tuple[Head, ...]
    marked: bool


def move(source: Where, target: Where, now: datetime, stage: Stage) -> Moved:
    """Copy the agenda of one place into the other, which must be empty, and check the copy before it counts.

    One of them is a data folder, the other a PostgreSQL database. The source must not be in use, and stays as it is
    but for a mark that keeps servers away from it, once the copy counts.
    Raises Unsound, Differs, FolderInUse, StoreInUse, StoreMissing, StoreEmpty, StoreOlder, StoreNewer, StoreMoved,
    FolderNotEmpty, StoreNotEmpty, StoreUnavailable.
    """
    with _leaving(source) as old:
        refuse_moved(old, _spelled(source))
        with _arriving(target) as (new, finish):
            with stage("source") as steps:
                heads = _sound(Patient(named(source), old, now), steps)
            try:
                with stage("copy") as steps:
                    sums = _copy(old, new, steps)
                    finish()
            except StoreConflict as refusal:
                raise Differs(refusal.constraint) from refusal
            with stage("target") as steps:
                _same(Patient(named(target), new, now), heads, sums, steps)
        return Moved({name: seen.rows for name, seen in sums.items()}, heads, _marked(old, target))


def undo(source: Where) -> str | None:
    """Let servers work again on what was moved away; where it had gone, or None if it had not.

    What happened there since is not here. It may be older than this program, which brings it up to date only once it is
    served again. Raises FolderInUse, StoreInUse, StoreMissing, StoreEmpty, StoreUnavailable.
    """
    with _leaving(source, of_any_revision=True) as connection:
        target = take_mark(connection)
        connection.run("COMMIT")
        return target


def named(where: Where) -> str:
    """A place for people, without a password."""
    return str(where) if isinstance(where, Path) else postgres_address.shown(where)


def _spelled(where: Where) -> str:
    """A place as it is given to a move, from whatever folder, without a password."""
    return f"sqlite:{where.absolute()}" if isinstance(where, Path) else postgres_address.shown(where)


def _marked(source: Connection, target: Where) -> bool:
    """Mark the source as moved; a failure does not undo the copy, which counts already."""
    try:
        leave_mark(source, _spelled(target))
        source.run("COMMIT")
    except StoreUnavailable:
        return False
    return True


def fill(url: str, plan: Plan, now: datetime, stage: Stage) -> None:
    """Make a made-up agenda in a PostgreSQL database, by way of a folder that is thrown away.

    The first stage is `making`. Raises what `move` raises.
    """
    with TemporaryDirectory(prefix="agenda-") as folder:
        with stage("making") as steps:
            fill_folder(Path(folder), plan, steps)
        move(Path(folder), url, now, stage)


@contextmanager
def _leaving(source: Where, *, of_any_revision: bool = False) -> Iterator[Connection]:
    """The source in one state, and nobody else at work on it."""
    if isinstance(source, Path):
        if not (source / DATABASE).is_file():
            raise StoreMissing(source / DATABASE)
        held = DataFolder.take(source)
        try:
            with closing(sqlite.Connection(source / DATABASE)) as embedded:
                if not of_any_revision:
                    refuse_other_revisions(embedded, source)
                embedded.run("BEGIN IMMEDIATE")
                yield embedded
        finally:
            held.release()
        return
    shared = postgres.Connection(source, _SETTINGS)
    try:
        recognise(shared)
        if not of_any_revision:
            refuse_other_revisions(shared, shared.place)
        shared.run("BEGIN ISOLATION LEVEL REPEATABLE READ")
        shared.run("LOCK TABLE writer, business IN SHARE MODE")  # no batch commits meanwhile
        refuse_nodes(shared, shared.place)
        yield shared
    finally:
        shared.undo()
        shared.close()


@contextmanager
def _arriving(target: Where) -> Iterator[tuple[Connection, Callable[[], None]]]:
    """Empty tables, and what makes their indexes and rules; they are kept only if the block ends well."""
    if isinstance(target, str):
        with new_tables(target) as shared:
            yield shared, lambda: finish_tables(shared)
        return
    held = DataFolder.take(target)
    try:
        with new_file(held) as embedded:
            set_up(embedded)
            embedded.run("BEGIN")
            make_tables(embedded)
            embedded.run("COMMIT")
            begin_file(embedded)
            yield embedded, lambda: finish_file(embedded)
            held.remember_erased(erased_people(embedded))
    finally:
        held.release()


def _sound(patient: Patient, steps: Steps) -> tuple[Head, ...]:
    """Where the audit chains of what can be moved end. Raises Unsound."""
    module = doctor if patient.connection.engine == "sqlite" else postgres_doctor
    found = verify_audit(patient.connection, steps=steps)
    findings = [*checked(patient, (*module.OWN, *CONTENT)), *audit_findings(found)]
    if urgent := [finding for finding in findings if finding.urgent]:
        raise Unsound(urgent)
    return found.heads


def _copy(old: Connection, new: Connection, steps: Steps) -> dict[str, Sum]:
    """Copy all rows; what they were, by the name of the table."""
    total = sum(Query(select(func.count()).select_from(table)).rows(old)[0][0] for table in _TABLES)
    done, sums = 0, {}
    for table in _TABLES:
        sums[table.name] = seen = Sum()
        adding = Many(insert(table), tuple(table.columns))
        for page in _pages(old, table):
            adding.run(new, page)
            seen.add(page)
            done += len(page)
            steps(done, total)
    return sums


def _same(patient: Patient, heads: tuple[Head, ...], sums: dict[str, Sum], steps: Steps) -> None:
    """Read the copy, and compare. Raises Differs."""
    for table in _TABLES:
        seen = Sum()
        for page in _pages(patient.connection, table):
            seen.add(page)
        if seen != sums[table.name]:
            raise Differs(table.name)
    try:
        reached = _sound(patient, steps)
    except Unsound as unsound:
        raise Differs(str(unsound)) from unsound
    if reached != heads:
        raise Differs("heads")


def _pages(connection: Connection, table: Table) -> Iterator[list[Row]]:
    """All rows of a table, PAGE at a time."""
    key = tuple(table.primary_key.columns)
    names = [f"last_{column.name}" for column in key]
    last = tuple_(*(bindparam(name, type_=column.type) for name, column in zip(names, key, strict=True)))
    first = select(*table.columns).order_by(*key).limit(bindparam("most"))
    places = [list(table.columns).index(column) for column in key]
    rows = Query(first).rows(connection, most=PAGE)
    following = Query(first.where(tuple_(*key) > last))
    while rows:
        yield rows
        after = {name: rows[-1][place] for name, place in zip(names, places, strict=True)}
        rows = following.rows(connection, most=PAGE, **after)
