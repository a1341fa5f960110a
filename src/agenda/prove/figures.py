"""What a history amounts to in numbers: calls by outcome, how long answers took, how long each outage lasted."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from agenda.prove.history import OK, Call, Fault, History
from agenda.prove.parts import is_decided

AFTERSHOCK = 0.1
"""Seconds after the end of a fault in which a silence that begins is still put down to it."""
PERCENTILES = (50, 90, 99)


@dataclass(frozen=True, slots=True)
class Outage:
    """What a fault meant to all clients together, in seconds.

    `back` is the time from its begin to the first acknowledgement of a call that was begun after it; None if there was
    none any more. `silence` is the longest time without any acknowledgement that begins during the fault, or with it.
    """

    fault: Fault
    back: float | None
    silence: float


@dataclass(frozen=True, slots=True)
class Latency:
    """How long clients waited for an answer, retries included, in seconds."""

    method: str
    calls: int
    percentiles: tuple[float, ...]
    longest: float


@dataclass(frozen=True, slots=True)
class Figures:
    """A run in numbers. `seconds` is when the last thing happened; `silence` is the longest time without a grant."""

    seconds: float
    clients: int
    nodes: tuple[str, ...]
    granted: int
    counts: dict[str, Counter[str]]
    latencies: tuple[Latency, ...]
    outages: tuple[Outage, ...]
    silence: tuple[float, float]


def figures(history: History) -> Figures:
    """Count, sort and measure."""
    granted = sorted(call.ended for call in history.calls if call.outcome == OK and call.ended is not None)
    counts: dict[str, Counter[str]] = {}
    for call in history.calls:
        counts.setdefault(call.method, Counter())[call.outcome] += 1
    end = end_of(history)
    silences = list(pairwise([0.0, *granted, end]))
    return Figures(
        seconds=end,
        clients=len({call.client for call in history.calls}),
        nodes=tuple(sorted({call.node for call in history.calls} - {""})),
        granted=len(granted),
        counts=dict(sorted(counts.items())),
        latencies=tuple(_latency(method, history.calls) for method in sorted(counts)),
        outages=tuple(_outage(fault, history.calls, silences) for fault in _in_order(history.faults)),
        silence=max(silences, key=_length),
    )


def end_of(history: History) -> float:
    """When the last thing happened of which the clients know."""
    times = [call.began if call.ended is None else call.ended for call in history.calls]
    return max([0.0, *times, *(fault.ended for fault in history.faults)])


def _in_order(faults: Iterable[Fault]) -> list[Fault]:
    return sorted(faults, key=lambda fault: (fault.began, fault.ended))


def _outage(fault: Fault, calls: Sequence[Call], silences: Sequence[tuple[float, float]]) -> Outage:
    back = [call.ended for call in calls if call.outcome == OK and call.ended is not None and call.began >= fault.began]
    first = bisect_left(silences, fault.began, key=lambda silence: silence[1])
    last = bisect_right(silences, fault.ended + AFTERSHOCK, key=lambda silence: silence[0])
    longest = max((ended - max(began, fault.began) for began, ended in silences[first:last]), default=0.0)
    return Outage(fault, min(back) - fault.began if back else None, longest)


def _latency(method: str, calls: Iterable[Call]) -> Latency:
    """Of the calls that were decided, whichever way."""
    times = sorted(
        call.ended - call.began
        for call in calls
        if call.method == method and is_decided(call) and call.ended is not None
    )
    ranks = (times[min(len(times) - 1, len(times) * percent // 100)] if times else 0.0 for percent in PERCENTILES)
    return Latency(method, len(times), tuple(ranks), times[-1] if times else 0.0)


def _length(span: tuple[float, float]) -> float:
    return span[1] - span[0]
