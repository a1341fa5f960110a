"""The tables of a report: outages, calls by what became of them, and how long answers took."""

from collections.abc import Iterator
from dataclasses import dataclass

from agenda.prove.figures import PERCENTILES, Figures
from agenda.prove.history import OK
from agenda.prove.telling import Teller


@dataclass(frozen=True, slots=True)
class Table:
    """Cells in words. `texts` is how many columns at the left are not numbers."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    texts: int = 1
    notes: tuple[str, ...] = ()


def tables(figures: Figures, teller: Teller) -> Iterator[Table]:
    """Those that have something in them."""
    if figures.outages:
        yield outages(figures, teller)
    if figures.counts:
        yield calls(figures, teller)
        yield latencies(figures, teller)


def outages(figures: Figures, teller: Teller) -> Table:
    """What each fault meant to all clients together."""
    t = teller.t
    rows = []
    for number, outage in enumerate(figures.outages, 1):
        fault = outage.fault
        back = t("cli.prove.report.never") if outage.back is None else teller.seconds(outage.back, 2)
        lasted = teller.seconds(fault.ended - fault.began)
        times = (teller.seconds(fault.began), lasted, back, teller.seconds(outage.silence, 2))
        rows.append((str(number), teller.fault(fault), *times))
    head = ("#", *(t(f"cli.prove.column.{name}") for name in ("fault", "began", "lasted", "back", "silence")))
    began, ended = figures.silence
    facts = {"silence": teller.seconds(ended - began, 2), "began": teller.seconds(began, 2)}
    notes = (t("cli.prove.report.silence", **facts), t("cli.prove.report.back"))
    return Table(t("cli.prove.report.outages"), head, tuple(rows), 2, notes)


def calls(figures: Figures, teller: Teller) -> Table:
    """How many calls of each kind had which outcome; what was granted first, then by how often it came."""
    t = teller.t
    totals = sum(figures.counts.values(), start=type(next(iter(figures.counts.values())))())
    outcomes = sorted(totals, key=lambda outcome: (outcome != OK, -totals[outcome]))
    rows = [
        (teller.method(method), *(t.number(counts[outcome]) for outcome in outcomes))
        for method, counts in figures.counts.items()
    ]
    return Table(t("cli.prove.report.calls"), ("", *map(teller.outcome, outcomes)), tuple(rows))


def latencies(figures: Figures, teller: Teller) -> Table:
    """How long answers took, in milliseconds."""
    t = teller.t
    rows = [
        (teller.method(each.method), *map(teller.milliseconds, (*each.percentiles, each.longest)))
        for each in figures.latencies
    ]
    head = ("", *(f"{percent} %" for percent in PERCENTILES), t("cli.prove.column.longest"))
    return Table(t("cli.prove.report.latencies"), head, tuple(rows))
