"""Breaks things by the schedule and mends them again, and writes down when."""

from collections.abc import Sequence
from typing import Protocol

from agenda.prove.history import Fault
from agenda.prove.racer import Race
from agenda.prove.schedule import Planned


class Tell(Protocol):
    """Hears how a run goes.

    Events: `racing` (clients, places, start), `broken` and `healed` (at, kind, target, length), `over` (calls).
    """

    def __call__(self, event: str, /, **facts: object) -> None: ...


class Nemesis:
    """Carries out a plan, on the thread that calls it."""

    def __init__(self, race: Race, tell: Tell) -> None:
        self._race = race
        self._tell = tell
        self._broken: dict[Planned, float] = {}

    def torment(self, plan: Sequence[Planned]) -> None:
        """Break and mend in order of time. Whatever happens, all that was broken is mended at the end."""
        acts = [*((planned.at, self._break, planned) for planned in plan)]
        acts += [(planned.until, self._heal, planned) for planned in plan]
        try:
            for at, act, planned in sorted(acts, key=lambda act: act[0]):
                self._race.over.wait(max(0.0, at - self._race.now()))
                act(planned)
        finally:
            for planned in list(self._broken):
                planned.breaker.heal()

    def _break(self, planned: Planned) -> None:
        self._broken[planned] = self._race.now()
        self._say("broken", planned)
        planned.breaker.begin()

    def _heal(self, planned: Planned) -> None:
        planned.breaker.heal()
        began = self._broken.pop(planned)
        self._race.history.faults.append(Fault(planned.breaker.kind, planned.breaker.target, began, self._race.now()))
        self._say("healed", planned)

    def _say(self, event: str, planned: Planned) -> None:
        breaker = planned.breaker
        self._tell(event, at=self._race.now(), kind=breaker.kind, target=breaker.target, length=planned.length)
