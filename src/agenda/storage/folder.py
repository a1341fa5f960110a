"""The data folder: whose it is while a server runs, who may look into it, and whom it has erased."""

import errno
import json
import os
import socket
import sys
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self

from agenda.storage.errors import FolderInUse, StoreReadOnly, StoreUnreadable

DATABASE: Final = "agenda.db"
ERASED: Final = "erased.txt"
LOCK: Final = "agenda.lock"
LOGS: Final = "logs"
BACKUPS: Final = "backups"

COPIES_KEPT: Final = timedelta(days=30)
FOLDER_MODE: Final = 0o700
FILE_MODE: Final = 0o600

if sys.platform == "win32":
    import msvcrt

    # Locking is mandatory there, so a byte is locked that lies behind what others want to read.
    _FAR = 1 << 20

    def _try_lock(file: int) -> None:
        os.lseek(file, _FAR, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        os.lseek(file, 0, os.SEEK_SET)
else:
    import fcntl

    def _try_lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


class DataFolder:
    """A data folder that this process holds, from `take` to `release` or to its end."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock: int | None = lock

    @classmethod
    def take(cls, path: Path) -> Self:
        """Make the folder if need be and hold it.

        Raises FolderInUse if another process does, StoreReadOnly or StoreUnreadable if the system refuses.
        """
        try:
            path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            if path.stat().st_mode & 0o777 != FOLDER_MODE and all(map(_is_ours, path.iterdir())):
                path.chmod(FOLDER_MODE)
            (path / LOGS).mkdir(mode=FOLDER_MODE, exist_ok=True)
            lock = os.open(path / LOCK, os.O_RDWR | os.O_CREAT, FILE_MODE)
        except OSError as error:
            raise _problem(error, path) from error
        try:
            _try_lock(lock)
        except OSError as error:
            os.close(lock)
            raise _holder(path) from error
        folder = cls(path, lock)
        folder._sign()  # its own constructor
        return folder

    def _sign(self) -> None:
        """Write down who holds it, for whoever is refused."""
        assert self._lock is not None  # noqa: S101  # just taken
        since = datetime.now(UTC).replace(microsecond=0).isoformat()
        text = json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": since})
        try:
            os.ftruncate(self._lock, 0)
            os.write(self._lock, text.encode())
        except OSError as error:
            self.release()
            raise _problem(error, self.path) from error

    def release(self) -> None:
        """Let others have it; idempotent."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @property
    def database(self) -> Path:
        """The database file."""
        return self.path / DATABASE

    @property
    def logs(self) -> Path:
        """Where the users' readable logs lie."""
        return self.path / LOGS

    def erased(self) -> list[str]:
        """The ids of all users that were ever erased here, in order; `restore` erases them from older copies."""
        try:
            return (self.path / ERASED).read_text("ascii").split()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise _problem(error, self.path) from error

    def remember_erased(self, users: Iterable[str]) -> None:
        """Add to the list, durably, those that are not on it."""
        known = set(self.erased())
        lines = "".join(f"{user}\n" for user in users if user not in known)
        if not lines:
            return
        try:
            file = os.open(self.path / ERASED, os.O_WRONLY | os.O_CREAT | os.O_APPEND, FILE_MODE)
            try:
                os.write(file, lines.encode())
                os.fsync(file)
            finally:
                os.close(file)
            sync_folder(self.path)
        except OSError as error:
            raise _problem(error, self.path) from error

    def copy_before(self, revision: str) -> Path:
        """Where a copy goes that is made before the database of this revision is migrated."""
        return self.path / f"agenda-before-{revision}.db"

    def drop_old_copies(self, now: datetime) -> None:
        """Delete the copies made over 30 days ago: they name people who may have been erased since."""
        oldest = (now - COPIES_KEPT).timestamp()
        for copy in self.path.glob("agenda-before-*.db*"):
            with suppress(OSError):
                if copy.stat().st_mtime < oldest:
                    copy.unlink()

    def keep_private(self) -> None:
        """Take from others whatever right they have to the agenda's files, and leave them to the folder's owner."""
        for file in filter(_is_ours, self.path.iterdir()):
            if not file.is_symlink():
                hand_over(file, self.path)
                if file.is_file():
                    with suppress(OSError):
                        file.chmod(FILE_MODE)


def hand_over(path: Path, folder: Path) -> None:
    """What the administrator made in somebody's folder becomes his whose folder it is; nothing for other users."""
    if sys.platform != "win32" and os.geteuid() == 0:
        owner = folder.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def _is_ours(path: Path) -> bool:
    """Whether this is the agenda's: somebody may have named a folder that holds other things, whose modes are his."""
    return path.name.startswith(("agenda.", "agenda-before-")) or path.name in {ERASED, LOGS, BACKUPS}


def sync_folder(path: Path) -> None:
    """Make the folder's entries durable, where the system can."""
    if sys.platform == "win32":
        return
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _problem(error: OSError, path: Path) -> StoreReadOnly | StoreUnreadable:
    kind = StoreReadOnly if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM) else StoreUnreadable
    return kind(path)


def _holder(path: Path) -> FolderInUse:
    """Who holds the folder, as far as it says so."""
    told: dict[str, Any] = {}
    with suppress(OSError, ValueError):
        told = json.loads((path / LOCK).read_text("utf-8"))
    since = told.get("since")
    return FolderInUse(path, told.get("pid"), told.get("host"), datetime.fromisoformat(since) if since else None)
