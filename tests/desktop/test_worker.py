"""The two lanes of background work and the queue back."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from agenda.desktop.worker import PER_TICK, Job, Worker
from tests.waiting import SECONDS


@pytest.fixture
def worker() -> Iterator[Worker]:
    made = Worker()
    yield made
    made.stop()


def drain_until(worker: Worker, done: Callable[[], bool]) -> None:
    """Drain as the window does, until `done`, within a bound."""
    deadline = time.monotonic() + SECONDS
    while not done():
        assert time.monotonic() < deadline, "nothing came"
        worker.drain()
        threading.Event().wait(0.002)


def unexpected(error: Exception) -> None:
    raise error


def test_changes_happen_in_the_order_of_the_clicks(worker: Worker) -> None:
    seen: list[int] = []
    for number in range(20):
        worker.change(Job(lambda number=number: number, seen.append, unexpected))  # type: ignore[misc]
    drain_until(worker, lambda: len(seen) == 20)
    assert seen == list(range(20))


def test_results_are_handed_over_in_the_thread_that_drains(worker: Worker) -> None:
    threads: list[threading.Thread] = []
    worker.read("x", Job(lambda: None, lambda _: threads.append(threading.current_thread()), unexpected))
    drain_until(worker, lambda: bool(threads))
    assert threads == [threading.current_thread()]


def test_only_the_latest_of_several_waiting_reads_is_done(worker: Worker) -> None:
    gate, seen = threading.Event(), list[str]()
    worker.read("first", Job(gate.wait, lambda _: seen.append("first"), unexpected))
    drain_until(worker, lambda: worker.waited() > 0)
    for name in ("a", "b", "c"):
        worker.read("day", Job(lambda name=name: name, seen.append, unexpected))  # type: ignore[misc]
    gate.set()
    drain_until(worker, lambda: len(seen) == 2)
    assert seen == ["first", "c"]


def test_a_change_that_waits_holds_up_no_read(worker: Worker) -> None:
    gate, seen = threading.Event(), list[str]()
    worker.change(Job(gate.wait, lambda _: seen.append("change"), unexpected))
    worker.read("day", Job(lambda: "read", seen.append, unexpected))
    drain_until(worker, lambda: seen == ["read"])
    gate.set()
    drain_until(worker, lambda: seen == ["read", "change"])


def test_a_failure_reaches_the_window_and_the_lane_goes_on(worker: Worker) -> None:
    errors, seen = list[Exception](), list[int]()
    worker.change(Job(lambda: 1 / 0, unexpected, errors.append))
    worker.change(Job(lambda: 7, seen.append, unexpected))
    drain_until(worker, lambda: bool(errors and seen))
    assert isinstance(errors[0], ZeroDivisionError)


def test_nothing_is_lost_in_a_flood_and_one_tick_stays_short(worker: Worker) -> None:
    seen: list[int] = []

    def pour() -> None:
        for _ in range(5000):
            worker.post(lambda: seen.append(1))

    floods = [threading.Thread(target=pour) for _ in range(4)]
    for flood in floods:
        flood.start()
    for flood in floods:
        flood.join()
    assert worker.drain() == PER_TICK
    drain_until(worker, lambda: len(seen) == 20_000)


def test_waiting_is_measured_while_a_job_runs(worker: Worker) -> None:
    gate, done = threading.Event(), list[object]()
    worker.read("x", Job(gate.wait, done.append, unexpected))
    drain_until(worker, lambda: worker.waited() > 0)
    gate.set()
    drain_until(worker, lambda: bool(done) and worker.waited() == 0)
