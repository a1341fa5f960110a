"""The long proof: clients race at a site, once for each of its faults and once for all, and every run is judged."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from agenda.client import ClientError
from agenda.prove.checks import judge
from agenda.prove.history import OK, Fault, History
from agenda.prove.nemesis import Tell
from agenda.prove.records import write
from agenda.prove.report import html
from agenda.prove.run import Options, run
from agenda.prove.verdict import Verdict
from agenda.texts import texts
from tests.ha.faults import breakers
from tests.ha.site import Site
from tests.ha.world import HighlyAvailable

EVERYTHING = "everything"
REST = 0.75
"""The part of a run in which a fault may last; the schedule keeps the end of a run whole."""
LINES = 20.0
"""Seconds in which, beside the fault, the lines of the clients are broken in turn."""
LONGEST = 300.0
PATIENCE = 90.0


@dataclass(frozen=True)
class Proof:
    """One run: the faults of the site with the outage at each, in seconds; what the judge says; the nodes' defects.

    Without a verdict the run did not come to its end, for `trouble`.
    """

    name: str
    calls: int = 0
    outages: Sequence[tuple[Fault, float]] = ()
    verdict: Verdict | None = None
    defects: int = 0
    trouble: str = ""

    @property
    def held(self) -> bool:
        """Whether every promise held, and no node met a defect of its own."""
        return self.verdict is not None and self.verdict.proven and not self.defects


def faults_of(site: Site) -> dict[str, float]:
    """The names of all runs there are, each with the seconds it takes for its fault to come and go."""
    longest = {breaker.kind: breaker.longest for breaker in breakers(site)}
    return {kind: round((seconds + LINES) / REST) for kind, seconds in longest.items()} | {EVERYTHING: LONGEST}


def prove(site: Site, names: Sequence[str], seed: int, folder: Path, tell: Tell) -> Iterator[Proof]:
    """Run after run, the site whole at the beginning of each; history and report of each are written to the folder."""
    lengths = faults_of(site)
    for name in names:
        site.recover()
        options = Options(seed, seconds=lengths[name], patience=PATIENCE)
        try:
            yield _prove(site, name, options, folder, tell)
        except (ClientError, RuntimeError, OSError) as error:
            yield Proof(name, trouble=f"{type(error).__name__}: {error}")


def _prove(site: Site, name: str, options: Options, folder: Path, tell: Tell) -> Proof:
    defects = sum(node.defects for node in site.nodes)
    with HighlyAvailable(site, None if name == EVERYTHING else [name]) as world:
        history = run(world, options, tell)
        kinds = {breaker.kind for breaker in world.breakers}
    write(history, folder / f"{name}.json")
    verdict = judge(history)
    (folder / f"{name}.html").write_text(html(verdict, history, texts(options.language)), "utf-8")
    outages = [(fault, outage(history, fault)) for fault in history.faults if fault.kind in kinds]
    defects = sum(node.defects for node in site.nodes) - defects
    return Proof(name, len(history.calls), outages, verdict, defects)


def outage(history: History, fault: Fault) -> float:
    """The longest time without a wish granted that a fault had a part in."""
    granted = sorted(call.ended for call in history.calls if call.outcome == OK and call.ended is not None)
    return max(
        (after - before for before, after in pairwise(granted) if after > fault.began and before < fault.ended),
        default=0.0,
    )
