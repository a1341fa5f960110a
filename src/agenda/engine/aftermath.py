"""What follows a commit: the board is corrected, watchers are told, the readable logs are written behind."""

from collections.abc import Callable, Iterable
from typing import Any

from agenda.domain.model import Catalogue, UserId
from agenda.engine.board import Board
from agenda.engine.committer import Committed
from agenda.engine.live import Live
from agenda.engine.ports import Log, Mailbox, Reply, Store


class Aftermath:
    """The committer's listener; `lives` has one feed for each door that watches."""

    def __init__(self, board: Board, store: Store, log: Log, offers_changed: Callable[[Catalogue], None]) -> None:
        self._board, self._store, self._log = board, store, log
        self._offers_changed = offers_changed
        self._catalogue: Catalogue | None = None
        self.lives: dict[Mailbox, Live] = {}

    def committed(self, done: Committed) -> Iterable[tuple[Mailbox, Reply, Any]]:
        """Correct the board, and ask each feed to look again at the days that were touched."""
        catalogue, changes = done.before.catalogue, done.changes
        if self._catalogue is not None and catalogue is not self._catalogue:
            self._offers_changed(catalogue)
        self._catalogue = catalogue
        self._log.entries(done.entries)
        released, claimed = changes.released.values(), changes.claimed.values()
        if not released and not claimed:
            return []
        try:
            self._board.correct(released, claimed, done.before.bookings)
        except BaseException:
            self._board.drop()  # better unknown than stale
            raise
        if not self.lives:
            return []
        keys = self._board.keys((*released, *claimed))
        return [(mailbox, live.refresh, keys) for mailbox, live in list(self.lives.items())]

    def erased(self, user: UserId) -> None:
        """Take what is left of the user out of the files before the receipt is given. Raises StoreUnavailable."""
        self._log.erased(user)
        self._store.scrub()
