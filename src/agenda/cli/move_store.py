"""The command that moves an agenda from one engine to the other: move-store."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agenda.cli.exits import Failure, Status
from agenda.cli.findings import finding_document, head_texts, show_findings, show_heads
from agenda.cli.options import Json, Language
from agenda.cli.store_trouble import told
from agenda.cli.terminal import Steps, Terminal

if TYPE_CHECKING:
    from agenda.storage.move import Stage, Unsound, Where
    from agenda.texts import Texts

From = Annotated[str, typer.Argument(metavar="cli.metavar.source", help="cli.option.move_from")]
To = Annotated[str | None, typer.Argument(metavar="cli.metavar.target", help="cli.option.move_to")]
Undo = Annotated[bool, typer.Option("--undo", help="cli.option.move_undo")]

_EMBEDDED = "sqlite:"
_SHARED = ("postgresql://", "postgres://")


def move_store(
    ctx: typer.Context,
    source: From,
    target: To = None,
    *,
    undo: Undo = False,
    json: Json = False,
    language: Language = None,
) -> None:
    terminal: Terminal = ctx.obj
    t = terminal.t
    if undo and target is None:
        _undo(_where(source, t), terminal)
    elif undo:
        raise Failure(Status.USAGE, "usage", t("cli.usage.extra", words=target))
    elif target is None:
        raise Failure(Status.USAGE, "usage", t("cli.usage.missing", name=t("cli.metavar.target")))
    else:
        _move(_where(source, t), _where(target, t), terminal)


def _move(there: Where, here: Where, terminal: Terminal) -> None:
    from agenda.storage.move import Differs, Unsound, move, named

    t = terminal.t
    if isinstance(there, Path) == isinstance(here, Path):
        raise Failure(Status.USAGE, "usage", t("cli.usage.move"))
    names = {"source": named(there), "target": named(here)}
    try:
        with told(t, names["target"]):
            moved = move(there, here, datetime.now(UTC), stage(terminal))
    except Unsound as unsound:
        raise _unsound(unsound, terminal, names["source"]) from unsound
    except Differs as differs:
        message = t("cli.move_store.differs", what=differs.what, **names)
        raise Failure(Status.STORE, "copy_differs", message, what=differs.what) from differs
    terminal.document({**names, "rows": moved.rows, "heads": head_texts(moved.heads)})
    terminal.say(t.plural("cli.move_store.done", moved.rows["booking"], **names))
    show_heads(terminal, moved.heads)
    terminal.tell("cli.move_store.next_embedded" if isinstance(here, Path) else "cli.move_store.next_shared", **names)
    if not moved.marked:
        terminal.tell("cli.move_store.no_mark", **names)


def _undo(source: Where, terminal: Terminal) -> None:
    """Takes back that the agenda of this place was moved away."""
    from agenda.storage.move import named, undo

    with told(terminal.t, named(source)):
        target = undo(source)
    terminal.document({"source": named(source), "target": target})
    terminal.tell(f"cli.move_store.{'undone' if target else 'never_moved'}", source=named(source), target=target)


def stage(terminal: Terminal) -> Stage:
    """Shows each part of a move on a bar of its own."""

    def shown(part: str) -> AbstractContextManager[Steps]:
        return terminal.steps(f"cli.move_store.{part}")

    return shown


def _where(text: str, t: Texts) -> Where:
    """`sqlite:` and a data folder or the database in it, or the address of a PostgreSQL database."""
    from agenda.storage.folder import DATABASE

    if text.startswith(_SHARED):
        return text
    path = text.removeprefix(_EMBEDDED)
    if path == text or not path:
        raise Failure(Status.USAGE, "usage", t("cli.usage.move_place", value=text.partition(":")[0]))
    folder = Path(path.removeprefix("//"))
    return folder.parent if folder.name == DATABASE else folder


def _unsound(unsound: Unsound, terminal: Terminal, source: str) -> Failure:
    """What doctor finds is told first, as it would tell it."""
    show_findings(terminal, unsound.findings)
    documents = [finding_document(finding, terminal.t) for finding in unsound.findings]
    message = terminal.t("cli.move_store.unsound", source=source)
    return Failure(Status.FOUND, "unsound", message, findings=documents)
