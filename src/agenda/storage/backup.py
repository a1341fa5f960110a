"""Copies of the database: made while a server runs, checked before they count, and put back with erasures kept."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from sqlalchemy import delete, func, select

from agenda.domain.audit import Head
from agenda.domain.model import Catalogue
from agenda.engine.ports import StoreUnavailable
from agenda.storage.compiled import Query, Statement
from agenda.storage.database import open_store
from agenda.storage.diagnosis import Finding, Patient
from agenda.storage.doctor import diagnose
from agenda.storage.erased import erase_people
from agenda.storage.errors import FileExists, StoreDamaged, StoreMissing
from agenda.storage.folder import BACKUPS, DATABASE, FILE_MODE, FOLDER_MODE, DataFolder, hand_over, sync_folder
from agenda.storage.moved import take_mark
from agenda.storage.schema import BOOKING, ERASURE, SESSION
from agenda.storage.sqlite import Connection
from agenda.storage.verify import Steps, verify_audit

_COUNT: Final = Query(select(func.count()).select_from(BOOKING))
_ERASED: Final = Query(select(ERASURE.c.user))
_END_SESSIONS: Final = Statement(delete(SESSION))


def _silent(done: int, total: int) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy that was opened and checked: what it holds, where its audit chains end, and what is wrong with it."""

    path: Path
    bookings: int
    heads: tuple[Head, ...]
    findings: tuple[Finding, ...]


def backup(folder: Path, target: Path | None, now: datetime, steps: Steps = _silent) -> Copy:
    """Copy the database of the folder, also while a server writes to it, and check the copy.

    The copy is one file that only its owner may read; it has its name only when it is whole and on disk.
    Raises StoreMissing, FileExists, StoreUnavailable, OSError.
    """
    source = folder / DATABASE
    if not source.is_file():
        raise StoreMissing(source)
    if target is None:
        (folder / BACKUPS).mkdir(mode=FOLDER_MODE, exist_ok=True)
        hand_over(folder / BACKUPS, folder)
        target = folder / BACKUPS / f"agenda-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}.db"
    if target.exists():
        raise FileExists(target)
    unfinished = target.with_name(f"{target.name}.unfinished-{secrets.token_hex(4)}")
    try:
        unfinished.touch(FILE_MODE, exist_ok=False)
        hand_over(unfinished, target.parent)
        _copy(source, unfinished, steps)
        copy = _checked(unfinished, target, now)
        _sync(unfinished)
        unfinished.rename(target)
        sync_folder(target.parent)
    finally:
        unfinished.unlink(missing_ok=True)
    return copy


def _copy(source: Path, target: Path, steps: Steps) -> None:
    with _opened(source, read_only=True) as connection, _opened(target) as copy:
        # A transaction holds what is copied as it is now; without one, each foreign commit would start the copy anew.
        connection.run("BEGIN")
        connection.rows("SELECT count(*) FROM sqlite_schema")
        connection.copy_to(copy, steps)
        connection.undo()
        copy.rows("PRAGMA journal_mode = DELETE")  # a copy is one file


def _checked(path: Path, name: Path, now: datetime) -> Copy:
    """What the copy at `path`, to be called `name`, is worth. Raises StoreUnavailable if it cannot be read."""
    with _opened(path, read_only=True) as connection:
        findings = tuple(diagnose(Patient(str(path), connection, now)))
        [(bookings,)] = _COUNT.rows(connection)
        return Copy(name, bookings, verify_audit(connection).heads, findings)


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did: the bookings there are now, how many people were erased anew, and where the old file is."""

    bookings: int
    erased: int
    kept: Path | None


def restore(folder: Path, source: Path, now: datetime) -> Restored:
    """Put the copy in the place of the folder's database, and erase from it whoever was erased since it was made.

    Everybody has to sign in again, since the copy may know sessions that were closed since. The database that was
    there is kept beside it. Nothing has changed if it raises FolderInUse, StoreMissing, StoreUnavailable, OSError.
    """
    if not source.is_file():
        raise StoreMissing(source)
    held = DataFolder.take(folder)
    try:
        with TemporaryDirectory(prefix="restore-", dir=folder) as place:
            staged = Path(place) / DATABASE
            with _opened(source, read_only=True) as original, _opened(staged) as copy:
                original.copy_to(copy, _silent)
            erased, bookings = _made_current(staged, source, _erased_people(held))
            staged.chmod(FILE_MODE)
            _sync(staged)
            kept = _put_aside(held, now)
            staged.replace(held.database)
            sync_folder(folder)
        for log in held.logs.iterdir():  # they are made anew from the table
            log.unlink()
        held.keep_private()
        return Restored(bookings, erased, kept)
    finally:
        held.release()


def _erased_people(held: DataFolder) -> list[str]:
    """Everybody on the list beside the store, and whom the store that is replaced knows of, if it can be read."""
    people = dict.fromkeys(held.erased())
    with suppress(StoreUnavailable):
        if held.database.is_file():
            with _opened(held.database, read_only=True) as connection:
                if connection.row("SELECT 1 FROM sqlite_schema WHERE name = 'erasure'"):
                    people.update((user.hex(), None) for (user,) in _ERASED.rows(connection))
    return list(people)


def _made_current(staged: Path, source: Path, people: list[str]) -> tuple[int, int]:
    """Migrate the staged copy, end its sessions, erase these people; (how many of them it knew, its bookings).

    A copy of what was moved away is meant to be served again.
    """

    def nothing() -> Catalogue:
        raise StoreDamaged(source)

    with _opened(staged) as connection:
        if connection.row("SELECT 1 FROM sqlite_schema WHERE name = 'meta'"):
            take_mark(connection)
    store = open_store(staged.parent, nothing)
    try:
        erased = erase_people(store, people)
    finally:
        store.close()
    with _opened(staged) as connection:
        _END_SESSIONS.run(connection)
        [(bookings,)] = _COUNT.rows(connection)
        connection.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    return erased, bookings


def _put_aside(held: DataFolder, now: datetime) -> Path | None:
    """Give the database another name beside, with its log if it has one; it keeps its own until it is replaced.

    The server deletes it after 30 days, as it does with copies made before a migration.
    """
    database = held.database
    if not database.exists():
        return None
    # What its log holds goes into the file; one that is too damaged for that takes its log along.
    with suppress(StoreUnavailable), _opened(database) as connection:
        connection.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    kept = held.copy_before(f"restore-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}")
    try:
        os.link(database, kept)
    except OSError:  # a file system without links
        shutil.copy(database, kept)
    os.utime(kept)  # its 30 days begin now
    for suffix in ("-wal", "-shm"):
        log = database.with_name(database.name + suffix)
        if log.exists():
            log.rename(kept.with_name(kept.name + suffix))
    return kept


@contextmanager
def _opened(path: Path, *, read_only: bool = False) -> Iterator[Connection]:
    connection = Connection(path, read_only=read_only)
    try:
        yield connection
    finally:
        connection.close()


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
