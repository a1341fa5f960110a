"""One readable log file per user beside the table of audit entries, written behind the commits and made from it."""

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any, Final

from sqlalchemy import BindParameter, bindparam, select, tuple_

from agenda.domain.audit import AuditEntry
from agenda.domain.model import UserId
from agenda.engine.ports import StoreUnavailable
from agenda.storage.compiled import Query
from agenda.storage.connection import Row
from agenda.storage.errors import StoreUnreadable
from agenda.storage.folder import FILE_MODE, DataFolder
from agenda.storage.reader import Pool
from agenda.storage.schema import AUDIT, to_instant

Place = tuple[int, int]

MARK: Final = "written"
AT_ONCE: Final = 1_000
EVERY_SECONDS: Final = 1.0
LAST_SECONDS: Final = 0.3  # the next start goes on where this leaves off
# The thread rests so many times as long as it works, so that a rush of bookings is not slowed down by its records.
REST: Final = 40
# Files are not synchronised: what was written longer ago than this, the system has put on disk by itself.
SETTLED_SECONDS: Final = 120.0

_COLUMNS: Final = (
    *(AUDIT.c.writer, AUDIT.c.seq, AUDIT.c.at, AUDIT.c.user, AUDIT.c.action, AUDIT.c.outcome),
    *(AUDIT.c.booking, AUDIT.c.resource, AUDIT.c.starts, AUDIT.c.ends, AUDIT.c.detail),
)
_PLACE: Final = (AUDIT.c.writer, AUDIT.c.seq)
_USER: Final[BindParameter[Any]] = bindparam("wanted")
_AFTER: Final = Query(
    select(*_COLUMNS)
    .where(tuple_(*_PLACE) > tuple_(bindparam("after_writer"), bindparam("after_seq")))
    .order_by(*_PLACE)
    .limit(bindparam("most"))
)
_OF_USER: Final = Query(select(*_COLUMNS).where(AUDIT.c.user == _USER).order_by(*_PLACE))


@lru_cache(maxsize=4096)
def when(seconds: int) -> str:
    """An instant in ISO 8601, in UTC."""
    return to_instant(seconds).isoformat()


def line(row: Row) -> str:
    """An entry in words: when, what, with what outcome, the facts by name, and its place in the table."""
    writer, seq, at, _, action, outcome, booking, resource, starts, ends, detail = row
    facts = (
        ("booking", booking and booking.hex()),
        ("resource", resource and resource.hex()),
        ("start", starts and when(starts)),
        ("end", ends and when(ends)),
        ("detail", detail),
    )
    told = "".join(f" {name}={value}" for name, value in facts if value)
    return f"{when(at)} {action} {outcome}{told} #{writer}-{seq}\n"


def last_place(file: Path) -> Place | None:
    """Up to which entry a log was written; None if it is missing or ends within a line."""
    try:
        with file.open("rb") as log:
            log.seek(max(0, file.stat().st_size - 8192))
            end = log.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return None
    writer, _, seq = end.rpartition(" #")[2].partition("-")
    return (int(writer), int(seq)) if end.endswith("\n") and writer.isdigit() and seq.strip().isdigit() else None


def _unfinished(file: Path) -> Path:
    """Where a file is written that appears under its own name when it is whole."""
    return file.with_suffix(".part")


