"""Why the store cannot be used, one class per cause, with facts for the operator; clients only learn `unavailable`."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from agenda.engine.ports import StoreLost, StoreUnavailable


@dataclass
class StoreProblem(StoreUnavailable):
    """The root: something about this data folder or its database.

    `path` is the file or folder, or the address of a PostgreSQL database, without a password.
    """

    path: Path | str

    def __str__(self) -> str:
        """For logs; the operator reads the catalogue's sentence."""
        return f"{type(self).__name__}: {self.path}"


@dataclass
class StoreLocked(StoreProblem):
    """Another program keeps the database locked."""


@dataclass
class StoreFull(StoreProblem):
    """The disk or the database is full."""


@dataclass
class StoreReadOnly(StoreProblem):
    """The folder or the database cannot be written."""


@dataclass
class StoreDamaged(StoreProblem):
    """This is not an agenda's database, or it is broken."""


@dataclass
class StoreUnreadable(StoreProblem):
    """The system refused to open, read, write or synchronise a file."""


@dataclass
class StoreSlow(StoreProblem):
    """A question took longer than it may."""


@dataclass
class StoreClosed(StoreProblem):
    """The store was closed."""


@dataclass
class StoreNewer(StoreProblem):
    """A later program made this database; it serves programs from version `needs` on."""

    needs: str


@dataclass
class StoreOlder(StoreProblem):
    """An earlier program made this database; a server's start brings it up to date."""


@dataclass
class StoreEmpty(StoreProblem):
    """There is no agenda in this PostgreSQL database."""


@dataclass
class StoreNotEmpty(StoreProblem):
    """There is an agenda in this PostgreSQL database already, or a part of one."""


@dataclass
class StoreMoved(StoreProblem):
    """The agenda was moved to `target`, and none is served here; `path` is the place as move-store names it."""

    target: str


@dataclass
class StoreInUse(StoreProblem):
    """Servers work on this PostgreSQL database."""


@dataclass
class StoreBusyErasing(StoreProblem):
    """An erasure was committed, but readers kept its remains from being taken out of the files in time."""


@dataclass
class StoreAway(StoreProblem):
    """The database server cannot be reached, or takes no writes at the moment."""


@dataclass
class StoreBroken(StoreProblem, StoreLost):
    """The connection to the database server broke, or was given up after its deadline."""


@dataclass
class StoreRefused(StoreProblem):
    """The database server does not let us in, or lacks what we need; `reason` is what it says."""

    reason: str = ""


@dataclass
class StoreAddress(StoreProblem):
    """This is not the address of a PostgreSQL database; `path` does not repeat it, since it may hold a password."""


@dataclass
class FolderInUse(StoreProblem):
    """Another server works on this data folder: process `pid` on `host`, since `since`; None where it does not say."""

    pid: int | None
    host: str | None
    since: datetime | None


@dataclass
class FolderNotEmpty(StoreProblem):
    """There is an agenda in the folder already."""


@dataclass
class StoreMissing(StoreProblem):
    """There is no database here."""


@dataclass
class FileExists(StoreProblem):
    """A file is in the way that must not be overwritten."""
