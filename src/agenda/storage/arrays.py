"""Columns of values as PostgreSQL reads arrays, in words: the driver takes many times as long over its binary form."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlalchemy import LargeBinary, Text
from sqlalchemy.types import TypeEngine

from agenda.storage.connection import Row
from agenda.storage.schema import Id

Writer = Callable[[Sequence[Any]], str]


def ids(column: Sequence[bytes | None]) -> str:
    """For `uuid[]`."""
    return "{" + ",".join(["NULL" if value is None else value.hex() for value in column]) + "}"


def numbers(column: Sequence[int | None]) -> str:
    """For `int8[]`."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in column]) + "}"


def flags(column: Sequence[bool]) -> str:
    """For `bool[]`."""
    return "{" + ",".join(["t" if value else "f" for value in column]) + "}"


def texts(column: Sequence[str | None]) -> str:
    """For `text[]`."""
    return "{" + ",".join(["NULL" if value is None else _quoted(value) for value in column]) + "}"


def blobs(column: Sequence[bytes | None]) -> str:
    """For `bytea[]`."""
    return "{" + ",".join(["NULL" if value is None else f'"\\\\x{value.hex()}"' for value in column]) + "}"


def _quoted(text: str) -> str:
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


_OF_TYPES: Final[dict[type[TypeEngine[Any]], tuple[str, Writer]]] = {
    Id: ("uuid[]", ids),
    Text: ("text[]", texts),
    LargeBinary: ("bytea[]", blobs),
}


def of_type(type_: TypeEngine[Any]) -> tuple[str, Writer]:
    """The array type of a column's values as the driver has them, and what writes one."""
    return _OF_TYPES.get(type(type_), ("int8[]", numbers))


def columns(rows: Sequence[Row], writers: Sequence[Writer]) -> list[str]:
    """One array for each column of the rows."""
    return [write(column) for write, column in zip(writers, zip(*rows, strict=True), strict=True)]
