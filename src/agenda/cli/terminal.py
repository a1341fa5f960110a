"""What a command writes: sentences and tables for people, or one JSON document for programs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from agenda.cli.exits import Failure, Status
from agenda.texts import Texts

if TYPE_CHECKING:
    from rich.console import Console

PIPED_WIDTH = 200  # columns of a table that no terminal limits


class Steps(Protocol):
    """A long work tells how far it is."""

    def __call__(self, done: int, total: int) -> None: ...


class Terminal:
    """Standard output and error of one command, in one language; with `json` people get nothing but the document.

    `language_asked` tells a language that was asked for from one that was guessed.
    """

    def __init__(self, t: Texts, *, json: bool) -> None:
        self.t = t
        self.language_asked = False
        self.json = json

    def document(self, value: object) -> None:
        """The command's one JSON document, if that was asked for."""
        if self.json:
            self.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")

    def say(self, sentence: str = "") -> None:
        """A line for people."""
        if not self.json:
            self.write(sentence + "\n")

    def tell(self, msgid: str, **facts: object) -> None:
        """A sentence of the catalogue for people."""
        self.say(self.t(msgid, **facts))

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]], *, empty: str) -> None:
        """Rows under translated heads (msgids `cli.column.*`), or the sentence `empty` where there are none.

        A column in which nothing stands is left out.
        """
        rows = list(rows)
        if self.json or not rows:
            return self.tell(empty)
        from rich.box import SIMPLE_HEAD
        from rich.table import Table
        from rich.text import Text

        table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
        filled = [place for place in range(len(columns)) if any(row[place] for row in rows)]
        for place in filled:
            table.add_column(self.t(f"cli.column.{columns[place]}"), overflow="fold")
        for row in rows:
            table.add_row(*(Text(row[place]) for place in filled))  # Text, since names may hold what looks like markup
        console = _console(sys.stdout)
        with console.capture() as captured:
            console.print(table)
        return self.write(captured.get())

    @contextmanager
    def steps(self, msgid: str) -> Iterator[Steps]:
        """A progress bar on standard error while the block runs, if a person sees it."""
        if self.json or not sys.stderr.isatty():
            with nullcontext():
                yield lambda done, total: None
            return
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=_console(sys.stderr), transient=True) as progress:
            task = progress.add_task(self.t(msgid), total=None)
            yield lambda done, total: progress.update(task, completed=done, total=total)

    def failed(self, failure: Failure) -> None:
        """The last word of a command that failed: a sentence on standard error, or the document `{"error": …}`."""
        if self.json:
            error = {"code": failure.code, "message": failure.message, **failure.facts}
            self.document({"error": error})
        else:
            sys.stderr.write(f"{self.t('cli.error')}: {failure.message}\n")

    def write(self, text: str) -> None:
        """Text on standard output; a reader who has gone away ends the command quietly."""
        try:
            sys.stdout.write(text)
            sys.stdout.flush()
        except BrokenPipeError:
            # What is buffered must not be tried again when the interpreter ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise Failure(Status.BROKEN_PIPE, "broken_pipe", "") from None


def _console(stream: TextIO) -> Console:
    """A rich console that does not guess: no colours for NO_COLOR or a file, and wide where nobody looks."""
    from rich.console import Console

    return Console(file=stream, width=None if stream.isatty() else PIPED_WIDTH, highlight=False, soft_wrap=False)


def plain_document(value: Any) -> Any:
    """A value of the wire as JSON knows it."""
    from agenda.wire import plain

    return plain(value)
