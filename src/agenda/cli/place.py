"""Where the data are that a command looks after: in a data folder, or in a PostgreSQL database that nodes share."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from agenda.cli.exits import Failure, Status
from agenda.cli.options import Data, Json, Language, Store
from agenda.cli.store_trouble import told
from agenda.cli.terminal import Terminal

if TYPE_CHECKING:
    from agenda.storage.connection import Connection


@dataclass(frozen=True)
class Place:
    """The data folder, and the address of the database that is meant instead, if one is."""

    folder: Path
    store: str | None
    terminal: Terminal

    def __str__(self) -> str:
        """Its name for people, without a password."""
        if self.store is None:
            return str(self.folder)
        from agenda.storage.postgres_address import shown

        return shown(self.store)

    def told(self) -> AbstractContextManager[None]:
        """Turns what the store cannot do into a failure that a person understands."""
        return told(self.terminal.t, str(self))

    def looking(self) -> AbstractContextManager[Connection]:
        """A connection that only reads."""
        from agenda.storage.looking import looking

        return looking(self.folder, self.store)

    def embedded(self) -> Path:
        """The data folder, for commands on its files; there are none of PostgreSQL."""
        if self.store is not None:
            t = self.terminal.t
            raise Failure(Status.USAGE, "not_embedded", t("cli.error.not_embedded", path=self), path=str(self))
        return self.folder


def place(
    ctx: typer.Context, data: Data = None, store: Store = None, json: Json = False, language: Language = None
) -> Place:
    """The options of every command on the store."""
    return chosen(ctx, data, store)


def chosen(ctx: typer.Context, data: Path | None, store: str | None) -> Place:
    """The place that `--data` and `--store` name: what was typed goes before what the environment says.

    Of two in the environment it is the store. Raises Failure where both were typed.
    """
    from agenda.settings import default_data_folder

    if data and _typed(ctx, "data"):
        if store and _typed(ctx, "store"):
            raise Failure(Status.USAGE, "usage", ctx.obj.t("cli.usage.two_places"))
        store = None
    return Place(data or default_data_folder(), store or None, ctx.obj)


def _typed(ctx: typer.Context, option: str) -> bool:
    source = ctx.get_parameter_source(option)
    return source is not None and source.name == "COMMANDLINE"
