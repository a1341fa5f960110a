"""One run: clients race in a world while it is broken; what comes of it is a history to be judged."""

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from random import Random
from ssl import SSLContext
from typing import TypeVar
from zoneinfo import ZoneInfo

from agenda.client import Client, ClientError, Disconnected, Unavailable
from agenda.prove.field import Field, choose
from agenda.prove.history import History
from agenda.prove.lines import Line, Lines
from agenda.prove.nemesis import Nemesis, Tell
from agenda.prove.racer import Account, Race, Racer
from agenda.prove.schedule import schedule
from agenda.prove.world import Breaker, World
from agenda.prove.worlds import breakers_of_lines

T = TypeVar("T")

CALL_SECONDS = 3.0
"""How long a client waits for an answer before it asks again."""
IDLE_SECONDS = 2.0
LIVE_SECONDS = 2.0
"""How long pictures may take to become true at the end; the promise is a second."""
SIGNING_IN = 4
"""Clients that sign in at the same time."""


@dataclass(frozen=True, slots=True)
class Options:
    """`seed` decides about faults and wishes; `patience` is how many seconds answers may take after the last fault."""

    seed: int
    seconds: float = 20.0
    clients: int = 12
    patience: float = 30.0
    language: str = "en"
    tls: SSLContext | None = None


def run(world: World, options: Options, tell: Tell) -> History:
    """Race in a world that has been entered. Raises NothingFree, ClientError, RuntimeError where it cannot be done.

    Where the agenda is somebody's, only free slots are booked, and the users that were made are erased in the end.
    """
    history = History(options.seed, [])
    with ExitStack() as stack:
        lines = stack.enter_context(Lines())
        ways = [[lines.add(far, options.tls) for far in world.addresses] for _ in range(options.clients * 2)]
        racers = _enter(stack, ways, options, erase=world.lasting)
        field = _at_last(lambda: _choose(racers[0], options.seed), options.patience)
        history.groups = field.groups
        history.about = _about(world, racers, options)
        for racer in racers:
            _at_last(partial(racer.watch, field), options.patience)
        tell("racing", clients=len(racers), places=len(history.places), start=min(field.timetables)[0])
        plan = schedule(options.seed, options.seconds, [*world.breakers, *_breakers_of_ways(ways)])
        with _racing(racers, field, history, options) as race:
            Nemesis(race, tell).torment(plan)
            world.recover()
            race.over.wait(max(0.0, options.seconds - race.now()))
        tell("over", calls=len(history.calls))
        _take_stock(racers, history, options.patience)
    return history


def _enter(stack: ExitStack, ways: Sequence[Sequence[Line]], options: Options, *, erase: bool) -> list[Racer]:
    """Users with two clients each, and ways of their own for all, each beginning at another node.

    The clients are closed with the stack, and the users erased before, if they are to be.
    """

    def connect(lines: Sequence[Line], turn: int) -> Client:
        first, *others = [line.address for line in (*lines[turn:], *lines[:turn])]
        client = Client(*first, addresses=others, language=options.language, timeout=CALL_SECONDS, idle=IDLE_SECONDS)
        stack.callback(client.close)
        return client

    def enter(number: int) -> Racer:
        both = ways[2 * number - 2 : 2 * number]
        client, echo = (connect(lines, (number + n) % len(lines)) for n, lines in enumerate(both))
        name, password = f"prove-{number}-{secrets.token_hex(4)}", secrets.token_urlsafe(12)
        session = _at_last(lambda: client.sign_in(name, password, create=True), options.patience)
        racer = Racer(number, client, echo, Account(name, password, ZoneInfo(session.business.timezone)), both[0])
        if erase:
            stack.callback(_leave, racer)
        _at_last(lambda: echo.resume(session.token), options.patience)
        return racer

    with ThreadPoolExecutor(SIGNING_IN) as pool:
        return list(pool.map(enter, range(1, options.clients + 1)))


def _choose(racer: Racer, seed: int) -> Field:
    """What is raced for; the same for the same seed, if the same is free."""
    return choose(racer.client, racer.account.zone, Random(f"field {seed}"))


def _breakers_of_ways(ways: Sequence[Sequence[Line]]) -> list[Breaker]:
    """Of the lines to each node, or, where there is but one, of those of one half of the clients."""
    if len(ways[0]) > 1:
        return [
            breaker
            for number, lines in enumerate(zip(*ways, strict=True), 1)
            for breaker in breakers_of_lines(lines, "line_", f"node {number}")
        ]
    clients = len(ways) // 2
    middle = (clients + 1) // 2
    halves = {f"clients 1-{middle}": ways[: 2 * middle], f"clients {middle + 1}-{clients}": ways[2 * middle :]}
    return [
        breaker
        for name, half in halves.items()
        for breaker in breakers_of_lines([line for lines in half for line in lines], "line_", name)
    ]


def _about(world: World, racers: Sequence[Racer], options: Options) -> dict[str, str]:
    """What a reader of the history may want to know."""
    return {
        "world": world.kind,
        "nodes": str(len(world.addresses)),
        "clients": str(len(racers)),
        "seconds": f"{options.seconds:g}",
        "began": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": racers[0].client.ping().version,
    }


@contextmanager
def _racing(racers: Sequence[Racer], field: Field, history: History, options: Options) -> Iterator[Race]:
    """All race while the block runs, and then until every wish is settled or patience is over."""
    race = Race(history)
    with ThreadPoolExecutor(len(racers)) as pool:
        try:
            chances = [Random(f"wishes {options.seed} {racer.number}") for racer in racers]
            tasks = [
                pool.submit(racer.race, race, field, chance) for racer, chance in zip(racers, chances, strict=True)
            ]
            yield race
            race.over.set()
            wait(tasks, options.patience)
        finally:
            race.over.set()
            race.given_up.set()
        for task in tasks:
            task.result()
    history.calls.sort(key=lambda call: call.began)


def _take_stock(racers: Sequence[Racer], history: History, patience: float) -> None:
    """What users hold, and what they are shown, as soon as it is the same or has had the time to be.

    Raises what keeps the server from saying it, ClientError.
    """
    deadline = None
    while True:
        history.held = [held for racer in racers for held in _at_last(racer.held, patience)]
        deadline = deadline or time.monotonic() + LIVE_SECONDS
        look = [partial(racer.pictures, history.held) for racer in racers]
        history.pictures = [picture for pictures in look for picture in _at_last(pictures, patience)]
        if all(picture.seen == picture.true for picture in history.pictures) or time.monotonic() > deadline:
            return
        time.sleep(0.05)


def _at_last(ask: Callable[[], T], patience: float) -> T:
    """The answer, after as many tries as patience allows. Raises ClientError."""
    deadline = time.monotonic() + patience
    while True:
        try:
            return ask()
        except (Disconnected, Unavailable):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _leave(racer: Racer) -> None:
    """Erase the user, if the server is there to do it."""
    with suppress(ClientError):
        racer.leave()
