"""The window's operations against a client that answers as each test says."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

import pytest

from agenda.client import AgendaError, Client, Disconnected, NotSignedIn, SlotTaken, State, Unavailable
from agenda.desktop import talks
from agenda.desktop.address import SignIn
from agenda.desktop.desk import Desk
from agenda.desktop.state import Notice
from agenda.desktop.worker import Worker
from agenda.wire import Booking, Business, Pong, Receipt, Resource, Service, Session, Slot, SlotChange, SlotList, User

START = datetime(2030, 1, 7, 9, tzinfo=UTC)
SLOT = Slot("r", "s", START, START + timedelta(hours=1), "free")
DEADLINE = 30.0


class FakeWatch:
    def __init__(self, slots: tuple[Slot, ...], version: int) -> None:
        self.slots, self.version, self.closed = slots, version, False

    def close(self) -> None:
        self.closed = True


class FakeClient:
    """Answers at once, unless `answers` holds errors to raise first, or a gate is shut."""

    def __init__(self, host: str, port: int, **options: Any) -> None:
        self.state = State.ONLINE
        self.server: tuple[str, int] | None = (host, port)
        self.others = options["addresses"]
        self.tell = options["on_state"]
        self.answers: list[Exception] = []
        self.requests: list[str | None] = []
        self.watches: list[FakeWatch] = []
        self.before_watch: Callable[[Callable[[SlotChange], None]], None] = lambda callback: None
        self.listed = 0
        self.today: date | None = None
        self.full_for = timedelta()
        self.closed = False
        self.unreadable: list[Exception] = []
        self.unlisted: list[Exception] = []
        self.may_list = threading.Event()
        self.may_list.set()

    def sign_in(self, user: str, password: str, *, create: bool) -> Session:
        if self.answers:
            raise self.answers.pop(0)
        return Session(User(user, "customer"), "token", Business("Casa", "America/Sao_Paulo", "pt-BR"))

    def sign_out(self) -> None:
        pass

    def ping(self) -> Pong:
        return Pong(datetime.now(UTC) + timedelta(hours=5), "0")

    def services(self) -> list[Service]:
        return [Service("s", "Corte", 60)]

    def resources(self) -> list[Resource]:
        return [Resource("r", "Bia")]

    def slots(self, day: date, **filters: str | None) -> SlotList:
        self.today = self.today or day
        state: Literal["free", "past"] = "free" if day - self.today >= self.full_for else "past"
        return SlotList(day, "America/Sao_Paulo", 1, (Slot("r", "s", START, START, state),))

    def bookings(self, status: str | None = None) -> list[Booking]:
        self.may_list.wait(DEADLINE)
        if self.unlisted:
            raise self.unlisted.pop(0)
        self.listed += 1
        return []

    def watch(self, day: date, callback: Callable[[SlotChange], None], **filters: str | None) -> FakeWatch:
        if self.unreadable:
            raise self.unreadable.pop(0)
        self.before_watch(callback)
        self.watches.append(FakeWatch((SLOT,), 3))
        return self.watches[-1]

    def book(self, start: datetime, *, request: str | None = None, **rest: str | None) -> Booking:
        self.requests.append(request)
        if self.answers:
            raise self.answers.pop(0)
        return Booking("b", "K7P-2QX", "r", "s", start, start + timedelta(hours=1), "booked", "Ana", START)

    def erase(self, password: str, *, request: str) -> Receipt:
        return Receipt({"bookings": 1})

    def close(self) -> None:
        self.closed, self.state = True, State.CLOSED


class Bench:
    """A desk with its fake client, and the ways to wait for it."""

    def __init__(self) -> None:
        self.clients: list[FakeClient] = []
        self.ended: list[Notice | None] = []
        self.failures: list[Exception] = []
        self.worker = Worker()
        self.desk = Desk(self.worker, lambda: None, self.ended.append, self._make)
        self.first_answers: list[Exception] = []
        self.full_for = timedelta()

    def _make(self, host: str, port: int, **options: Any) -> Client:
        self.clients.append(FakeClient(host, port, **options))
        self.clients[-1].answers, self.clients[-1].full_for = self.first_answers, self.full_for
        return self.clients[-1]  # type: ignore[return-value]  # what the desk uses of it

    @property
    def client(self) -> FakeClient:
        return self.clients[-1]

    def connect(self) -> None:
        who = SignIn((("one", 8888), ("two", 8889)), "Ana", "x", create=False, tls=False)
        self.desk.connect(who, "en", None, failed=self.failures.append, opened=lambda: None)

    def until(self, true: Callable[[], object]) -> None:
        deadline = time.monotonic() + DEADLINE
        while not true():
            assert time.monotonic() < deadline, "it never came to that"
            self.worker.drain()
            threading.Event().wait(0.002)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(talks, "PAUSE", 0.01)
    made = Bench()
    yield made
    made.desk.close()


@pytest.fixture
def open_bench(bench: Bench) -> Bench:
    """Signed in, with the day on the screen."""
    bench.connect()
    bench.until(lambda: bench.desk.model.picture and bench.client.listed)
    return bench


def test_the_window_goes_by_the_servers_clock(open_bench: Bench) -> None:
    ahead = open_bench.desk.now() - datetime.now(UTC)
    assert timedelta(hours=4, minutes=59) < ahead < timedelta(hours=5, minutes=1)
    assert str(open_bench.desk.now().tzinfo) == "America/Sao_Paulo"


@pytest.mark.parametrize(("full_for", "opened_at"), [(0, 0), (1, 1), (3, 3), (100, 0)])
def test_the_window_opens_on_the_first_day_with_a_free_slot_or_on_today(
    bench: Bench, full_for: int, opened_at: int
) -> None:
    bench.full_for = timedelta(days=full_for)
    bench.connect()
    bench.until(lambda: bench.desk.model.picture)
    assert bench.client.today
    assert bench.desk.model.day - bench.client.today == timedelta(days=opened_at)


def test_a_sign_in_that_fails_is_told_and_hangs_up(bench: Bench) -> None:
    bench.first_answers = [AgendaError.known["bad_credentials"]("bad_credentials", "")]
    bench.connect()
    bench.until(lambda: bench.failures)
    assert bench.client.closed
    assert bench.desk.model.session is None


def test_a_sign_in_that_was_given_up_opens_nothing(bench: Bench) -> None:
    bench.connect()
    bench.desk.stop_connecting()
    bench.connect()
    bench.until(lambda: bench.desk.model.session)
    bench.until(lambda: [client.closed for client in bench.clients] == [True, False])
    assert bench.failures == []


def test_a_click_keeps_its_request_until_there_is_an_answer(open_bench: Bench) -> None:
    lost = Disconnected("lost", sent=True)
    open_bench.client.answers += [lost, Unavailable("unavailable", "", {"retry_after": 0.01}), lost]
    open_bench.desk.book(SLOT, None)
    assert len(open_bench.desk.model.pending) == 1
    open_bench.until(lambda: not open_bench.desk.model.pending)
    assert len(open_bench.client.requests) == 4
    assert len(set(open_bench.client.requests)) == 1
    assert [booking.id for booking in open_bench.desk.model.bookings] == ["b"]


def test_a_second_click_on_the_same_slot_is_not_sent(open_bench: Bench) -> None:
    open_bench.desk.book(SLOT, None)
    open_bench.desk.book(SLOT, None)
    open_bench.until(lambda: not open_bench.desk.model.pending)
    assert len(open_bench.client.requests) == 1


def test_a_refusal_is_shown_and_not_tried_again(open_bench: Bench) -> None:
    open_bench.client.answers.append(SlotTaken("slot_taken", "", {"start": START.isoformat()}))
    open_bench.desk.book(SLOT, None)
    open_bench.until(lambda: open_bench.desk.model.notice)
    assert len(open_bench.client.requests) == 1
    assert not open_bench.desk.model.pending


def test_news_that_overtakes_the_first_picture_is_not_lost(bench: Bench) -> None:
    def early(callback: Callable[[SlotChange], None]) -> None:
        callback(SlotChange(START.date(), 4, (Slot("r", "s", SLOT.start, SLOT.end, "taken"),)))

    bench.connect()
    bench.clients[-1].before_watch = early
    bench.until(lambda: bench.desk.model.picture)
    assert bench.desk.model.picture
    assert [slot.state for slot in bench.desk.model.picture.slots.values()] == ["taken"]


@pytest.mark.parametrize("error", [Unavailable("unavailable", "", {"retry_after": 0.01}), Disconnected("lost")])
def test_a_day_that_could_not_be_read_is_asked_for_again(open_bench: Bench, error: Exception) -> None:
    open_bench.client.unreadable = [error]
    open_bench.desk.choose(START.date())
    open_bench.until(lambda: open_bench.desk.model.picture)
    assert open_bench.client.unreadable == []


def test_day_and_bookings_that_could_not_be_read_are_both_asked_for_again(open_bench: Bench) -> None:
    client, listed = open_bench.client, open_bench.client.listed
    busy = Unavailable("unavailable", "", {"retry_after": 0.01})
    client.unreadable, client.unlisted = [busy], [busy]
    open_bench.desk.choose(START.date())
    open_bench.desk.refresh_bookings()
    deadline = time.monotonic() + DEADLINE
    while client.unreadable or client.unlisted or open_bench.worker.waited():
        assert time.monotonic() < deadline
        threading.Event().wait(0.002)  # both refusals are handed over in one go
    open_bench.until(lambda: open_bench.desk.model.picture and client.listed > listed)


def test_a_refusal_that_comes_after_the_receipt_does_not_close_it(open_bench: Bench) -> None:
    client, receipts = open_bench.client, list[Receipt]()
    client.unlisted = [NotSignedIn("not_signed_in", "")]
    client.may_list.clear()
    open_bench.desk.refresh_bookings()
    open_bench.desk.erase("x", receipts.append, open_bench.failures.append)
    open_bench.until(lambda: receipts)
    client.may_list.set()
    open_bench.until(lambda: not client.unlisted and not open_bench.worker.waited())
    open_bench.until(lambda: open_bench.worker.drain() == 0)
    assert open_bench.ended == []


def test_leafing_through_days_leaves_one_watch_open(open_bench: Bench) -> None:
    desk = open_bench.desk
    for _ in range(5):
        desk.choose(desk.model.day + timedelta(days=1))
    open_bench.until(lambda: desk.model.picture)
    open_bench.until(lambda: len([watch for watch in open_bench.client.watches if not watch.closed]) == 1)


def stand(bench: Bench, state: State, server: tuple[str, int] | None) -> None:
    """The client's connection stands like that from now on; returns when the window knows."""
    bench.client.state, bench.client.server = state, server
    bench.client.tell(state)
    bench.until(lambda: bench.desk.model.link is state)


