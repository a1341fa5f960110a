"""Customers that book, move and cancel without pause, and remember what was promised to them."""

import random
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.faults.server import DEADLINE, Caller

UNDECIDED = {"unavailable", "internal", "rate_limited"}
"""Errors that leave the outcome open."""


@dataclass
class Asked:
    """One request and, if it arrived, its answer."""

    method: str
    params: dict[str, Any]
    answer: dict[str, Any] | None = None

    @property
    def outcome(self) -> Any:
        """The result, or the facts of the refusal; None while it is open."""
        if self.answer is None:
            return None
        if "result" in self.answer:
            return self.answer["result"]
        data = self.answer["error"].get("data", self.answer["error"])
        return None if data.get("code") in UNDECIDED else data

    @property
    def booking(self) -> dict[str, Any] | None:
        """The booking that was promised."""
        return self.answer["result"] if self.answer and "result" in self.answer else None


@dataclass
class Customer:
    """One user, his token, and all that he asked, in order."""

    name: str
    token: str = ""
    asked: list[Asked] = field(default_factory=list)

    def sign_in(self, port: int) -> Caller:
        """A connection of his: by password the first time, by token from then on."""
        caller = Caller(port)
        if self.token:
            caller.result("session.resume", token=self.token)
        else:
            session = caller.result("session.open", user=self.name, password="correct horse", create=True)
            self.token = session["token"]
        return caller

    def newest(self) -> dict[str, dict[str, Any]]:
        """Each booking he was promised, as last answered; those with a wish still open are left out."""
        bookings = {asked.booking["id"]: asked.booking for asked in self.asked if asked.booking}
        for asked in self.asked:
            if asked.outcome is None:
                bookings.pop(asked.params.get("booking", ""), None)
        return bookings


class Load:
    """Customers at work, a thread each, until the server is gone or `stop()` is called."""

    def __init__(
        self, port: int, customers: Sequence[Customer], starts: Sequence[str], seed: int, burst: int = 4
    ) -> None:
        """They fight for the slots that begin at `starts`, sending `burst` requests at a time; begins at once."""
        self._starts = starts
        self._burst = burst
        self._stopping = threading.Event()
        self._changed = threading.Condition()
        self._answers: list[Asked] = []
        self._working = len(customers)
        self._threads = [
            threading.Thread(target=self._work, args=(customer, customer.sign_in(port), random.Random(f"{seed} {n}")))
            for n, customer in enumerate(customers)
        ]
        for thread in self._threads:
            thread.start()

    def wait_for_answers(self, count: int) -> None:
        """Return when so many answers have come; fails after a deadline."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._answers) >= count, DEADLINE), (
                f"{len(self._answers)} of {count} answers"
            )

    def wait_for_error(self, codes: set[str]) -> str:
        """Return the first of these codes that any customer is answered from now on."""
        with self._changed:
            first = len(self._answers)

            def found() -> str | None:
                return next((code for asked in self._answers[first:] if (code := _code(asked)) in codes), None)

            code = self._changed.wait_for(found, DEADLINE)
        assert code, f"none of {codes} among {len(self._answers) - first} answers"
        return code

    def wait_for_success(self) -> bool:
        """Return when a wish is granted that was asked from now on, or everybody is cut off; which of them it was."""
        with self._changed:
            first = len(self._answers) + len(self._threads) * self._burst

            def granted() -> bool:
                return any(asked.booking for asked in self._answers[first:])

            assert self._changed.wait_for(lambda: granted() or not self._working, DEADLINE), "no wish is granted"
            return granted()

    def stop(self) -> None:
        """Let everybody read what is still to come, then return."""
        self._stopping.set()
        self.join()

    def join(self) -> None:
        """Return when all threads have ended, because the server is gone."""
        for thread in self._threads:
            thread.join(DEADLINE)
            assert not thread.is_alive(), "a customer hangs"

    def _work(self, customer: Customer, caller: Caller, dice: random.Random) -> None:
        try:
            while not self._stopping.is_set():
                wishes = [self._wish(customer, dice) for _ in range(self._burst)]
                customer.asked += wishes
                ids = caller.send([(asked.method, asked.params) for asked in wishes])
                by_id = dict(zip(ids, wishes, strict=True))
                for answer in caller.answers(len(wishes)):
                    asked = by_id[answer["id"]]
                    asked.answer = answer
                    with self._changed:
                        self._answers.append(asked)
                        self._changed.notify_all()
        except ConnectionError:
            pass
        finally:
            caller.close()
            with self._changed:
                self._working -= 1
                self._changed.notify_all()

    def _wish(self, customer: Customer, dice: random.Random) -> Asked:
        request = f"{dice.getrandbits(128):032x}"
        own = [asked.booking["id"] for asked in customer.asked[-40:] if asked.booking]
        what = dice.random()
        if own and what < 0.15:
            return Asked("booking.cancel", {"booking": dice.choice(own), "request": request})
        start = dice.choice(self._starts)
        if own and what < 0.35:
            return Asked("booking.move", {"booking": dice.choice(own), "start": start, "request": request})
        return Asked("booking.create", {"start": start, "request": request})


def _code(asked: Asked) -> str | None:
    error = (asked.answer or {}).get("error")
    return error["data"]["code"] if error and "data" in error else None


def assert_kept(port: int, customers: Sequence[Customer]) -> None:
    """What was promised is there, and no time is held twice."""
    live: list[tuple[str, str]] = []
    for customer in customers:
        with customer.sign_in(port) as caller:
            stored = {booking["id"]: booking for booking in caller.result("booking.list")["bookings"]}
        for number, promised in customer.newest().items():
            assert stored.get(number) == promised, f"{customer.name} was promised {promised}, has {stored.get(number)}"
        live += [(b["resource"], b["start"]) for b in stored.values() if b["status"] == "booked"]
    assert len(live) == len(set(live)), "a time is held twice"


def ask_again(port: int, customers: Sequence[Customer], since: dict[str, int] | None = None) -> None:
    """Every request gets its first answer again; those without an answer get one, and nothing happens twice.

    `since` has, by customer name, the number of requests that are left out because they were asked again before.
    """
    for customer in customers:
        with customer.sign_in(port) as caller:
            for asked in customer.asked[(since or {}).get(customer.name, 0) :]:
                first = asked.outcome
                asked.answer = caller.call(asked.method, **asked.params)
                assert asked.outcome is not None, f"{asked} again: still no decision"
                if first is not None:
                    assert asked.outcome == first, f"{asked}: first {first}"
            stored = [booking["id"] for booking in caller.result("booking.list")["bookings"]]
        made = [a.booking["id"] for a in customer.asked if a.method == "booking.create" and a.booking]
        assert sorted(stored) == sorted(made), f"{customer.name} has other bookings than he was given"
