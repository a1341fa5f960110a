"""All watches of a client, and which of them the server knows by what id just now."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from agenda.client.call import Call
from agenda.client.transport import Broken
from agenda.wire import NotUnderstood, SlotChange, WatchedSlots, read

if TYPE_CHECKING:
    from collections.abc import Callable

    from agenda.client.dispatcher import Dispatcher
    from agenda.client.watch import Watch

_log = logging.getLogger(__name__)


class Watches:
    """Keeps watches alive across connections and sessions. For the link's thread."""

    def __init__(self, transmit: Callable[[Call], None], dispatcher: Dispatcher) -> None:
        self._transmit = transmit
        self._dispatcher = dispatcher
        self._kept: list[Watch] = []
        self._live: dict[str, Watch] = {}

    @property
    def any(self) -> bool:
        """Whether there is one."""
        return bool(self._kept)

    def establish(self) -> None:
        """Begin all of them anew; each gets its complete day."""
        for watch in self._kept:
            self._transmit(Call("slot.watch", watch.params, watch=watch))

    def established(self, call: Call, answer: object) -> None:
        """The server watches: its changes count from now on, and so do its versions, old or new."""
        watch, picture = call.watch, _read(answer)
        if watch is None or watch.closed:
            self._unwatch(picture.watch)
            return
        self._live[picture.watch] = watch
        watch.seen = picture.version
        if call.own:
            self._tell(watch, picture, complete=True)
        else:
            self._kept.append(watch)

    def failed(self, call: Call, problem: Exception) -> None:
        """It could not be begun anew (its resource may be gone): the next connection tries again."""
        if call.watch:
            _log.warning("watching %s failed: %s", call.watch.day, problem)

    def changed(self, params: object) -> None:
        """Pass on what is newer than what the watch has; end what nobody here watches any more."""
        news = _read(params)
        watch = self._live.get(news.watch)
        if watch is None:
            self._unwatch(news.watch)
        elif news.version > watch.seen:
            watch.seen = news.version
            self._tell(watch, news, complete=False)

    def end(self, watch: Watch) -> None:
        """Forget a watch, here and at the server."""
        watch.closed = True
        if watch in self._kept:
            self._kept.remove(watch)
        for known in [known for known, live in self._live.items() if live is watch]:
            del self._live[known]
            self._unwatch(known)

    def end_all(self) -> None:
        """The session was closed, and with it all of them."""
        for watch in self._kept:
            watch.closed = True
        self._kept.clear()
        self._live.clear()

    def disconnected(self) -> None:
        """The server's ids mean nothing any more."""
        self._live.clear()

    def _unwatch(self, known: str) -> None:
        self._transmit(Call("slot.unwatch", {"watch": known}))

    def _tell(self, watch: Watch, news: WatchedSlots, *, complete: bool) -> None:
        change = SlotChange(day=watch.day, version=news.version, slots=news.slots, complete=complete)
        self._dispatcher.post(watch.deliver, change)


def _read(value: object) -> WatchedSlots:
    """A picture or a change of a watched day; raises Broken, since a picture with a hole is worth nothing."""
    try:
        return read(WatchedSlots, value)
    except NotUnderstood as error:
        raise Broken(f"slots not understood: {error}") from error