def test_all_servers_are_known_to_the_client_and_the_one_that_answers_to_the_window(open_bench: Bench) -> None:
    assert open_bench.client.others == [("two", 8889)]
    assert open_bench.desk.model.server == "one:8888"
    stand(open_bench, State.OFFLINE, None)
    stand(open_bench, State.ONLINE, ("two", 8889))
    assert open_bench.desk.model.server == "two:8889"


@pytest.mark.parametrize("state", [State.AWAY, State.OFFLINE])
def test_what_was_watched_until_the_connection_broke_was_true_until_then(open_bench: Bench, state: State) -> None:
    picture = open_bench.desk.model.picture
    assert picture
    picture.seen -= timedelta(hours=3)
    stand(open_bench, state, None)
    assert timedelta() <= open_bench.desk.now() - picture.seen < timedelta(seconds=DEADLINE)


def test_a_picture_that_was_not_current_any_more_does_not_become_younger(open_bench: Bench) -> None:
    stand(open_bench, State.AWAY, ("one", 8888))
    picture = open_bench.desk.model.picture
    assert picture
    before = picture.seen
    stand(open_bench, State.OFFLINE, None)
    assert picture.seen == before


def test_bookings_are_read_again_when_the_server_is_back(open_bench: Bench) -> None:
    client, before = open_bench.client, open_bench.client.listed
    client.state = State.OFFLINE
    client.tell(State.OFFLINE)
    open_bench.until(lambda: not open_bench.desk.model.online)
    client.state = State.ONLINE
    client.tell(State.ONLINE)
    open_bench.until(lambda: client.listed > before)


def test_a_session_that_the_server_forgot_ends_the_screen(open_bench: Bench) -> None:
    open_bench.client.answers.append(NotSignedIn("not_signed_in", ""))
    open_bench.desk.book(SLOT, None)
    open_bench.until(lambda: open_bench.ended)
    assert open_bench.ended == [Notice("problem", "error.not_signed_in")]


def test_after_closing_nothing_waits_for_the_server(open_bench: Bench) -> None:
    open_bench.client.answers += [Disconnected("lost")] * 1000
    open_bench.desk.book(SLOT, None)
    open_bench.until(lambda: open_bench.client.requests)
    open_bench.desk.close()
    deadline = time.monotonic() + DEADLINE
    while any(thread.name.startswith("agenda-") and thread.is_alive() for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)