class UserLogs:
    """The part of the engine's port `Log` that belongs to users. `start` once, `stop` before the store is closed.

    Nothing is kept in memory: the thread reads the table from the last place it wrote, so that a crash, a long rush
    and an ordinary second are the same to it.
    """

    def __init__(self, folder: DataFolder, pool: Pool) -> None:
        self._folder = folder
        self._pool = pool
        self._writing = Lock()  # from reading the table to having written it: an erased user must not come back
        self._news = Event()
        self._stopping = Event()
        self._place: Place = (0, 0)
        # How far each file reached when it was first met, while that is not known to be `_place`.
        self._reached: dict[str, Place] | None = {}
        self._settling: list[tuple[float, Place]] = []
        self._thread = Thread(target=self._run, name="user logs", daemon=True)

    def start(self) -> None:
        """Begin to write, first what an earlier run did not come to. Raises StoreUnavailable."""
        for user in self._folder.erased():
            self._delete(user)
        with suppress(OSError, ValueError):
            writer, seq = (self._folder.logs / MARK).read_text("ascii").split()
            self._place = (int(writer), int(seq))
        self._news.set()
        self._thread.start()

    def stop(self) -> None:
        """Write what is left, for a moment at most, and end the thread."""
        self._stopping.set()
        self._news.set()
        if self._thread.is_alive():
            self._thread.join()

    def entries(self, entries: Sequence[AuditEntry]) -> None:
        """Entries were committed: they will be written within a second or so. Never raises, never waits."""
        self._news.set()

    def erased(self, user: UserId) -> None:
        """Delete the user's log, for good since his entries in the table are blank. Raises StoreUnavailable."""
        with self._writing:
            self._delete(user)

    def _delete(self, user: str) -> None:
        """The log, and what a crash may have left of its being written anew."""
        log = self._file(user)
        try:
            for file in (log, _unfinished(log)):
                file.unlink(missing_ok=True)
        except OSError as error:
            raise StoreUnreadable(log) from error

    def rebuild(self, user: UserId) -> None:
        """Write the user's log anew from the table."""
        with self._writing:
            self._rebuild(user)

    def _rebuild(self, user: str) -> None:
        with self._pool.connection() as connection:
            rows = _OF_USER.rows(connection, wanted=bytes.fromhex(user))
        file = self._file(user)
        unfinished = _unfinished(file)
        unfinished.touch(mode=FILE_MODE)
        unfinished.write_text("".join(map(line, rows)), "utf-8")
        unfinished.replace(file)

    def _file(self, user: str) -> Path:
        return self._folder.logs / f"{user}.log"

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._news.wait()
            self._news.clear()
            self._catch_up()
            self._stopping.wait(EVERY_SECONDS)
        deadline = time.monotonic() + LAST_SECONDS
        with suppress(StoreUnavailable, OSError):
            while time.monotonic() < deadline and self._write_some():
                pass

    def _catch_up(self) -> None:
        """All that is new, with rests; what the store or the disk refuses now is tried again with the next entry."""
        try:
            while not self._stopping.is_set():
                began = time.monotonic()
                if not self._write_some():
                    self._reached = None
                    break
                self._stopping.wait((time.monotonic() - began) * REST)
            self._note_what_settled()
        except (StoreUnavailable, OSError):
            self._reached = {}

    def _write_some(self) -> bool:
        """The next entries of the table; False if there are none."""
        with self._writing:
            writer, seq = self._place
            with self._pool.connection() as connection:
                rows = _AFTER.rows(connection, after_writer=writer, after_seq=seq, most=AT_ONCE)
            by_user: defaultdict[bytes, list[Row]] = defaultdict(list)
            for row in rows:
                if row[3] is not None:
                    by_user[row[3]].append(row)
            for user, his in by_user.items():
                self._append(user.hex(), his)
            if rows:
                self._place = (rows[-1][0], rows[-1][1])
            return bool(rows)

    def _append(self, user: str, rows: Iterable[Row]) -> None:
        file = self._file(user)
        if self._reached is not None:
            if user not in self._reached:
                self._reached[user] = self._reach(user)
            rows = [row for row in rows if (row[0], row[1]) > self._reached[user]]
        elif not file.exists():
            file.touch(mode=FILE_MODE)
        with file.open("a", encoding="utf-8") as log:
            log.write("".join(map(line, rows)))

    def _reach(self, user: str) -> Place:
        """Up to which entry the user's log was written; one that ends within a line is written anew."""
        file = self._file(user)
        if not file.exists():
            file.touch(mode=FILE_MODE)
            return (0, 0)
        if file.stat().st_size and last_place(file) is None:
            self._rebuild(user)
        return last_place(file) or (0, 0)

    def _note_what_settled(self) -> None:
        """Leave a mark for the next run to go on from."""
        now = time.monotonic()
        self._settling.append((now, self._place))
        settled = [place for at, place in self._settling if now - at >= SETTLED_SECONDS]
        if not settled:
            return
        self._settling = self._settling[len(settled) :]
        mark = self._folder.logs / MARK
        unfinished = _unfinished(mark)
        unfinished.touch(FILE_MODE)
        unfinished.write_text(f"{settled[-1][0]} {settled[-1][1]}\n", "ascii")
        unfinished.replace(mark)
