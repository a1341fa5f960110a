"""Histories told call by call: who asked what from when to when, and what he was answered."""

from agenda.prove.checks import judge
from agenda.prove.history import OK, UNKNOWN, Answer, Call, Held, History, Picture, Place, Repeat
from agenda.prove.parts import CANCEL, CREATE, MOVE
from agenda.prove.verdict import Finding

TEN, ELEVEN, NOON = (Place("room", f"2026-11-23T{hour}:00:00Z") for hour in (10, 11, 12))


class Story:
    """A history of one group, `TEN`, `ELEVEN` and `NOON`. Users are named `ana`, `bia`, …, each a client."""

    def __init__(self) -> None:
        self.history = History(7, [[TEN, ELEVEN, NOON]])

    def create(self, user: str, place: Place, began: float, ended: float, booking: str) -> None:
        """A booking is made."""
        self._add(user, CREATE, (began, ended), place=place, answer=Answer(booking, place, "booked"))

    def move(self, user: str, booking: str, place: Place, began: float, ended: float) -> None:
        """A booking is moved."""
        answer = Answer(booking, place, "booked")
        self._add(user, MOVE, (began, ended), booking=booking, place=place, answer=answer)

    def cancel(self, user: str, booking: str, place: Place, began: float, ended: float) -> None:
        """A booking is cancelled where it was."""
        self._add(user, CANCEL, (began, ended), booking=booking, answer=Answer(booking, place, "cancelled"))

    def refuse(
        self,
        user: str,
        method: str,
        began: float,
        ended: float,
        outcome: str,
        *,
        booking: str | None = None,
        place: Place | None = None,
    ) -> None:
        """A wish is not granted, as far as the user knows."""
        self._add(user, method, (began, ended), outcome, booking=booking, place=place)

    def repeat(self, number: int, outcome: str, answer: Answer | None = None) -> None:
        """The request of call `number` is asked for once more."""
        self.history.repeats.append(Repeat(f"r{number}", 90.0, outcome, answer))

    def end(self, *held: tuple[str, str, Place]) -> None:
        """Who holds what at the end: (booking, user, place)."""
        self.history.held = [Held(*one) for one in held]

    def picture(self, seen: dict[Place, str], true: dict[Place, str]) -> None:
        """What a client saw last, and what is true."""
        self.history.pictures.append(Picture(len(self.history.pictures), "2026-11-23", seen, true))

    def findings(self) -> list[Finding]:
        """All that is found against the history."""
        return [finding for check in judge(self.history).checks for finding in check.findings]

    def codes(self) -> set[str]:
        """The codes of all that is found."""
        return {finding.code for finding in self.findings()}

    def _add(
        self,
        user: str,
        method: str,
        times: tuple[float, float],
        outcome: str = OK,
        *,
        booking: str | None = None,
        place: Place | None = None,
        answer: Answer | None = None,
    ) -> None:
        began, ended = times[0], None if outcome == UNKNOWN else times[1]
        number, client = len(self.history.calls), sum(map(ord, user))
        call = Call(client, user, method, f"r{number}", began, ended, outcome, booking, place, answer)
        self.history.calls.append(call)
