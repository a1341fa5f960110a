"""The command that breaks things while clients race, and shows that every promise holds all the same."""

from __future__ import annotations

import secrets
import signal
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from shutil import copy
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agenda.cli.address import Address, parse_address
from agenda.cli.exits import Failure, Status
from agenda.cli.options import Ca, Json, Language, Tls
from agenda.cli.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agenda.prove.history import History
    from agenda.prove.run import Options
    from agenda.prove.verdict import Verdict
    from agenda.prove.worlds import Outside, OwnWorld
    from agenda.texts import Texts

# No environment variable: whoever has a server in AGENDA_SERVER did not ask to have its lines cut.
Servers = Annotated[str | None, typer.Option("--server", metavar="cli.metavar.servers", help="cli.option.prove_server")]
Store = Annotated[str | None, typer.Option("--store", metavar="cli.metavar.store", help="cli.option.prove_store")]
Postgres = Annotated[bool, typer.Option("--postgres", help="cli.option.postgres")]
Nodes = Annotated[
    int | None, typer.Option("--nodes", metavar="cli.metavar.number", min=1, max=16, help="cli.option.nodes")
]
Clients = Annotated[
    int, typer.Option("--clients", metavar="cli.metavar.number", min=2, max=256, help="cli.option.clients")
]
Seconds = Annotated[
    int, typer.Option("--seconds", metavar="cli.metavar.seconds", min=3, max=86_400, help="cli.option.prove_seconds")
]
Seed = Annotated[int | None, typer.Option("--seed", metavar="cli.metavar.number", help="cli.option.prove_seed")]
Report = Annotated[Path | None, typer.Option("--report", metavar="cli.metavar.file", help="cli.option.report")]
Record = Annotated[Path | None, typer.Option("--history", metavar="cli.metavar.file", help="cli.option.history")]
Judged = Annotated[Path | None, typer.Option("--judge", metavar="cli.metavar.file", help="cli.option.judge")]

NODES = 3
SEEDS = 1_000_000


def prove(
    ctx: typer.Context,
    *,
    server: Servers = None,
    tls: Tls = False,
    ca: Ca = None,
    store: Store = None,
    postgres: Postgres = False,
    nodes: Nodes = None,
    clients: Clients = 12,
    seconds: Seconds = 20,
    seed: Seed = None,
    report: Report = None,
    history: Record = None,
    judge: Judged = None,
    json: Json = False,
    language: Language = None,
) -> int:
    terminal: Terminal = ctx.obj
    for wanted in filter(None, (report, history)):  # known before a run of minutes, not after it
        if not wanted.absolute().parent.is_dir():
            sentence = terminal.t("cli.prove.no_folder", path=wanted.parent)
            raise Failure(Status.USAGE, "no_folder", sentence, path=str(wanted.parent))
    if judge is not None:
        return _conclude(_read(judge, terminal.t), report, terminal)
    from agenda.prove.run import Options

    on_postgres = postgres or store is not None or nodes is not None
    if server is not None and on_postgres:
        raise Failure(Status.USAGE, "usage", terminal.t("cli.usage.prove"))
    outside = parse_address(server, terminal.t, tls=tls, ca=ca) if server else None
    options = Options(
        seed=secrets.randbelow(SEEDS) if seed is None else seed,
        seconds=seconds,
        clients=clients,
        language=terminal.t.language,
        tls=outside.context(terminal.t) if outside else None,
    )
    world = _world(outside, store, (nodes or NODES) if on_postgres else 0, terminal.t)
    happened = _run(world, outside, options, terminal)
    if history is not None:
        _save(happened, history, terminal.t)
    return _conclude(happened, report, terminal)


def _world(outside: Address | None, store: str | None, nodes: int, t: Texts) -> Outside | OwnWorld:
    """Where to race: at somebody's servers, on so many nodes of one's own, or, without any, on the embedded one."""
    from agenda.prove.worlds import Embedded, OnPostgres, Outside

    if outside:
        return Outside(outside.servers)
    return OnPostgres(nodes, store, language=t.language) if nodes else Embedded(language=t.language)


def _run(world: Outside | OwnWorld, outside: Address | None, options: Options, terminal: Terminal) -> History:
    """Let it happen, told line by line. What was started ends with it."""
    from agenda.prove.field import NothingFree
    from agenda.prove.postgres import NoPostgres

    t = terminal.t
    if outside:
        _reach(outside, t)
    terminal.tell(f"cli.prove.world.{world.kind}")
    if world.lasting:
        terminal.tell("cli.prove.lasting")
    terminal.tell("cli.prove.seed", seed=options.seed)
    try:
        with _interrupted_by_termination(), world:
            address = outside or Address(tuple(world.addresses), tls=False, ca=None)
            return _race(world, address, options, terminal)
    except NothingFree as error:
        raise Failure(Status.REFUSED, "no_free_slot", t("cli.prove.no_slot")) from error
    except NoPostgres as error:
        raise Failure(Status.NO_SERVER, "no_postgres", t("cli.prove.no_postgres")) from error
    except RuntimeError as error:
        raise Failure(Status.NO_SERVER, "no_server", t("cli.prove.no_start", said=error)) from error


