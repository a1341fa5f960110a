"""What follows a commit: the board is corrected, watchers and other nodes are told, readable logs written behind."""

from collections.abc import Callable, Iterable
from typing import Any

from agenda.domain.model import Catalogue, Claim, UserId
from agenda.engine.board import Board
from agenda.engine.committer import Committed
from agenda.engine.following import Following, found
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
        catalogue = done.before.catalogue
        dropped = self._catalogue is not None and catalogue is not self._catalogue
        if dropped:
            self._offers_changed(catalogue)
        self._catalogue = catalogue
        self._log.entries(done.entries)
        if self.following is None:
            self._correct(done)
        else:
            self.following.own(done, self._correct)
            dropped = dropped or bool(done.changes.erasures)
        if dropped:
            return [(mailbox, live.refresh_all, None) for mailbox, live in list(self.lives.items())]
        touched = [*done.changes.released.values(), *done.changes.claimed.values()]
        if self.following is not None:
            touched += self._found(done)
        return [(mailbox, live.touched, touched) for mailbox, live in list(self.lives.items())] if touched else []

    def _correct(self, done: Committed) -> None:
        changes = done.changes
        try:
            if changes.released or changes.claimed:
                self._board.correct(changes.released.values(), changes.claimed.values(), done.before.bookings)
            if self.following is not None:
                if changes.erasures:  # what other nodes did to these bookings is blank before it was read
                    self._board.drop()
                self._board.forget(self._board.keys(self._found(done)))
        except BaseException:
            self._board.drop()  # better unknown than stale
            raise

    def _found(self, done: Committed) -> list[Claim]:
        """The time around bookings that are about to be answered, and that the feed may not have told of yet."""
        return [Claim(it.resource, it.seat, self._board.around(it.span), it.id) for it in found(done)]

    def read_again(self) -> None:
        """Watchers whose days could not be read have them read now."""
        for mailbox, live in list(self.lives.items()):
            if live.owing:
                mailbox.post([(live.refresh_owed, None)])

    def look_again(self, claims: Iterable[Claim] | None) -> None:
        """Watchers look again at the days of what another node claimed and released, or at everything."""
        for mailbox, live in list(self.lives.items()):
            mailbox.post([(live.refresh_all, None) if claims is None else (live.touched, claims)])

    def erased(self, user: UserId) -> None:
        """Take what is left of the user out of the files before the receipt is given. Raises StoreUnavailable."""
        self._log.erased(user)
        self._store.scrub()
