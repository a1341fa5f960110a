"""What the port promises instead of the errors of PostgreSQL's driver."""

from typing import Final

import psycopg
from psycopg import errors as pg

from agenda.engine.ports import StoreConflict
from agenda.storage.errors import StoreAway, StoreBroken, StoreFull, StoreLocked, StoreProblem, StoreRefused, StoreSlow
from agenda.storage.schema import CHAIN_AS_LEFT

_GONE: Final = (
    *(pg.AdminShutdown, pg.CrashShutdown, pg.CannotConnectNow),
    *(pg.ReadOnlySqlTransaction, pg.IdleInTransactionSessionTimeout),
)
_REFUSED: Final = (
    *(pg.InvalidAuthorizationSpecification, pg.InvalidCatalogName, pg.InsufficientPrivilege),
    *(pg.FeatureNotSupported, pg.UndefinedFile, pg.InvalidSchemaName),
)
_AGAIN: Final = (pg.DeadlockDetected, pg.SerializationFailure)
_FULL: Final = (pg.DiskFull, pg.OutOfMemory)


def translated(error: psycopg.Error, place: str, *, broken: bool) -> Exception:
    """What the port promises instead of a driver's error; the error itself if it is a defect of the program.

    `broken` tells that the connection cannot be used any more.
    """
    if isinstance(error, pg.IntegrityError):
        rule = error.diag.constraint_name or type(error).__name__
        return StoreBroken(place) if rule == CHAIN_AS_LEFT else StoreConflict(rule)
    if isinstance(error, _AGAIN):
        return StoreConflict(type(error).__name__)
    if isinstance(error, _REFUSED):
        return StoreRefused(place, str(error).strip())
    if isinstance(error, pg.NumericValueOutOfRange):
        return OverflowError(str(error).strip())
    problem: type[StoreProblem] | None = None
    if isinstance(error, pg.LockNotAvailable):
        problem = StoreLocked
    elif isinstance(error, pg.QueryCanceled):
        problem = StoreSlow
    elif isinstance(error, _FULL):
        problem = StoreFull
    elif broken or isinstance(error, _GONE):
        problem = StoreBroken
    elif isinstance(error, psycopg.OperationalError):
        problem = StoreAway
    return error if problem is None else problem(place)


def unreachable(error: psycopg.Error, place: str) -> StoreProblem:
    """Why there is no connection: the driver has no codes for that, only the server's own words after FATAL."""
    _, fatal, said = str(error).rpartition("FATAL:")
    if fatal:
        return StoreRefused(place, " ".join(said.split()))
    if error.pgconn is not None and error.pgconn.needs_password:
        return StoreRefused(place, "no password supplied")
    return StoreAway(place)
