"""Commands on the data folder itself: audit verify, backup, restore, doctor, fill."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agenda.cli.exits import Failure, Status
from agenda.cli.options import Data, Json, Language, given
from agenda.cli.store_trouble import told
from agenda.cli.terminal import Terminal

if TYPE_CHECKING:
    from agenda.domain.audit import Head
    from agenda.storage.diagnosis import Finding
    from agenda.storage.made_up import Plan
    from agenda.texts import Texts

Since = Annotated[list[str] | None, typer.Option("--since", metavar="cli.metavar.head", help="cli.option.since")]
Target = Annotated[Path | None, typer.Argument(metavar="cli.metavar.file", help="cli.option.backup_file")]
Source = Annotated[Path, typer.Argument(metavar="cli.metavar.file", help="cli.option.restore_file")]
Resources = Annotated[
    int, typer.Option("--resources", metavar="cli.metavar.number", min=1, max=100_000, help="cli.option.resources")
]
Bookings = Annotated[int, typer.Option("--bookings", metavar="cli.metavar.number", min=0, help="cli.option.bookings")]
Users = Annotated[
    int, typer.Option("--users", metavar="cli.metavar.number", min=1, max=1_000_000, help="cli.option.users")
]
Seed = Annotated[int, typer.Option("--seed", metavar="cli.metavar.number", help="cli.option.seed")]


@dataclass(frozen=True)
class Folder:
    """The data folder that a command is about."""

    path: Path
    terminal: Terminal

    @property
    def database(self) -> Path:
        """The database file in it."""
        from agenda.storage.folder import DATABASE

        return self.path / DATABASE


def folder(ctx: typer.Context, data: Data = None, json: Json = False, language: Language = None) -> Folder:
    """The options of every command on the store."""
    from agenda.settings import default_data_folder

    return Folder(data or default_data_folder(), ctx.obj)


@given(folder)
def verify(where: Folder, since: Since = None) -> int:
    from agenda.storage.verify import verify_audit

    terminal, t = where.terminal, where.terminal.t
    kept = [_head(text, t) for text in since or []]
    with told(t, where.path), _reading(where) as connection, terminal.steps("cli.verify.steps") as steps:
        found = verify_audit(connection, kept, steps)
    terminal.document(
        {
            "intact": not found.faults,
            "entries": found.entries,
            "heads": [_head_text(head) for head in found.heads],
            "faults": [{"kind": f.kind, "writer": f.writer, "seq": f.seq} for f in found.faults],
        }
    )
    for fault in found.faults:
        terminal.tell(f"cli.doctor.audit_{fault.kind}", count=1, examples=f"{fault.writer}:{fault.seq}")
    if not found.faults:
        terminal.say(t.plural("cli.verify.intact", found.entries))
    terminal.tell("cli.verify.heads")
    _show_heads(terminal, found.heads)
    return Status.FOUND if found.faults else Status.DONE


@given(folder)
def backup(where: Folder, file: Target = None) -> int:
    from agenda.storage.backup import backup as copy_database

    terminal, t = where.terminal, where.terminal.t
    if file and not file.parent.is_dir():
        raise Failure(Status.USAGE, "no_folder", t("cli.error.no_folder", path=file.parent), path=str(file.parent))
    with told(t, where.path), terminal.steps("cli.backup.steps") as steps:
        copy = copy_database(where.path, file, datetime.now(UTC), steps)
    terminal.document(
        {
            "path": str(copy.path),
            "bytes": copy.path.stat().st_size,
            "bookings": copy.bookings,
            "heads": [_head_text(head) for head in copy.heads],
            "findings": [_finding_document(finding, t) for finding in copy.findings],
        }
    )
    terminal.say(t.plural("cli.backup.done", copy.bookings, path=copy.path))
    _show_heads(terminal, copy.heads)
    return _show_findings(terminal, copy.findings)


@given(folder)
def restore(where: Folder, file: Source) -> None:
    from agenda.storage.backup import restore as put_back

    terminal, t = where.terminal, where.terminal.t
    with told(t, where.path):
        if not file.is_file():
            raise Failure(Status.USAGE, "no_file", t("cli.error.no_file", path=file), path=str(file))
        restored = put_back(where.path, file, datetime.now(UTC))
    kept = None if restored.kept is None else str(restored.kept)
    terminal.document({"bookings": restored.bookings, "erased": restored.erased, "kept": kept})
    terminal.say(t.plural("cli.restore.done", restored.bookings, path=where.path))
    if restored.erased:
        terminal.say(t.plural("cli.restore.erased", restored.erased))
    if kept:
        terminal.tell("cli.restore.kept", path=kept)


@given(folder)
def doctor(where: Folder) -> int:
    from agenda.storage.doctor import examine

    terminal, t = where.terminal, where.terminal.t
    with told(t, where.path), terminal.steps("cli.doctor.steps") as steps:
        findings = list(examine(where.path, where.database, datetime.now(UTC), steps))
    terminal.document({"data": str(where.path), "findings": [_finding_document(finding, t) for finding in findings]})
    if not findings:
        terminal.tell("cli.doctor.healthy", path=where.path)
    return _show_findings(terminal, findings)


@given(folder)
def fill(where: Folder, resources: Resources, bookings: Bookings, seed: Seed = 1, users: Users = 64) -> None:
    from agenda.storage.fill import PASSWORD
    from agenda.storage.fill import fill as make_up

    terminal, t = where.terminal, where.terminal.t
    plan = _plan(resources, bookings, seed, users, t)
    with told(t, where.path), terminal.steps("cli.fill.steps") as steps:
        make_up(where.path, plan, steps)
    terminal.document(
        {
            "data": str(where.path),
            "resources": resources,
            "bookings": bookings,
            "users": users,
            "password": PASSWORD,
            "seed": seed,
        }
    )
    last = f"user-{users:04}"
    terminal.say(t.plural("cli.fill.done", bookings, path=where.path, last=last, password=PASSWORD))


def _plan(resources: int, bookings: int, seed: int, users: int, t: Texts) -> Plan:
    """An agenda around today, in this machine's time zone and under the names of a first start."""
    from agenda.settings import machine_zone
    from agenda.storage.made_up import Plan

    today = datetime.now().astimezone().date()
    names = (t("server.first.business"), t("server.first.resource") + " {n}", t("server.first.service"))
    return Plan(resources, bookings, seed, users, today, machine_zone(), t.language, *names)


