"""Breaks things by the schedule and mends them again, and writes down when."""

from collections.abc import Callable, Sequence
from typing import Protocol

from agenda.prove.history import Fault
from agenda.prove.racer import Race
from agenda.prove.schedule import Planned


class Tell(Protocol):
    """Hears how a run goes: `racing` (clients, places), `broken` and `healed` (at, kind, target, length), `over`."""

    def __call__(self, event: str, /, **facts: object) -> None: ...


def torment(plan: Sequence[Planned], race: Race, tell: Tell) -> None:
    """Carry out the plan on this thread. Whatever happens, all that was broken is mended at the end."""
    broken: dict[Planned, float] = {}
    try:
        for at, planned, act in _acts(plan, race, tell, broken):
            race.over.wait(max(0.0, at - race.now()))
            act(planned)
    finally:
        for planned in list(broken):
            planned.breaker.heal()


def _acts(
    plan: Sequence[Planned], race: Race, tell: Tell, broken: dict[Planned, float]
) -> list[tuple[float, Planned, Callable[[Planned], None]]]:
    """Beginnings and ends of all faults, in order of time."""

    def facts(planned: Planned) -> dict[str, object]:
        breaker = planned.breaker
        return {"at": race.now(), "kind": breaker.kind, "target": breaker.target, "length": planned.length}

    def begin(planned: Planned) -> None:
        broken[planned] = race.now()
        tell("broken", **facts(planned))
        planned.breaker.begin()

    def heal(planned: Planned) -> None:
        planned.breaker.heal()
        began = broken.pop(planned)
        race.history.faults.append(Fault(planned.breaker.kind, planned.breaker.target, began, race.now()))
        tell("healed", **facts(planned))

    ends = [(planned.until, planned, heal) for planned in plan]
    return sorted([*((planned.at, planned, begin) for planned in plan), *ends], key=lambda act: act[0])
