"""What statements need of a connection, whichever engine it leads to."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal, Protocol

Row = tuple[Any, ...]
Engine = Literal["sqlite", "postgresql"]


class Connection(Protocol):
    """A connection for one thread at a time; transactions are begun and ended in words.

    Every method raises StoreUnavailable for what the environment does, StoreConflict for what a constraint refuses,
    and lets errors that are defects pass.
    """

    @property
    def engine(self) -> Engine:
        """In whose words statements are to be given."""

    def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Execute one statement that gives no rows; the number of rows it changed."""

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """All rows of one statement."""

    def each(self, sql: str, rows: Iterable[Sequence[Any]]) -> int:
        """Execute one statement for each row of values; the number of rows changed in all."""

    def undo(self) -> None:
        """Roll back whatever is open; never raises."""
