"""The tree of commands, and one run of it: language and form first, then the command, then its exit status."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Annotated

import typer

from agenda import __version__
from agenda.cli import booking, demo, erased, mine, move_store, prove, run_programs, sign_in, store
from agenda.cli.exits import Failure, Status
from agenda.cli.options import Language
from agenda.cli.terminal import Terminal
from agenda.cli.usage import Command, Group, complaint, translate
from agenda.texts import LANGUAGES, machine_language, texts

COMMANDS = {
    "slots": booking.slots,
    "book": booking.book,
    "bookings": booking.bookings,
    "move": booking.move,
    "cancel": booking.cancel,
    "log": mine.log,
    "export": mine.export,
    "erase": mine.erase,
    "login": sign_in.login,
    "logout": sign_in.logout,
    "demo": demo.demo,
    "prove": prove.prove,
    "serve": run_programs.serve,
    "desktop": run_programs.desktop,
    "backup": store.backup,
    "restore": store.restore,
    "doctor": store.doctor,
    "fill": store.fill,
    "move-store": move_store.move_store,
    "erased": erased.erased,
    "forget": erased.forget,
}


def app() -> typer.Typer:
    """All commands, declared with msgids where people read sentences."""
    tree = typer.Typer(cls=Group, help="cli.help", epilog="cli.help.epilog", rich_markup_mode=None)

    tree.callback(invoke_without_command=True)(_top)
    for name, command in COMMANDS.items():
        tree.command(name, cls=Command, help=f"cli.help.{name}")(command)
    audit = typer.Typer(cls=Group, help="cli.help.audit", rich_markup_mode=None)
    audit.callback(invoke_without_command=True)(_help_alone)
    audit.command("verify", cls=Command, help="cli.help.audit.verify")(store.verify)
    tree.add_typer(audit, name="audit")
    return tree


def _print_version(ctx: typer.Context, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        ctx.obj.write(f"{__version__}\n")
        raise typer.Exit


Version = Annotated[bool, typer.Option("--version", help="cli.option.version", callback=_print_version, is_eager=True)]


def _top(ctx: typer.Context, version: Version = False, language: Language = None) -> None:
    _help_alone(ctx)


def _help_alone(ctx: typer.Context, language: Language = None) -> None:
    """A group without a command says what it could do."""
    if ctx.invoked_subcommand is None:
        ctx.obj.write(ctx.get_help() + "\n")


# The languages as people may write them.
_KNOWN = {tag.lower(): tag for tag in LANGUAGES} | {"pt": "pt-BR", "pt_br": "pt-BR"}


def run(args: list[str]) -> int:
    """Run one command line; returns the exit status and raises nothing but defects.

    Language and form are looked for wherever they stand in the line, since a complaint about the line needs them.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError):  # a stream of a test's own
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # text streams have it
    asked = _value(args, "--language") or os.environ.get("AGENDA_LANGUAGE")
    language = _KNOWN.get(asked.lower()) if asked else machine_language()
    terminal = Terminal(texts(language or machine_language()), json=_flag(args, "--json"))
    terminal.language_asked = asked is not None
    if language is None:
        sentence = terminal.t("cli.usage.language", value=asked, names=", ".join(LANGUAGES))
        return _fail(Failure(Status.USAGE, "usage", sentence), terminal)
    return _run(args, terminal)


def _run(args: list[str], terminal: Terminal) -> int:
    stdout = sys.stdout
    tree = typer.main.get_command(app())
    translate(tree, terminal.t)
    try:
        return int(tree.main(args, "agenda", standalone_mode=False, obj=terminal) or 0)
    except typer.TyperException as error:
        return _fail(complaint(error, terminal.t), terminal)
    except Failure as error:
        return _fail(error, terminal)
    except (KeyboardInterrupt, EOFError, typer.Abort):
        return Status.INTERRUPTED
    except SystemExit as end:
        # typer ends so after completion, and when its own output breaks off: then it has replaced the stream.
        return int(end.code or 0) if sys.stdout is stdout else Status.BROKEN_PIPE


def _fail(failure: Failure, terminal: Terminal) -> int:
    if failure.status is not Status.BROKEN_PIPE:  # there is nobody to tell
        terminal.failed(failure)
    return failure.status


def _flag(args: list[str], name: str) -> bool:
    return name in _before_dashes(args)


def _value(args: list[str], name: str) -> str | None:
    """What an option is given in the line, before it is parsed."""
    words = _before_dashes(args)
    for place, word in enumerate(words):
        if word.startswith(f"{name}="):
            return word.partition("=")[2]
        if word == name and place + 1 < len(words):
            return words[place + 1]
    return None


def _before_dashes(args: list[str]) -> list[str]:
    return args[: args.index("--")] if "--" in args else args
