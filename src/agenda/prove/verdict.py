"""What a judge says of a history: per promise whether it held, and what was found against it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from agenda.prove.history import Call


class Judgement(StrEnum):
    """In order of weight: a promise that is broken somewhere is broken, whatever else could not be decided."""

    HELD = "held"
    UNDECIDED = "undecided"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that speaks against a promise: its code and facts, and the calls that show it.

    Facts are texts, numbers, places, None for nobody, and tuples of these. `culprit` is the call whose answer cannot be
    true, if it is one. A finding that is not `decided` says what could not be found out.
    """

    code: str
    facts: Mapping[str, object]
    calls: tuple[Call, ...] = ()
    culprit: Call | None = None
    decided: bool = True


@dataclass(frozen=True, slots=True)
class Check:
    """One promise, on how many things it was tried, and what was found against it."""

    name: str
    tried: int
    findings: tuple[Finding, ...] = ()

    @property
    def judgement(self) -> Judgement:
        if any(finding.decided for finding in self.findings):
            return Judgement.BROKEN
        return Judgement.UNDECIDED if self.findings else Judgement.HELD


@dataclass(frozen=True, slots=True)
class Verdict:
    """What all checks say together."""

    checks: tuple[Check, ...] = field(default=())

    @property
    def judgement(self) -> Judgement:
        judgements = [check.judgement for check in self.checks]
        return max(judgements, key=list(Judgement).index, default=Judgement.UNDECIDED)

    @property
    def proven(self) -> bool:
        """Whether every promise was looked at and held."""
        return self.judgement is Judgement.HELD