@contextmanager
def _reading(where: Folder) -> Iterator[Any]:
    from agenda.storage.errors import StoreMissing
    from agenda.storage.sqlite import Connection

    if not where.database.is_file():
        raise StoreMissing(where.database)
    connection = Connection(where.database, read_only=True)
    try:
        yield connection
    finally:
        connection.close()


def _head(text: str, t: Texts) -> Head:
    """A head as `_head_text` writes it."""
    from agenda.domain.audit import Head

    try:
        writer, seq, hash_ = text.split(":")
        return Head(int(writer), int(seq), bytes.fromhex(hash_))
    except ValueError as error:
        raise Failure(Status.USAGE, "usage", t("cli.usage.head", value=text)) from error


def _head_text(head: Head) -> str:
    return f"{head.writer}:{head.seq}:{head.hash.hex()}"


def _show_heads(terminal: Terminal, heads: Sequence[Head]) -> None:
    for head in heads:
        terminal.say(f"  {_head_text(head)}")


def _finding_document(finding: Finding, t: Texts) -> dict[str, Any]:
    return {
        "code": finding.code,
        "urgent": finding.urgent,
        "message": t(f"cli.doctor.{finding.code}", **finding.facts),
        **finding.facts,
    }


def _show_findings(terminal: Terminal, findings: Sequence[Finding]) -> int:
    """Each with its code; the exit status says whether one of them is urgent."""
    for finding in findings:
        mark = "✕" if finding.urgent else "!"
        terminal.say(f"{mark} {terminal.t(f'cli.doctor.{finding.code}', **finding.facts)} [{finding.code}]")
    return Status.FOUND if any(finding.urgent for finding in findings) else Status.DONE
