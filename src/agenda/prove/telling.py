"""Verdicts, findings and calls in words of the catalogue; both forms of the report speak with this voice."""

from collections.abc import Iterator

from babel.numbers import format_decimal

from agenda.prove.figures import Figures
from agenda.prove.history import OK, Call, Fault, History, Place
from agenda.prove.verdict import Check, Finding, Judgement, Verdict
from agenda.prove.words import fault as fault_in_words
from agenda.prove.words import name as target_in_words
from agenda.texts import Texts

LONGEST_ID = 12
TAIL = 8
SHOWN = 12
"""So many findings of a check are told one by one, and so many calls of a finding."""
ALTERNATIVES = {"holders", "expected"}
"""Facts of which one is so; of other tuples all are."""
MARKS = {Judgement.HELD: "✓", Judgement.UNDECIDED: "?", Judgement.BROKEN: "✕"}

_COUNTED = {
    "tried": "cli.prove.count.calls",
    "order": "cli.prove.count.calls",
    "kept": "cli.prove.count.acknowledgements",
    "single": "cli.prove.count.held",
    "explained": "cli.prove.count.held",
    "once": "cli.prove.count.requests",
    "fitting": "cli.prove.count.acknowledgements",
    "pictures": "cli.prove.count.pictures",
}
"""By check, what it is tried on."""


class Teller:
    """Tells of one history in one language. Ids are shortened to their ends, which differ."""

    def __init__(self, history: History, t: Texts) -> None:
        self.t = t
        self._history = history
        self._resources = {place.resource for place in history.places}

    def run(self, measured: Figures) -> str:
        """What was done, in one sentence."""
        places = len(self._history.places)
        facts = {"clients": measured.clients, "places": places, "seconds": self.seconds(measured.seconds)}
        calls, granted = (self.t.number(n) for n in (len(self._history.calls), measured.granted))
        return self.t("cli.prove.report.run", **facts, calls=calls, granted=granted, seed=self._history.seed)

    def about(self, history: History) -> Iterator[tuple[str, str]]:
        """What else is known of the run, name by name; what this program has no name for keeps its own."""
        yield self.t("cli.prove.about.seed"), str(history.seed)
        for name, value in history.about.items():
            try:
                yield self.t(f"cli.prove.about.{name}"), self._about(name, value)
            except KeyError:
                yield name, value

    def verdict(self, verdict: Verdict) -> str:
        """The one sentence that all comes down to."""
        return self.t(f"cli.prove.verdict.{verdict.judgement}")

    def promise(self, check: Check) -> str:
        return self.t(f"cli.prove.check.{check.name}")

    def tried(self, check: Check) -> str:
        """On how much a promise was tried."""
        return self.t.plural(_COUNTED[check.name], check.tried)

    def finding(self, finding: Finding) -> str:
        facts = {name: self._fact(name, value) for name, value in finding.facts.items()}
        return self.t(f"cli.prove.finding.{finding.code}", **facts)

    def fault(self, fault: Fault) -> str:
        return fault_in_words(fault.kind, fault.target, self.t)

    def node(self, node: str) -> str:
        """A node by its number, or by what else it is called."""
        return target_in_words(f"node {node}", self.t) if node.isdecimal() else node

    def times(self, call: Call) -> str:
        """When a call was under way."""
        return f"{self.seconds(call.began, 3)} – {'…' if call.ended is None else self.seconds(call.ended, 3)}"

    def wish(self, call: Call) -> str:
        """Who asked for what."""
        place = self.place(call.place) if call.place else ""
        facts = {"client": call.client, "place": place, "booking": short(call.booking or "")}
        return self.t(f"cli.prove.wish.{call.method.removeprefix('booking.')}", **facts)

    def answer(self, call: Call) -> str:
        """What became of it, as far as the client knows."""
        if call.outcome == OK:
            return self.t("cli.prove.answer.ok", booking=short(call.answer.booking if call.answer else ""))
        return self.outcome(call.outcome)

    def rows(self, finding: Finding) -> list[tuple[str, str, str]]:
        """The calls of a finding: when, what, and what became of it, with a mark where that cannot be true."""
        marks = [f" {MARKS[Judgement.BROKEN]}" if call is finding.culprit else "" for call in finding.calls]
        return [
            (self.times(call), self.wish(call), self.answer(call) + mark)
            for call, mark in zip(finding.calls[:SHOWN], marks, strict=False)
        ]

    def outcome(self, outcome: str) -> str:
        """An outcome in a word or two; an error that this program does not know is named by its code."""
        try:
            return self.t(f"cli.prove.outcome.{outcome}")
        except KeyError:
            return outcome

    def method(self, method: str) -> str:
        return self.t(f"cli.prove.method.{method.removeprefix('booking.')}")

    def place(self, place: Place) -> str:
        """The start in UTC, and the resource where there are several."""
        start = place.start.replace("T", " ").removesuffix(":00Z")
        return f"{start} UTC" + (f" ({short(place.resource)})" if len(self._resources) > 1 else "")

    def seconds(self, value: float, digits: int = 1) -> str:
        """A number of seconds, without their sign."""
        return format_decimal(value, format=f"#,##0.{'0' * digits}".rstrip("."), locale=self.t.locale)

    def milliseconds(self, value: float) -> str:
        """Seconds as milliseconds, as exact as they are worth."""
        return self.seconds(value * 1000, 1 if value < 0.1 else 0)  # noqa: PLR2004  # three digits

    def _about(self, name: str, value: str) -> str:
        if name == "began":
            return value.replace("T", " ").replace("+00:00", " UTC")
        return self.t(f"cli.prove.about.world.{value}") if name == "world" else value

    def _fact(self, name: str, value: object) -> str:
        if isinstance(value, Place):
            return self.place(value)
        if isinstance(value, tuple):
            *others, last = (self._fact(name, part) for part in value)
            joint = self.t("cli.prove.or" if name in ALTERNATIVES else "cli.prove.and")
            return f"{', '.join(others)} {joint} {last}" if others else last
        if value is None:
            return self.t("cli.prove.nobody")
        if name in {"seen", "true"}:
            return self.t(f"cli.prove.state.{value or 'absent'}")
        if name == "outcome":
            return self.outcome(str(value))
        return self.t.number(value) if isinstance(value, int) else short(str(value))


def short(id_: str) -> str:
    """The end of a long id; ids made one after the other begin alike."""
    return id_ if len(id_) <= LONGEST_ID or " " in id_ else f"…{id_[-TAIL:]}"
