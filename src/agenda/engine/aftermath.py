"""What follows a commit: the board is corrected, watchers and other nodes are told, readable logs written behind."""

from collections.abc import Callable, Collection, Iterable
from typing import Any

from agenda.domain.model import Catalogue, UserId
from agenda.engine.board import Board, Key
from agenda.engine.committer import Committed
from agenda.engine.following import Following
from agenda.engine.live import Live
from agenda.engine.ports import Log, Mailbox, Reply, Store


class Aftermath:
    """The committer's listener; `lives` has one feed for each door that watches."""

    def __init__(self, board: Board, store: Store, log: Log, offers_changed: Callable[[Catalogue], None]) -> None:
        self._board, self._store, self._log = board, store, log
        self._offers_changed = offers_changed
        self._catalogue: Catalogue | None = None
        self.lives: dict[Mailbox, Live] = {}
        self.following: Following | None = None

    def beginning(self, writer: int) -> None:
        """From now on something may be committed in this chain."""
        if self.following is not None:
            self.following.beginning(writer)

    def committed(self, done: Committed) -> Iterable[tuple[Mailbox, Reply, Any]]:
        """Correct the board, and ask each feed to look again at the days that were touched."""
        catalogue, changes = done.before.catalogue, done.changes
        if self._catalogue is not None and catalogue is not self._catalogue:
            self._offers_changed(catalogue)
        self._catalogue = catalogue
        self._log.entries(done.entries)
        if self.following is None:
            self._correct(done)
        else:
            self.following.own(done, self._correct)
        released, claimed = changes.released.values(), changes.claimed.values()
        if not self.lives or not (released or claimed):
            return []
        return self._refreshed(self._board.keys((*released, *claimed)))

    def _correct(self, done: Committed) -> None:
        changes = done.changes
        try:
            if changes.released or changes.claimed:
                self._board.correct(changes.released.values(), changes.claimed.values(), done.before.bookings)
        except BaseException:
            self._board.drop()  # better unknown than stale
            raise

    def _refreshed(self, keys: Iterable[Key]) -> list[tuple[Mailbox, Reply, Any]]:
        return [(mailbox, live.refresh, keys) for mailbox, live in list(self.lives.items())]

    def look_again(self, keys: Iterable[Key] | None) -> None:
        """Watchers look again at the days that another node touched, or at everything."""
        for mailbox, live in list(self.lives.items()):
            mailbox.post([(live.refresh_all, None) if keys is None else (live.refresh, keys)])

    def erased(self, user: UserId) -> None:
        """Take what is left of the user out of the files before the receipt is given. Raises StoreUnavailable."""
        self._log.erased(user)
        self._store.scrub()
