"""What happened in a run: every call with its times, what the clients saw last, and what the server says at the end.

Times are seconds since the run began, on one monotonic clock of the machine that ran the clients.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

OK = "ok"
UNKNOWN = "unknown"


class Place(NamedTuple):
    """A slot: the resource's id and the start as an instant in UTC, `2026-11-23T11:00:00Z`."""

    resource: str
    start: str


class Answer(NamedTuple):
    """What a call that succeeded was answered: the booking as it was then."""

    booking: str
    place: Place
    status: str


@dataclass(frozen=True, slots=True)
class Call:
    """One wish of one client, from the first time it was sent to the answer that settled it.

    `method` is `booking.create`, `booking.move` or `booking.cancel`; `booking` is what a move or a cancellation names,
    `place` what a creation or a move wants. `outcome` is `ok`, an error's code, or `unknown` if no try was ever
    answered; then `ended` is None, and the wish may have come true at any time after `began`, or never.
    """

    client: int
    user: str
    method: str
    request: str
    began: float
    ended: float | None
    outcome: str
    booking: str | None = None
    place: Place | None = None
    answer: Answer | None = None
    node: str = ""


@dataclass(frozen=True, slots=True)
class Repeat:
    """A request that was settled and asked for once more; `answer` and `outcome` must be those of its Call."""

    request: str
    at: float
    outcome: str
    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that was broken on purpose: `kind` such as `kill`, what it hit, from when to when."""

    kind: str
    target: str
    began: float
    ended: float


class Held(NamedTuple):
    """A live booking at the end, as its user's `booking.list` has it."""

    booking: str
    user: str
    place: Place


@dataclass(frozen=True, slots=True)
class Picture:
    """The state of each slot, as a client was told last or finds it in a fresh list, beside the truth for its user."""

    client: int
    day: str
    seen: dict[Place, str]
    true: dict[Place, str]


@dataclass(slots=True)
class History:
    """A whole run. `places` are all the slots that were raced for; moves stay within one of the `groups` of places.

    `held` has every live booking of every user of the run. `about` has what a reader may want to know of the run and
    no check needs: texts by name, such as `began` (an instant), `version`, `world` (what was raced against).
    """

    seed: int
    groups: list[list[Place]]
    calls: list[Call] = field(default_factory=list)
    repeats: list[Repeat] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    about: dict[str, str] = field(default_factory=dict)

    @property
    def places(self) -> list[Place]:
        return [place for group in self.groups for place in group]
