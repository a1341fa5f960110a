"""Options that several commands share, and the way a command takes a group of them as one value."""

from collections.abc import Callable
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any

import typer

# Read from the command line before it is parsed (see agenda.cli.app), since complaints about it depend on them.
Language = Annotated[
    str | None,
    typer.Option(
        "--language",
        metavar="cli.metavar.language",
        envvar="AGENDA_LANGUAGE",
        help="cli.option.language",
        expose_value=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="cli.option.json", expose_value=False)]

Server = Annotated[
    str, typer.Option("--server", metavar="cli.metavar.server", envvar="AGENDA_SERVER", help="cli.option.server")
]
Tls = Annotated[bool, typer.Option("--tls", help="cli.option.tls")]
Ca = Annotated[Path | None, typer.Option("--ca", metavar="cli.metavar.file", envvar="AGENDA_CA", help="cli.option.ca")]
User = Annotated[
    str | None, typer.Option("--user", metavar="cli.metavar.name", envvar="AGENDA_USER", help="cli.option.user")
]
PasswordStdin = Annotated[bool, typer.Option("--password-stdin", help="cli.option.password_stdin")]
Create = Annotated[bool, typer.Option("--create", help="cli.option.create")]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data", metavar="cli.metavar.folder", envvar="AGENDA_DATA", help="cli.option.data",
        readable=False,  # a folder that is another user's gets our own sentence
    ),
]  # fmt: skip
Store = Annotated[
    str | None,
    typer.Option("--store", metavar="cli.metavar.store", envvar="AGENDA_STORE", help="cli.option.store"),
]
Service = Annotated[str | None, typer.Option("--service", metavar="cli.metavar.name", help="cli.option.service")]
Resource = Annotated[str | None, typer.Option("--resource", metavar="cli.metavar.name", help="cli.option.resource")]
Request = Annotated[str | None, typer.Option("--request", metavar="cli.metavar.id", help="cli.option.request")]
Yes = Annotated[bool, typer.Option("--yes", help="cli.option.yes")]


def given(shared: Callable[..., Any]) -> Callable[[Callable[..., int | None]], Callable[..., int | None]]:
    """The decorated command's first parameter is what `shared` makes of its options; these become the command's own."""

    def decorate(command: Callable[..., int | None]) -> Callable[..., int | None]:
        theirs = signature(shared, eval_str=True).parameters
        own = list(signature(command, eval_str=True).parameters.values())[1:]

        @wraps(command)
        def run(**values: Any) -> int | None:
            first = shared(**{name: values.pop(name) for name in theirs if name in values})
            return command(first, **values)

        together = [p.replace(kind=Parameter.KEYWORD_ONLY) for p in (*own, *theirs.values())]
        run.__signature__ = Signature(together)  # type: ignore[attr-defined]  # what typer reads
        run.__annotations__ = {p.name: p.annotation for p in together}
        return run

    return decorate
