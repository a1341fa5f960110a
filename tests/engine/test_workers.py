"""Worker threads: bounded, and every job is answered whatever becomes of it."""

from collections.abc import Iterator
from threading import Event
from typing import Any

import pytest

from agenda.domain.errors import Internal, NotFound, Unavailable
from agenda.engine.health import Health
from agenda.engine.ports import StoreUnavailable
from agenda.engine.workers import Workers
from tests.engine.asking import Incidents, Post
from tests.waiting import SECONDS


def made(name: str, bound: int) -> Workers:
    """One thread with a queue."""
    log = Incidents()
    return Workers(name, 1, bound, log, Health(log))


@pytest.fixture
def workers() -> Iterator[Workers]:
    it = made("test", 2)
    it.start()
    yield it
    it.stop()


def answer(workers: Workers, job: Any) -> Any:
    post, answers = Post(), list[Any]()
    workers.ask(job, post, answers.append)
    post.wait(lambda: bool(answers))
    return answers[0]


def refuse(error: BaseException) -> Any:
    def job() -> None:
        raise error

    return job


def test_a_job_is_answered_with_its_value(workers: Workers) -> None:
    assert answer(workers, lambda: 42) == 42


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (NotFound("booking"), NotFound("booking")),
        (StoreUnavailable("away"), Unavailable()),
        (ZeroDivisionError(), Internal("an incident")),
    ],
)
def test_a_job_that_fails_is_answered_with_what_it_ran_into(
    workers: Workers, error: BaseException, outcome: object
) -> None:
    assert answer(workers, refuse(error)) == outcome
    assert answer(workers, lambda: "the thread is still there") == "the thread is still there"


class Gate:
    """A job that begins and then waits to be let through."""

    def __init__(self, workers: Workers) -> None:
        self._begun, self._go = Event(), Event()
        self.post, self.answers = Post(), list[Any]()
        workers.ask(self._wait, self.post, self.answers.append)
        assert self._begun.wait(SECONDS)

    def _wait(self) -> str:
        self._begun.set()
        self._go.wait(SECONDS)
        return "finished"

    def open(self, _: object = None) -> None:
        self._go.set()


def test_what_does_not_fit_the_queue_is_unavailable_at_once(workers: Workers) -> None:
    gate = Gate(workers)
    for _ in range(3):
        workers.ask(lambda: "done", gate.post, gate.answers.append)
    assert gate.answers == [Unavailable()]
    gate.open()
    gate.post.wait(lambda: len(gate.answers) == 4)


def test_at_the_end_what_waits_is_unavailable_and_what_is_at_work_is_finished() -> None:
    workers, stopper = made("test", 10), made("stopper", 1)
    workers.start()
    stopper.start()
    gate, refused = Gate(workers), list[Any]()
    workers.ask(lambda: "done", gate.post, refused.append)
    stopper.ask(workers.stop, gate.post, gate.open)
    gate.post.wait(lambda: bool(refused))
    gate.open()
    gate.post.wait(lambda: bool(gate.answers))
    stopper.stop()
    assert (refused, gate.answers) == ([Unavailable()], ["finished"])


def test_who_sheds_answers_what_waits_and_what_comes_and_finishes_what_is_at_work(workers: Workers) -> None:
    gate, refused = Gate(workers), list[Any]()
    workers.ask(lambda: "waits", gate.post, refused.append)
    workers.shed()
    workers.ask(lambda: "comes later", gate.post, refused.append)
    gate.post.wait(lambda: len(refused) == 2)
    gate.open()
    gate.post.wait(lambda: bool(gate.answers))
    assert (refused, gate.answers) == ([Unavailable(), Unavailable()], ["finished"])


def test_what_is_at_work_for_long_does_not_hold_up_the_end() -> None:
    workers = made("test", 2)
    workers.start()
    gate = Gate(workers)
    workers.stop()
    assert not gate.answers
    gate.open()
    gate.post.wait(lambda: bool(gate.answers))
