"""Whether the store can be used just now, as those who use it find, and who wants to know when that changes."""

from collections.abc import Callable
from threading import Lock, Timer
from time import monotonic
from typing import Final

from agenda.engine.ports import Log, Mailbox, StoreUnavailable

PATIENCE: Final = 1.0  # seconds that trouble lasts before the store counts as away

COMMITS: Final = "commits"  # the witness that writes
FEED: Final = "feed"  # the witness that reads what other nodes wrote
UPKEEP: Final = "upkeep"  # who looks after the store's files: nobody waits for it, and mostly it has nothing to do
READS: Final = "reads"  # who asks in passing, and does not ask again by himself

_WITNESSES: Final = {COMMITS, FEED}
_PERSISTENT: Final = {*_WITNESSES, UPKEEP}  # who try again by themselves: their trouble lasts until they are well
_SERVED: Final = {*_WITNESSES, READS}  # whose `ok` is an answer of the store's

Listener = Callable[[bool], None]


class Health:
    """Every method may be called from any thread; `ok` costs next to nothing as long as all is well.

    The store is away once a witness has been in trouble for `patience` seconds without an `ok` of its own in between,
    and back when the last of them is well again: what can still be read may not be written any more.

    The log is told once when trouble begins, whoever meets it, and once when it is over: when an answer came and
    nobody is in trouble any more.
    """

    def __init__(self, log: Log, patience: float = PATIENCE) -> None:
        self._log = log
        self._patience = patience
        self._lock = Lock()
        self._since: float | None = None  # when the trouble began that the log was told of
        self._troubled: dict[str, Timer | None] = {}  # who is in trouble, with the alarm of a witness
        self._away: set[str] = set()
        self._listeners: list[tuple[Mailbox, Listener]] = []

    @property
    def available(self) -> bool:
        """Whether the store can be used, as far as is known."""
        return not self._away

    def listen(self, mailbox: Mailbox, listener: Listener) -> None:
        """From now on call `listener` through the mailbox with every change of `available`."""
        with self._lock:
            self._listeners.append((mailbox, listener))

    def ok(self, witness: str = FEED) -> None:
        """The store did what was asked of it."""
        if self._since is None:
            return
        with self._lock:
            was_troubled, was_away = witness in self._troubled, bool(self._away)
            if alarm := self._troubled.pop(witness, None):
                alarm.cancel()
            self._away.discard(witness)
            if was_away and not self._away:
                self._tell()
            if self._since is not None and not self._troubled and (was_troubled or witness in _SERVED):
                since, self._since = self._since, None
                self._log.recovered(monotonic() - since)

    def trouble(self, error: StoreUnavailable, witness: str = FEED) -> None:
        """The store could not do it."""
        if witness in self._troubled:
            return
        with self._lock:
            if self._since is None:
                self._since = monotonic()
                self._log.trouble(error)
            if witness in _PERSISTENT and witness not in self._troubled:
                self._troubled[witness] = self._alarm(witness) if witness in _WITNESSES else None

    def _alarm(self, witness: str) -> Timer:
        """Goes off if the trouble lasts."""
        alarm = Timer(self._patience, lambda: self._lasted(witness, alarm))
        alarm.daemon = True
        alarm.start()
        return alarm

    def _lasted(self, witness: str, alarm: Timer) -> None:
        """The trouble that set this alarm goes on."""
        with self._lock:
            if self._troubled.get(witness) is alarm:
                self._away.add(witness)
                if len(self._away) == 1:
                    self._tell()

    def _tell(self) -> None:
        """Under the lock, so that news come in their order; posting does not wait."""
        for mailbox, listener in self._listeners:
            mailbox.post([(listener, self.available)])
