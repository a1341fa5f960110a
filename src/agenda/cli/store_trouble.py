"""What is wrong with a data folder or a database, as a failure that a person understands and can mend."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from agenda.cli.exits import Failure, Status

if TYPE_CHECKING:
    from agenda.texts import Texts


@contextmanager
def told(t: Texts, folder: Path | str) -> Iterator[None]:
    """Turns what the store cannot do into a failure that a person understands."""
    from agenda.engine.ports import StoreUnavailable

    try:
        yield
    except (StoreUnavailable, OSError) as error:
        raise _failure(error, t, folder) from error


def _failure(error: Exception, t: Texts, folder: Path | str) -> Failure:
    """By the class of the error: `cli.store.<name>`, its facts in the sentence."""
    from agenda.storage import errors

    names = {
        errors.FolderInUse: "in_use",
        errors.FolderNotEmpty: "not_empty",
        errors.FileExists: "file_exists",
        errors.StoreMissing: "missing",
        errors.StoreLocked: "locked",
        errors.StoreFull: "full",
        errors.StoreReadOnly: "read_only",
        errors.StoreDamaged: "damaged",
        errors.StoreNewer: "newer",
        errors.StoreOlder: "older",
        errors.StoreEmpty: "empty",
        errors.StoreNotEmpty: "database_not_empty",
        errors.StoreInUse: "database_in_use",
        errors.StoreMoved: "moved",
        errors.StoreSlow: "slow",
        errors.StoreAway: "away",
        errors.StoreBroken: "away",
        errors.StoreRefused: "refused",
        errors.StoreAddress: "address",
    }
    name = names.get(type(error), "other")
    facts = {"path": folder, **getattr(error, "__dict__", {})}
    cause = error.__cause__ or error
    reason = " ".join(str(getattr(cause, "strerror", None) or cause).split())
    facts = {"reason": reason, **facts}
    message = t(f"cli.store.{name}", **{k: _shown(v, t) for k, v in facts.items()})
    return Failure(Status.STORE, f"store_{name}", message, **{k: v and str(v) for k, v in facts.items()})


def _shown(fact: object, t: Texts) -> str:
    """A fact as it stands in a sentence; an instant by this machine's clock."""
    if isinstance(fact, datetime):
        return t.day_time(fact.astimezone())
    return "?" if fact is None else str(fact)
