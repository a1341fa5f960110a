"""What the server counts about itself, as families of Prometheus, put together when somebody asks for them."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate

from prometheus_client.core import (
    CollectorRegistry,
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from agenda import __version__
from agenda.engine.meter import Histogram, Meter, Vitals

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4


@dataclass(frozen=True, slots=True)
class Reading:
    """What there is to tell at one moment, once the server is at work."""

    meter: Meter
    vitals: Vitals
    store_available: bool
    connections: int


class Metrics:
    """The page of a node's metrics; `read` gives None while the server is not at work."""

    def __init__(self, read: Callable[[], Reading | None]) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Node(read))
        ProcessCollector(registry=self._registry)

    def page(self) -> bytes:
        """All families, in the text format 0.0.4."""
        return generate_latest(self._registry)


class _Node(Collector):
    def __init__(self, read: Callable[[], Reading | None]) -> None:
        self._read = read

    def describe(self) -> Iterator[Metric]:
        return iter(())  # registering asks for nothing

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily(
            "agenda_build", "Which program this is.", {"version": __version__, "python": sys.version.split()[0]}
        )
        reading = self._read()
        if reading is not None:
            yield from _batches(reading.meter)
            yield from _commands(reading.meter, reading.vitals)
            yield from _clients(reading)
            yield from _store(reading)


def _batches(meter: Meter) -> Iterator[Metric]:
    yield _histogram("agenda_batch_commands", "Commands that were committed together.", meter.batch)
    yield _histogram("agenda_batch_load_seconds", "Reading what a batch needs to be decided.", meter.load)
    yield _histogram("agenda_batch_decide_seconds", "Deciding a batch.", meter.decide)
    yield _histogram("agenda_batch_save_seconds", "Writing what a batch changes.", meter.save)
    yield _histogram("agenda_batch_commit_seconds", "Making a batch durable.", meter.commit)
    yield _histogram("agenda_batch_answer_seconds", "Handing a batch's outcomes to the doors.", meter.answer)
    yield CounterMetricFamily(
        "agenda_batch_conflicts",
        "Batches undone since another node was faster; they are decided again.",
        meter.conflicts,
    )


def _commands(meter: Meter, vitals: Vitals) -> Iterator[Metric]:
    commands = CounterMetricFamily(
        "agenda_commands",
        "Commands answered, by action and outcome: ok, or the error's code, with the reason why a slot is not offered.",
        labels=("action", "outcome", "reason"),
    )
    for labels, number in meter.answers.copy().items():
        commands.add_metric(labels, number)
    yield commands
    yield CounterMetricFamily(
        "agenda_commands_turned_away",
        "Commands refused unseen: the queue was full, or the server stopping.",
        meter.turned_away,
    )
    queues = GaugeMetricFamily("agenda_queue_length", "What waits, by who takes from the queue.", labels=("queue",))
    for queue, length in vitals.waiting.items():
        queues.add_metric((queue,), length)
    yield queues


def _clients(reading: Reading) -> Iterator[Metric]:
    yield GaugeMetricFamily("agenda_connections", "Clients connected to the socket.", reading.connections)
    yield GaugeMetricFamily("agenda_watches", "Days that clients watch.", reading.vitals.watches)
    yield GaugeMetricFamily("agenda_board_days", "Days of resources kept on the board.", reading.vitals.days)
    yield CounterMetricFamily("agenda_board_hits", "Looks at days that were on the board.", reading.meter.hits)
    yield CounterMetricFamily("agenda_board_misses", "Looks that had to ask the store first.", reading.meter.misses)


def _store(reading: Reading) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "agenda_store_available", "1 while the store can be used, else 0.", int(reading.store_available)
    )
    yield CounterMetricFamily(
        "agenda_store_reconnects",
        "Batches run again after the connection to the store broke.",
        reading.meter.reconnects,
    )
    behind = reading.meter.feed_seconds
    if behind is not None:
        yield GaugeMetricFamily("agenda_feed_lag_seconds", "Time since the other nodes were last heard of.", behind)
        yield GaugeMetricFamily(
            "agenda_feed_lag_entries", "Audit entries of other nodes yet to be read.", reading.meter.feed_entries
        )


def _histogram(name: str, text: str, histogram: Histogram) -> Metric:
    """In the cumulative form of the format."""
    bounds = [*map(floatToGoString, histogram.bounds), "+Inf"]
    buckets = list(zip(bounds, accumulate(histogram.counts), strict=True))
    return HistogramMetricFamily(name, text, buckets, histogram.sum)
