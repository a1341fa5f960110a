"""The command that shows that two people never hold the same time."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from agenda.cli.address import DEFAULT_SERVER, Address, parse_address
from agenda.cli.exits import Failure, Status
from agenda.cli.options import Ca, Json, Language, Server, Tls
from agenda.cli.terminal import Terminal, plain_document

if TYPE_CHECKING:
    from agenda.cli.race import Finish, Racer
    from agenda.wire import Slot

Clients = Annotated[
    int, typer.Option("--clients", metavar="cli.metavar.number", min=2, max=256, help="cli.option.clients")
]


SHOWN = 4  # names of clients in one sentence


def demo(
    ctx: typer.Context,
    *,
    clients: Clients = 2,
    server: Server = DEFAULT_SERVER,
    tls: Tls = False,
    ca: Ca = None,
    json: Json = False,
    language: Language = None,
) -> int:
    from agenda.cli.trouble import told

    terminal: Terminal = ctx.obj
    with ExitStack() as stack:
        address = _server(stack, parse_address(server, terminal.t, tls=tls, ca=ca), terminal)
        stack.enter_context(told(terminal.t, address))
        return _demonstrate(stack, address, clients, terminal)


def _server(stack: ExitStack, asked: Address, terminal: Terminal) -> Address:
    """The server that was asked for, if there is one; else one of our own, on data that is thrown away."""
    from ssl import SSLError

    from agenda.cli.own_server import own_server
    from agenda.cli.trouble import told
    from agenda.client import Disconnected

    try:
        with asked.connect(terminal.t) as client:
            client.ping()
    except Disconnected as error:
        if isinstance(error.__cause__, SSLError):  # there is a server, and it must not be passed over in silence
            with told(terminal.t, asked):
                raise
        port = stack.enter_context(own_server(terminal.t))
        own = Address((("127.0.0.1", port),), tls=False, ca=None)
        terminal.tell("cli.demo.own_server", asked=asked, address=own)
        return own
    terminal.tell("cli.demo.server", address=asked)
    return asked


def _demonstrate(stack: ExitStack, address: Address, clients: int, terminal: Terminal) -> int:
    from agenda.cli import race

    t = terminal.t
    field = stack.enter_context(race.racers(lambda: address.connect(t, timeout=30.0), clients))
    terminal.tell("cli.demo.ready", count=clients, names=_names(field))
    slot = race.free_slot(field[0])
    if slot is None:
        raise Failure(Status.REFUSED, "no_free_slot", t("cli.demo.no_slot"))
    terminal.tell("cli.demo.go", slot=t.moment(slot.start.astimezone(field[0].zone)))
    finishes = []
    for finish in race.race(field, slot):
        _show(finish, terminal)
        finishes.append(finish)
    return _conclude(slot, finishes, race.bookings_of(field, slot), terminal)


def _names(field: list[Racer]) -> str:
    names = [racer.user for racer in field]
    return ", ".join(names) if len(names) <= SHOWN else f"{names[0]}, {names[1]}, … {names[-1]}"


def _show(finish: Finish, terminal: Terminal) -> None:
    won = finish.code == "booked"
    terminal.tell(
        "cli.demo.won" if won else "cli.demo.lost",
        user=finish.user,
        message=finish.message,
        milliseconds=f"{finish.milliseconds:.1f}",
    )


def judge(finishes: list[Finish], bookings: int) -> bool:
    """Whether exactly one won, all others were told that the slot was taken, and exactly one booking exists."""
    codes = sorted(finish.code for finish in finishes)
    return bookings == 1 and codes == ["booked"] + ["slot_taken"] * (len(finishes) - 1)


def _conclude(slot: Slot, finishes: list[Finish], bookings: int, terminal: Terminal) -> int:
    """The last line, and the exit status."""
    winners = [finish.user for finish in finishes if finish.code == "booked"]
    others = len(finishes) - len(winners)
    one = judge(finishes, bookings)
    terminal.document(
        {
            "exactly_one": one,
            "winner": winners[0] if len(winners) == 1 else None,
            "bookings": bookings,
            "slot": plain_document(slot),
            "clients": [asdict(finish) for finish in finishes],
        }
    )
    if one:
        terminal.say(terminal.t.plural("cli.demo.one", others, winner=winners[0], bookings=bookings))
    else:
        terminal.tell("cli.demo.not_one", winners=len(winners), others=others, bookings=bookings)
    return Status.DONE if one else Status.REFUSED
