"""The client and a real server: everyday calls, a restart, and a line that breaks all the time."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

import pytest

from agenda.client import Client, NotSignedIn, SlotNotOffered, SlotTaken, State, new_request
from tests.client.cutting import CuttingLine
from tests.protocol.server import Server, unused_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agenda.wire import Slot, SlotChange

PATIENCE = 60.0
SECRET = "correct horse"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("agenda")).start()
    yield running
    running.close()


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    """A client with a customer of its own."""
    with Client(*server.address, timeout=PATIENCE) as client:
        client.sign_in(unused_name(), SECRET, create=True)
        yield client


@pytest.fixture
def day(server: Server) -> date:
    return date.fromisoformat(server.day())


def free(client: Client, day: date) -> list[Slot]:
    return [slot for slot in client.slots(day).slots if slot.state == "free"]


def test_the_day_of_a_new_agenda_has_twelve_slots(client: Client, day: date) -> None:
    assert len(free(client, day)) == 12


def test_a_booked_slot_is_mine_and_in_my_list(client: Client, day: date) -> None:
    booking = client.book(free(client, day)[3].start, note="first visit")
    assert client.slots(day).slots[3].state == "mine"
    assert client.bookings() == [booking]


def test_a_booking_is_moved_and_cancelled(client: Client, day: date) -> None:
    slots = free(client, day)
    booking = client.book(slots[0].start)
    assert client.move(booking.id, slots[5].start).start == slots[5].start
    assert client.cancel(booking.id).status == "cancelled"
    assert len(free(client, day)) == 12


def test_the_same_request_gives_the_same_booking(client: Client, day: date) -> None:
    request, start = new_request(), free(client, day)[0].start
    assert client.book(start, request=request) == client.book(start, request=request)


def test_a_taken_slot_is_refused(client: Client, day: date) -> None:
    start = free(client, day)[0].start
    client.book(start)
    with pytest.raises(SlotTaken):
        client.book(start)


def test_a_time_that_is_past_is_refused(client: Client, server: Server) -> None:
    yesterday = client.slots(server.today() - timedelta(days=1)).slots
    with pytest.raises(SlotNotOffered) as refusal:
        client.book(yesterday[0].start)
    assert refusal.value.facts["reason"] == "past"


def test_the_services_and_resources_are_those_of_the_slots(client: Client, day: date) -> None:
    slot = free(client, day)[0]
    assert [service.id for service in client.services()] == [slot.service]
    assert [resource.id for resource in client.resources()] == [slot.resource]


def test_the_log_is_read_page_by_page(client: Client, day: date) -> None:
    booking = client.book(free(client, day)[0].start)
    client.cancel(booking.id)
    newest = client.log(limit=1)
    older = client.log(limit=1, before=newest.before)
    entries = (*newest.entries, *older.entries)
    assert [entry.action for entry in entries] == ["booking.cancel", "booking.create"]


def test_what_others_book_comes_to_the_watch(client: Client, server: Server, day: date) -> None:
    changes: SimpleQueue[SlotChange] = SimpleQueue()
    watch = client.watch(day, changes.put)
    with Client(*server.address, timeout=PATIENCE) as other:
        other.sign_in(unused_name(), SECRET, create=True)
        other.book(watch.slots[2].start)
    change = changes.get(timeout=PATIENCE)
    assert [(slot.start, slot.state) for slot in change.slots] == [(watch.slots[2].start, "taken")]
    assert change.version > watch.version


def test_an_exported_document_names_the_booking(client: Client, day: date) -> None:
    booking = client.book(free(client, day)[0].start)
    assert booking.code in str(client.export())


def test_an_erased_user_has_a_receipt_that_can_be_had_again(client: Client, server: Server) -> None:
    request = new_request()
    receipt = client.erase(SECRET, request=request)
    with Client(*server.address, timeout=PATIENCE) as stranger:
        assert stranger.erase(SECRET, request=request) == receipt
    with pytest.raises(NotSignedIn):
        client.bookings()


def test_the_example_in_the_documentation_runs(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "client.md").read_text("utf-8")
    example = page.split("```python\n")[1].split("```")[0]
    example = example.replace('"localhost", 8888', f"*{server.address!r}")
    exec(compile(example, "docs/client.md", "exec"), {})  # noqa: S102  # our own page
    assert "booking.create: ok" in capsys.readouterr().out


def test_a_restart_costs_neither_session_nor_watch(server: Server, day: date) -> None:
    changes: SimpleQueue[SlotChange] = SimpleQueue()
    states: SimpleQueue[State] = SimpleQueue()
    with Client(*server.address, timeout=PATIENCE, on_state=states.put) as client:
        client.sign_in(unused_name(), SECRET, create=True)
        watch = client.watch(day, changes.put)
        server.kill()
        assert [states.get(timeout=PATIENCE) for _ in range(2)] == [State.ONLINE, State.OFFLINE]
        with ThreadPoolExecutor() as pool:
            booking = pool.submit(client.book, watch.slots[1].start)
            server.start()
            assert booking.result(PATIENCE).status == "booked"
        whole, part = changes.get(timeout=PATIENCE), changes.get(timeout=PATIENCE)
    assert (whole.complete, len(whole.slots)) == (True, 12)
    assert [(slot.start, slot.state) for slot in part.slots] == [(watch.slots[1].start, "mine")]


def test_on_a_line_that_breaks_all_the_time_everything_happens_once(server: Server) -> None:
    days = [date.fromisoformat(server.day()) for _ in range(4)]
    user = unused_name()
    with Client(*server.address, timeout=PATIENCE) as direct, CuttingLine(server.address, seed=7) as line:
        direct.sign_in(user, SECRET, create=True)
        starts = [slot.start for day in days for slot in free(direct, day)]
        with Client("127.0.0.1", line.port, timeout=PATIENCE) as client:
            client.sign_in(user, SECRET)
            watched: SimpleQueue[SlotChange] = SimpleQueue()
            client.watch(days[0], watched.put)
            with ThreadPoolExecutor(8) as pool:
                booked = list(pool.map(client.book, starts))
                cancelled = list(pool.map(client.cancel, [booking.id for booking in booked[::2]]))
        stored = Counter((booking.start, booking.status) for booking in direct.bookings())
        actions = Counter((entry.action, entry.outcome) for entry in direct.log(limit=500).entries)
    assert line.cuts > 5
    assert [booking.start for booking in booked] == starts
    expected = Counter({(booking.start, "cancelled"): 1 for booking in cancelled})
    expected.update({(start, "booked"): 1 for start in starts[1::2]})
    assert stored == expected
    assert actions["booking.create", "ok"] == len(starts)
    assert actions["booking.cancel", "ok"] == len(cancelled)
