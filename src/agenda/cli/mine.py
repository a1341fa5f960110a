"""Commands on what is stored about oneself: log, export, erase."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agenda.cli import remembered
from agenda.cli.exits import Failure, Status
from agenda.cli.online import Access, access
from agenda.cli.options import Request, Yes, given
from agenda.cli.terminal import plain_document
from agenda.texts import Texts

if TYPE_CHECKING:
    from agenda.wire import Receipt

Limit = Annotated[int, typer.Option("--limit", metavar="cli.metavar.number", min=1, max=1000, help="cli.option.limit")]
Before = Annotated[str | None, typer.Option("--before", metavar="cli.metavar.id", help="cli.option.before")]
Output = Annotated[Path | None, typer.Option("--output", "-o", metavar="cli.metavar.file", help="cli.option.output")]


@given(access)
def log(way: Access, limit: Limit = 100, before: Before = None) -> None:
    with way.open() as online:
        page = online.client.log(limit=limit, before=before)
    terminal, t = way.terminal, way.terminal.t
    terminal.document(plain_document(page))
    terminal.table(
        ("at", "action", "outcome", "start"),
        [
            (
                online.listed(entry.at),
                _word(t, "action", entry.action),
                _word(t, "outcome", entry.outcome),
                online.listed(entry.start) if entry.start else "",
            )
            for entry in page.entries
        ],
        empty="cli.log.none",
    )
    if page.before and not terminal.json:
        terminal.tell("cli.log.more", before=page.before)


def _word(t: Texts, kind: str, name: str) -> str:
    """What the window calls it too; the bare name of what a newer server has."""
    try:
        return t(f"desktop.{kind}_{name}")
    except KeyError:
        return name


@given(access)
def export(way: Access, output: Output = None) -> None:
    with way.open() as online:
        document = online.client.export()
    terminal = way.terminal
    if output is None:
        terminal.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
        return
    try:
        file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(file, "w", encoding="utf-8") as target:
            json.dump(document, target, ensure_ascii=False, indent=2)
    except OSError as error:
        message = terminal.t("cli.error.file", path=output, reason=error.strerror)
        raise Failure(Status.USAGE, "file", message) from error
    terminal.document({"output": str(output)})
    terminal.tell("cli.export.done", path=output)


@given(access)
def erase(way: Access, yes: Yes = False, request: Request = None) -> None:
    try:
        with way.open() as online:
            name = online.session.user.name
            if not yes:
                _confirm(way, name)
            receipt = online.client.erase(way.password(name), request=request)
    except Failure as failure:
        if request is None or way.user is None or failure.code not in {"bad_credentials", "not_signed_in"}:
            raise
        name, receipt = way.user, _given_again(way, way.user, request, failure)
    with suppress(OSError):  # the receipt matters, and a session that has ended is of no use to anybody
        remembered.forget(way.kept.name if way.kept else way.address.name)
    document = plain_document(receipt)
    way.terminal.document(document)
    way.terminal.tell("cli.erase.done", user=name)
    if not way.terminal.json:
        way.terminal.say(json.dumps(document["receipt"], ensure_ascii=False, indent=2))
    from agenda.wire import COPIES_AGE_OUT

    if document["receipt"].get("remains") == COPIES_AGE_OUT:
        way.terminal.tell("cli.erase.copies_age_out")


def _given_again(way: Access, user: str, request: str, failure: Failure) -> Receipt:
    """The receipt of an erasure that was done already: nobody can sign in any more, and nobody has to."""
    from agenda.cli.trouble import told
    from agenda.client import NotSignedIn

    t = way.terminal.t
    with way.address.connect(t) as client, told(t, way.address):
        try:
            return client.erase(way.password(user), request=request)
        except NotSignedIn:  # nor was there such an erasure
            raise failure from None


def _confirm(way: Access, name: str) -> None:
    """The person types the name, so that nothing is erased by mistake."""
    t = way.terminal.t
    if not sys.stdin.isatty() or way.terminal.json:
        raise Failure(Status.USAGE, "usage", t("cli.usage.confirm"))
    sys.stderr.write(t("cli.prompt.erase", user=name) + ": ")
    sys.stderr.flush()
    if sys.stdin.readline().strip() != name:
        raise Failure(Status.REFUSED, "not_confirmed", t("cli.erase.kept"))
