"""A client of the race: asks, asks again until it is answered, repeats itself, and writes down what it was told."""

import time
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from random import Random
from threading import Event
from typing import NamedTuple
from zoneinfo import ZoneInfo

from agenda.client import AgendaError, Client, Disconnected, NotSignedIn, Unavailable
from agenda.prove.field import Field, place_of
from agenda.prove.history import OK, UNKNOWN, Answer, Call, Held, History, Picture, Repeat
from agenda.prove.lines import Line
from agenda.prove.watching import DayWatch
from agenda.prove.wishes import Wish, Wishes

LONGEST_THOUGHT = 0.06
"""Seconds between two wishes at most."""
RETRY_SECONDS = 0.1
CHANCE_TO_REPEAT = 0.12
CHANCE_OF_ECHO = 0.2
"""How often a wish is asked for twice at the same moment."""
CHANCE_TO_HOP = 0.01
"""How often its connection breaks, so that it goes on at the next node and not all of them gather at one."""
REMEMBERED = 40
NOT_KEPT = {UNKNOWN, "invalid", "internal"}
"""Outcomes that a server does not keep to give them again."""


@dataclass(slots=True)
class Race:
    """What all clients share: the history, its clock, and the two ends of the race."""

    history: History
    began: float = field(default_factory=time.monotonic)
    over: Event = field(default_factory=Event)
    """Set: nobody wishes anything new."""
    given_up: Event = field(default_factory=Event)
    """Set: what has no answer yet is not asked again."""

    def now(self) -> float:
        """Seconds since the race began."""
        return time.monotonic() - self.began


class Account(NamedTuple):
    """A user that was made for the race, and the zone of the business."""

    user: str
    password: str
    zone: ZoneInfo


class Racer:
    """One user, whose client has an echo: another client in the same session, which repeats what was said.

    `race` runs on a thread of its own; all else before or after it.
    """

    def __init__(self, number: int, client: Client, echo: Client, account: Account, lines: Sequence[Line]) -> None:
        """Both clients are signed in; `lines` lead the first to the nodes, in their order."""
        self.number = number
        self.client = client
        self.account = account
        self._echo = echo
        self._lines = lines
        self._watches: dict[tuple[date, str], DayWatch] = {}
        self._settled: deque[Wish] = deque(maxlen=REMEMBERED)

    def watch(self, field: Field) -> None:
        """Watch what is raced for. Raises ClientError."""
        self._service = field.service
        for (day, resource), places in field.timetables.items():
            watch = self._watches[day, resource] = DayWatch(places)
            begun = self.client.watch(day, watch.changed, service=field.service, resource=resource)
            watch.begin(begun.slots)

    def race(self, race: Race, field: Field, chance: Random) -> None:
        """Wish one thing after the other until the race is over."""
        wishes = Wishes(field, chance)
        with ThreadPoolExecutor(1) as echoes:
            while not race.over.is_set():
                if self._settled and chance.random() < CHANCE_TO_REPEAT:
                    self._repeat(chance.choice(self._settled), race)
                    continue
                wish, began = wishes.next(), race.now()  # before either of the two asks
                echo = echoes.submit(self._repeat, wish, race) if chance.random() < CHANCE_OF_ECHO else None
                answer = self._settle(wish, began, race)
                if answer is not None:
                    wishes.remember(answer)
                if echo:
                    echo.result()
                if chance.random() < CHANCE_TO_HOP:
                    self._line().reset()
                race.over.wait(chance.uniform(0, LONGEST_THOUGHT))

    def _settle(self, wish: Wish, began: float, race: Race) -> Answer | None:
        """Ask until there is an answer, and write down how it went."""
        outcome, answer = self._answer(wish, self.client, race)
        race.history.calls.append(
            Call(
                client=self.number,
                user=self.account.user,
                method=wish.method,
                request=wish.request,
                began=began,
                ended=None if outcome == UNKNOWN else race.now(),
                outcome=outcome,
                booking=wish.booking,
                place=wish.place,
                answer=answer,
                node=str(self._lines.index(self._line()) + 1),
            )
        )
        if outcome not in NOT_KEPT:
            self._settled.append(wish)
        return answer

    def _repeat(self, wish: Wish, race: Race) -> None:
        """Let the echo ask for what was asked for, or is being asked for just now."""
        outcome, answer = self._answer(wish, self._echo, race)
        if outcome != UNKNOWN:
            race.history.repeats.append(Repeat(wish.request, race.now(), outcome, answer))

    def _answer(self, wish: Wish, client: Client, race: Race) -> tuple[str, Answer | None]:
        """The outcome, from as many tries as it takes; `unknown` when the race is given up."""
        while True:
            try:
                booking = wish.ask(client)
            except (Disconnected, Unavailable):
                pass
            except NotSignedIn:
                self._sign_in_again(client)
            except AgendaError as refusal:
                return refusal.code, None
            else:
                return OK, Answer(booking.id, place_of(booking.resource, booking.start), booking.status)
            if race.given_up.wait(RETRY_SECONDS):
                return UNKNOWN, None

    def _sign_in_again(self, client: Client) -> None:
        """Open a new session, if it can be had now; watches go on in it."""
        try:
            client.sign_in(self.account.user, self.account.password, create=True)
        except (Disconnected, AgendaError):
            return  # the next try tells

    def _line(self) -> Line:
        """The one over which it spoke last."""
        return max(self._lines, key=lambda line: line.used)

    def held(self) -> list[Held]:
        """What the server says one holds. Raises ClientError."""
        bookings = self.client.bookings("booked")
        return [Held(each.id, self.account.user, place_of(each.resource, each.start)) for each in bookings]

    def pictures(self, held: Iterable[Held]) -> list[Picture]:
        """The last that the watches were told, and what fresh lists say, beside the truth. Raises ClientError."""
        owners = {each.place: each.user for each in held}
        pictures = []
        for (day, resource), watch in self._watches.items():
            listed = watch.states(self.client.slots(day, service=self._service, resource=resource).slots)
            truth = watch.truth(owners, self.account.user)
            pictures += [Picture(self.number, day.isoformat(), seen, truth) for seen in (watch.seen, listed)]
        return pictures

    def leave(self) -> None:
        """Erase the user with all that it did. Raises ClientError."""
        self.client.erase(self.account.password)
