"""Keeps the calls of one connection in the order in which they were sent, as far as it can be noticed."""

from enum import Enum, auto
from typing import Final

MOST_READS: Final = 4  # at once for one client: no more are answered at once, and their answers may be long


class Order(Enum):
    """What a call must not overtake. The engine keeps commands in order among themselves."""

    FREE = auto()  # answered from what the connection itself knows
    READ = auto()  # sees every earlier command
    COMMAND = auto()  # is seen by no earlier read
    BARRIER = auto()  # stands alone: everything before it is over, nothing after it has begun


# An attribute of an enum's class takes five times as long to look up as a name of the module.
_FREE: Final = Order.FREE
_READ: Final = Order.READ
_COMMAND: Final = Order.COMMAND
_BARRIER: Final = Order.BARRIER


class Gate:
    """Counts what was started and is not answered yet."""

    __slots__ = ("_barriers", "_commands", "_reads", "started")

    def __init__(self) -> None:
        self._reads = 0
        self._commands = 0
        self._barriers = 0
        self.started = 0

    def enter(self, order: Order) -> bool:
        """Whether a call may start now; if so, it is counted."""
        if self.started and not self._admits(order):
            return False
        self.started += 1
        if order is _COMMAND:
            self._commands += 1
        elif order is _READ:
            self._reads += 1
        elif order is _BARRIER:
            self._barriers += 1
        return True

    def _admits(self, order: Order) -> bool:
        """Whether a call may start beside those that were started."""
        if self._barriers or order is _BARRIER:
            return False
        if order is _COMMAND:
            return not self._reads
        return order is _FREE or (not self._commands and self._reads < MOST_READS)

    def leave(self, order: Order) -> None:
        """It is answered."""
        self.started -= 1
        if order is _COMMAND:
            self._commands -= 1
        elif order is _READ:
            self._reads -= 1
        elif order is _BARRIER:
            self._barriers -= 1
