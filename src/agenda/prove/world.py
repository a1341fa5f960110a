"""Where a run takes place: what the clients speak with, and what can be broken in it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self


@dataclass(frozen=True, slots=True)
class Breaker:
    """A way to break something: `begin` breaks it, `heal` mends it; neither waits for the world to recover.

    `kind` says how, such as `kill`, `target` what, such as `node 1`; one target has one fault at a time. A fault lasts
    at least `shortest` and at most `longest` seconds. Both callables may raise OSError or RuntimeError if they cannot.
    """

    kind: str
    target: str
    begin: Callable[[], None]
    heal: Callable[[], None]
    shortest: float = 0.5
    longest: float = 3.0


class World(Protocol):
    """Servers of one agenda. Entered, they answer; left, nothing that the world started is running any more.

    All methods are called on one thread.
    """

    kind: str
    """What it is: `outside`, `embedded`, `postgres`, or a name of one's own."""
    lasting: bool
    """Whether the agenda outlives the run: then the run erases the users that it made."""

    @property
    def addresses(self) -> Sequence[tuple[str, int]]:
        """Host and port of each server, the same as long as the world lasts."""

    @property
    def breakers(self) -> Sequence[Breaker]:
        """What can be broken here, in an order that is always the same."""

    def recover(self) -> None:
        """Return when every server answers, after the last fault was healed. Raises RuntimeError if one does not."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
