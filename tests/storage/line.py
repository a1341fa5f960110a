"""A line between a store and its database that can be cut and stalled."""

from collections.abc import Iterator
from contextlib import contextmanager

from agenda.prove.lines import Line, Lines


@contextmanager
def line_to(url: str) -> Iterator[tuple[Line, str]]:
    """A line to the database, and the database's address at its near end; whole again at the end of the block."""
    place, database = url.rsplit("@", 1)[1].split("/")
    host, port = place.split(":")
    with Lines() as lines:
        line = lines.add((host, int(port)))
        near = f"{line.address[0]}:{line.address[1]}"
        yield line, f"postgresql://agenda@{near}/{database}?connect_timeout=2"
        line.heal()
