"""Whether the store can be used just now, as those who use it find, and who wants to know when that changes."""

from collections.abc import Callable
from threading import Lock, Timer
from typing import Final

from agenda.engine.ports import Mailbox, StoreUnavailable

PATIENCE: Final = 1.0  # seconds that trouble lasts before the store counts as away

COMMITS: Final = "commits"  # the witness that writes
FEED: Final = "feed"  # the witness that reads what other nodes wrote

Listener = Callable[[bool], None]


class Health:
    """Every method may be called from any thread; `ok` costs next to nothing as long as all is well.

    The store is away once a witness has been in trouble for `patience` seconds without an `ok` of its own in between,
    and back when the last of them is well again: what can still be read may not be written any more.
    """

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._lock = Lock()
        self._troubled: dict[str, Timer] = {}  # the alarm of each witness in trouble
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
        """The store did what this witness asked of it."""
        if witness not in self._troubled:
            return
        with self._lock:
            alarm = self._troubled.pop(witness, None)
            if alarm is None:
                return
            alarm.cancel()
            was_away = bool(self._away)
            self._away.discard(witness)
            if was_away and not self._away:
                self._tell()

    def trouble(self, error: StoreUnavailable, witness: str = FEED) -> None:
        """The store could not do it; logging why is for the caller."""
        if witness in self._troubled:
            return
        with self._lock:
            if witness not in self._troubled:
                alarm = Timer(self._patience, lambda: self._lasted(witness, alarm))
                alarm.daemon = True
                self._troubled[witness] = alarm
                alarm.start()

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
