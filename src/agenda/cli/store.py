"""Commands on the data themselves: audit verify, backup, restore, doctor, fill."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agenda.cli.exits import Failure, Status
from agenda.cli.findings import finding_document, head_of, head_texts, show_findings, show_heads
from agenda.cli.move_store import stage
from agenda.cli.options import given
from agenda.cli.place import Place, place

if TYPE_CHECKING:
    from agenda.storage.diagnosis import Finding
    from agenda.storage.made_up import Plan
    from agenda.storage.verify import Steps
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


@given(place)
def verify(where: Place, since: Since = None) -> int:
    from agenda.storage.verify import verify_audit

    terminal, t = where.terminal, where.terminal.t
    kept = [head_of(text, t) for text in since or []]
    with where.told(), where.looking() as connection, terminal.steps("cli.verify.steps") as steps:
        found = verify_audit(connection, kept, steps)
    terminal.document(
        {
            "intact": not found.faults,
            "entries": found.entries,
            "heads": head_texts(found.heads),
            "faults": [{"kind": f.kind, "writer": f.writer, "seq": f.seq} for f in found.faults],
        }
    )
    for fault in found.faults:
        terminal.tell(f"cli.doctor.audit_{fault.kind}", count=1, examples=f"{fault.writer}:{fault.seq}")
    if not found.faults:
        terminal.say(t.plural("cli.verify.intact", found.entries))
    if head_texts(found.heads):
        terminal.tell("cli.verify.heads")
        show_heads(terminal, found.heads)
    return Status.FOUND if found.faults else Status.DONE


@given(place)
def backup(where: Place, file: Target = None) -> int:
    from agenda.storage.backup import backup as copy_database

    terminal, t, folder = where.terminal, where.terminal.t, where.embedded()
    if file and not file.parent.is_dir():
        raise Failure(Status.USAGE, "no_folder", t("cli.error.no_folder", path=file.parent), path=str(file.parent))
    with where.told(), terminal.steps("cli.backup.steps") as steps:
        copy = copy_database(folder, file, datetime.now(UTC), steps)
    terminal.document(
        {
            "path": str(copy.path),
            "bytes": copy.path.stat().st_size,
            "bookings": copy.bookings,
            "heads": head_texts(copy.heads),
            "findings": [finding_document(finding, t) for finding in copy.findings],
        }
    )
    terminal.say(t.plural("cli.backup.done", copy.bookings, path=copy.path))
    show_heads(terminal, copy.heads)
    return show_findings(terminal, copy.findings)


@given(place)
def restore(where: Place, file: Source) -> None:
    from agenda.storage.backup import restore as put_back

    terminal, t, folder = where.terminal, where.terminal.t, where.embedded()
    with where.told():
        if not file.is_file():
            raise Failure(Status.USAGE, "no_file", t("cli.error.no_file", path=file), path=str(file))
        restored = put_back(folder, file, datetime.now(UTC))
    kept = None if restored.kept is None else str(restored.kept)
    terminal.document({"bookings": restored.bookings, "erased": restored.erased, "kept": kept})
    terminal.say(t.plural("cli.restore.done", restored.bookings, path=folder))
    if restored.erased:
        terminal.say(t.plural("cli.restore.erased", restored.erased))
    if kept:
        terminal.tell("cli.restore.kept", path=kept)


@given(place)
def doctor(where: Place) -> int:
    terminal, t = where.terminal, where.terminal.t
    with where.told(), terminal.steps("cli.doctor.steps") as steps:
        findings = _examined(where, steps)
    documents = [finding_document(finding, t) for finding in findings]
    terminal.document({"data": str(where), "findings": documents})
    if not findings:
        terminal.tell("cli.doctor.healthy", path=where)
    return show_findings(terminal, findings)


def _examined(where: Place, steps: Steps) -> list[Finding]:
    now = datetime.now(UTC)
    if where.store is None:
        from agenda.storage.doctor import examine
        from agenda.storage.folder import DATABASE

        return list(examine(where.folder, where.folder / DATABASE, now, steps))
    from agenda.storage.diagnosis import Patient
    from agenda.storage.postgres_doctor import examine_postgres

    with where.looking() as connection:
        return list(examine_postgres(Patient(str(where), connection, now), steps))


@given(place)
def fill(where: Place, resources: Resources, bookings: Bookings, seed: Seed = 1, users: Users = 64) -> None:
    from agenda.storage.fill import PASSWORD
    from agenda.storage.fill import fill as make_up
    from agenda.storage.move import fill as make_up_there

    terminal, t = where.terminal, where.terminal.t
    plan = _plan(resources, bookings, seed, users, t)
    with where.told():
        if where.store is None:
            with terminal.steps("cli.fill.steps") as steps:
                make_up(where.folder, plan, steps)
        else:
            make_up_there(where.store, plan, datetime.now(UTC), stage(terminal))
    terminal.document(
        {
            "data": str(where),
            "resources": resources,
            "bookings": bookings,
            "users": users,
            "password": PASSWORD,
            "seed": seed,
        }
    )
    last = f"user-{users:04}"
    terminal.say(t.plural("cli.fill.done", bookings, path=where, last=last, password=PASSWORD))


def _plan(resources: int, bookings: int, seed: int, users: int, t: Texts) -> Plan:
    """An agenda around today, in this machine's time zone and under the names of a first start."""
    from agenda.settings import machine_zone
    from agenda.storage.made_up import Plan

    today = datetime.now().astimezone().date()
    names = (t("server.first.business"), t("server.first.resource") + " {n}", t("server.first.service"))
    return Plan(resources, bookings, seed, users, today, machine_zone(), t.language, *names)
