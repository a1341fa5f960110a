"""A day under observation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from agenda.wire import Slot, SlotChange


class Watch:
    """What `Client.watch` gives: the day as it was at first, and the way to stop."""

    def __init__(
        self,
        day: date,
        callback: Callable[[SlotChange], None],
        end: Callable[[Watch], None],
        *,
        service: str | None,
        resource: str | None,
    ) -> None:
        self.day = day
        self.slots: tuple[Slot, ...] = ()
        """The first picture, by time; changes come to the callback and are newer."""
        self.version = 0
        """The first picture's version."""
        self.seen = 0
        """The newest version that came in on the present connection (the link's thread only)."""
        self.closed = False
        named = {"day": day.isoformat(), "service": service, "resource": resource}
        self.params: dict[str, Any] = {name: value for name, value in named.items() if value is not None}
        self._callback = callback
        self._end = end

    def close(self) -> None:
        """Stop: nothing more is called back, save what another thread is just entering. Does not block."""
        if not self.closed:
            self.closed = True
            self._end(self)

    def deliver(self, change: SlotChange) -> None:
        """Hand the change to the callback, unless the watch was closed meanwhile."""
        if not self.closed:
            self._callback(change)