def _reach(address: Address, t: Texts) -> None:
    """That somebody's server answers is known before anything is said of a run, or why none does."""
    from agenda.cli.trouble import told

    with told(t, address), address.connect(t) as client:
        client.ping()


def _race(world: Outside | OwnWorld, address: Address, options: Options, terminal: Terminal) -> History:
    """The run itself, in a world that has been entered."""
    from agenda.cli.trouble import told
    from agenda.prove.run import run

    with told(terminal.t, address):
        history = run(world, options, partial(_tell, terminal))
    _keep_logs(world.logs, history, terminal)
    return history


def _keep_logs(logs: Sequence[Path], history: History, terminal: Terminal) -> None:
    """Copy what the servers wrote to where it stays, if anybody will want to read it."""
    from agenda.prove.checks import judge

    defects = sum(call.outcome == "internal" for call in history.calls)
    if logs and (defects or not judge(history).proven):
        folder = Path(mkdtemp(prefix="agenda-prove-logs-"))
        for log in logs:
            copy(log, folder)
        if defects:
            terminal.say(terminal.t.plural("cli.prove.defects", defects))
        terminal.tell("cli.prove.logs", folder=folder)


@contextmanager
def _interrupted_by_termination() -> Iterator[None]:
    """SIGTERM, and a terminal that is closed, are as Ctrl-C within the block."""
    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = [(getattr(signal, name), signal.getsignal(getattr(signal, name))) for name in names]
    for number, _ in before:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def _tell(terminal: Terminal, event: str, /, **facts: Any) -> None:
    """One line about what happens in a run."""
    from agenda.prove.words import fault

    t = terminal.t
    if event == "racing":
        terminal.tell("cli.prove.racing", **facts | {"start": t.day(facts["start"])})
        terminal.say()
    elif event == "over":
        terminal.say()
        terminal.tell("cli.prove.over", calls=t.number(facts["calls"]))
    else:
        at = f"{facts['at']:6.1f}"
        what = fault(facts["kind"], facts["target"], t)
        length = t.number(facts["length"])
        terminal.tell(f"cli.prove.{event}", at=at, what=what, length=length)


def _conclude(history: History, report: Path | None, terminal: Terminal) -> int:
    """Judge, tell, and give the exit status."""
    from agenda.prove.checks import judge
    from agenda.prove.report import html, text

    verdict = judge(history)
    terminal.document(_document(verdict, history))
    terminal.say(text(verdict, history, terminal.t))
    if report is not None:
        with _written(report, terminal.t):
            report.write_text(html(verdict, history, terminal.t), "utf-8")
    return Status.DONE if verdict.proven else Status.REFUSED


def _document(verdict: Verdict, history: History) -> dict[str, Any]:
    """The verdict for programs."""
    from agenda.prove.history import UNKNOWN

    checks = [
        {
            "name": check.name,
            "judgement": check.judgement,
            "tried": check.tried,
            "findings": [{"code": finding.code, **finding.facts} for finding in check.findings],
        }
        for check in verdict.checks
    ]
    return {
        "proven": verdict.proven,
        "judgement": verdict.judgement,
        "seed": history.seed,
        **history.about,
        "calls": len(history.calls),
        "unknown": sum(call.outcome == UNKNOWN for call in history.calls),
        "repeats": len(history.repeats),
        "faults": [asdict(fault) for fault in history.faults],
        "checks": checks,
    }


def _save(history: History, path: Path, t: Texts) -> None:
    from agenda.prove.records import write

    with _written(path, t):
        write(history, path)


def _read(path: Path, t: Texts) -> History:
    """A history that was kept. Raises Failure."""
    from agenda.prove.records import read

    try:
        return read(path)
    except OSError as error:
        raise Failure(Status.USAGE, "file", t("cli.error.unread", path=path, reason=error.strerror)) from error
    except ValueError as error:
        raise Failure(Status.USAGE, "file", t("cli.prove.unreadable", path=path, reason=error)) from error


@contextmanager
def _written(path: Path, t: Texts) -> Iterator[None]:
    """Turns trouble with a file that is written into a failure."""
    try:
        yield
    except OSError as error:
        raise Failure(Status.USAGE, "file", t("cli.error.file", path=path, reason=error.strerror)) from error
