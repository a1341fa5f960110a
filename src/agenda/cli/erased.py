"""Commands about people who were erased: erased lists their ids, forget erases them again from a restored store."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from agenda.cli.exits import Failure, Status
from agenda.cli.options import given
from agenda.cli.place import Place, place

List = Annotated[Path, typer.Argument(metavar="cli.metavar.file", help="cli.option.forget_file", allow_dash=True)]

_ID = re.compile("[0-9a-f]{32}")


@given(place)
def erased(where: Place) -> None:
    from agenda.storage.erased import erased_people, listed

    with where.told(), where.looking() as connection:
        people = erased_people(connection)
        if where.store is None:
            people = list(dict.fromkeys([*listed(where.folder), *people]))
    where.terminal.document({"erased": people})
    for person in people:
        where.terminal.say(person)


@given(place)
def forget(where: Place, file: List) -> None:
    from agenda.storage.erased import forget_in

    terminal = where.terminal
    people = _people(file, where)
    with where.told():
        known = forget_in(where.folder, where.store, people)
    terminal.document({"listed": len(people), "erased": known})
    terminal.tell("cli.forget.done", known=known, listed=len(people), path=where)


def _people(file: Path, where: Place) -> list[str]:
    """The ids in the file, or on standard input for `-`; none of them is erased if one of them is none."""
    t = where.terminal.t
    try:
        words = (sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")).split()
    except (OSError, UnicodeDecodeError) as error:
        message = t("cli.error.unread", path=file, reason=getattr(error, "strerror", None) or error)
        raise Failure(Status.USAGE, "file", message) from error
    for word in words:
        if not _ID.fullmatch(word):
            raise Failure(Status.USAGE, "not_an_id", t("cli.forget.not_an_id", value=word), value=word)
    return list(dict.fromkeys(words))
