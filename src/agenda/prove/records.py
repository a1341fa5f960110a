"""A history as lines of JSON, so that a run can be kept and judged again."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import TypeAdapter

from agenda.prove.history import Call, Fault, Held, History, Picture, Place, Repeat

FORMAT: Final = 1


class NotAHistory(ValueError):
    """A file that is none, or of a format that this program does not know; the text says where."""


class _Run(NamedTuple):
    """The first line: what there is one of."""

    format: int
    seed: int
    groups: list[list[Place]]
    about: dict[str, str]


class _Picture(NamedTuple):
    """A `Picture` whose places are no keys: (place, seen, true), None where one of the two lacks it."""

    client: int
    day: str
    slots: list[tuple[Place, str | None, str | None]]


_RUN: Final = TypeAdapter(_Run)
_PICTURE: Final = TypeAdapter(_Picture)
_THINGS: Final[dict[str, TypeAdapter[Any]]] = {
    "calls": TypeAdapter(Call),
    "repeats": TypeAdapter(Repeat),
    "faults": TypeAdapter(Fault),
    "held": TypeAdapter(Held),
}
"""By the name of its list in `History`, what a line holds."""


def write(history: History, path: Path) -> None:
    """Keep a history: a line on the run, then one for each thing that happened. Raises OSError."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for kind, value in _lines(history):
            file.write(json.dumps([kind, value], ensure_ascii=False, separators=(",", ":")) + "\n")


def read(path: Path) -> History:
    """The history that `write` kept. Raises OSError, NotAHistory."""
    history: History | None = None
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                kind, value = json.loads(line)
                if history is None:
                    history = _begun(kind, value)
                elif kind == "pictures":
                    history.pictures.append(_picture(_PICTURE.validate_python(value)))
                else:
                    thing = _THINGS[kind].validate_python(value)
                    getattr(history, kind).append(thing)
            except (ValueError, TypeError, KeyError) as error:
                raise NotAHistory(f"line {number}: {error}") from error
    if history is None:
        raise NotAHistory("the file is empty")
    return history


def _lines(history: History) -> Iterator[tuple[str, Any]]:
    run = _Run(FORMAT, history.seed, history.groups, history.about)
    yield "run", _RUN.dump_python(run, mode="json")
    for kind, adapter in _THINGS.items():
        for thing in getattr(history, kind):
            yield kind, adapter.dump_python(thing, mode="json", exclude_defaults=True)
    for picture in history.pictures:
        places = sorted(picture.seen.keys() | picture.true.keys())
        slots = [(place, picture.seen.get(place), picture.true.get(place)) for place in places]
        yield "pictures", _PICTURE.dump_python(_Picture(picture.client, picture.day, slots), mode="json")


def _begun(kind: str, value: object) -> History:
    if kind != "run":
        raise NotAHistory("the first line is not that of a run")
    run = _RUN.validate_python(value)
    if run.format != FORMAT:
        raise NotAHistory(f"format {run.format} is not known")
    return History(run.seed, run.groups, about=run.about)


def _picture(record: _Picture) -> Picture:
    seen = {place: state for place, state, _ in record.slots if state is not None}
    true = {place: state for place, _, state in record.slots if state is not None}
    return Picture(record.client, record.day, seen, true)
