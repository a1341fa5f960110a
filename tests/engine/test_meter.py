"""What the server counts about itself."""

import pytest

from agenda.engine.meter import Histogram, Meter


@pytest.mark.parametrize(("value", "part"), [(0, 0), (1, 0), (1.5, 1), (4, 1), (5, 2)])
def test_a_value_counts_in_the_part_whose_bound_it_does_not_exceed(value: float, part: int) -> None:
    histogram = Histogram((1, 4))
    histogram.add(value)
    assert histogram.counts == [int(n == part) for n in range(3)]


def test_a_histogram_knows_the_sum() -> None:
    histogram = Histogram((1, 4))
    histogram.add(0.5)
    histogram.add(10)
    assert histogram.sum == 10.5


def test_batches_and_commands_are_read_from_their_sizes() -> None:
    meter = Meter()
    meter.batch.add(3)
    meter.batch.add(1000)
    assert (meter.batches, meter.commands) == (2, 1003)


def test_a_node_without_others_has_no_lag() -> None:
    assert Meter().feed_seconds is None
