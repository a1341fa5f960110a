"""What the window shows, worked out without a window."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from agenda.client import State
from agenda.client.errors import SlotTaken
from agenda.desktop.state import KEPT_DAYS, Face, Model, Notice, Pending, notice_of
from agenda.texts import LANGUAGES, texts
from agenda.wire import Booking, Business, Resource, Service, Session, Slot, SlotChange, SlotState, User

ZONE = ZoneInfo("America/Sao_Paulo")
DAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 8, 30, tzinfo=ZONE)


def at(hour: int) -> datetime:
    return datetime(2026, 11, 23, hour, tzinfo=ZONE)


def slot(hour: int, state: SlotState = "free", resource: str = "r") -> Slot:
    return Slot(resource, "s", at(hour), at(hour + 1), state)


def booking(hour: int, id_: str = "b", status: str = "booked") -> Booking:
    return Booking(id_, "K7P-2QX", "r", "s", at(hour), at(hour + 1), status, "Ana", NOW)


@pytest.fixture
def model() -> Model:
    """Ana at 8:30, looking at a day with slots from 8 to 12 of which 11:00 is taken."""
    made = Model(day=DAY)
    session = Session(User("Ana", "customer"), "token", Business("Casa", "America/Sao_Paulo", "pt-BR"))
    made.opened(session, [Service("s", "Corte", 60)], [Resource("r", "Bia")])
    made.link = State.ONLINE
    made.saw(made.place, [slot(8), slot(9), slot(10), slot(11, "taken"), slot(12)], 5, NOW)
    return made


def chosen(model: Model) -> tuple[str | None, str | None]:
    """Which booking is selected, and which is being moved."""
    return model.selected, model.moving


def faces(model: Model) -> list[str]:
    return [cell.face.value for cell in model.cells(NOW)]


def test_a_free_slot_whose_time_has_come_is_past(model: Model) -> None:
    assert faces(model) == ["past", "free", "free", "taken", "free"]


def test_the_cursor_begins_on_the_first_slot_that_can_be_booked(model: Model) -> None:
    found = model.cursor_cell(model.cells(NOW))
    assert found
    assert found.slot.start == at(9)


def test_the_cursor_stays_on_a_slot_that_another_takes(model: Model) -> None:
    model.cursor = at(9), "r"
    model.changed(model.place, SlotChange(DAY, 6, (slot(9, "taken"),)), NOW)
    found = model.cursor_cell(model.cells(NOW))
    assert found
    assert (found.slot.start, found.face) == (at(9), Face.TAKEN)


def test_older_news_than_what_is_known_is_dropped(model: Model) -> None:
    model.changed(model.place, SlotChange(DAY, 4, (slot(9, "taken"),)), NOW)
    assert faces(model)[1] == "free"


def test_a_whole_day_replaces_what_was_known_even_from_a_server_that_counts_anew(model: Model) -> None:
    model.changed(model.place, SlotChange(DAY, 1, (slot(10, "taken"),), complete=True), NOW)
    assert faces(model) == ["taken"]


@pytest.mark.parametrize(("new", "mine"), [("mine", True), ("taken", False)])
def test_bookings_are_read_again_when_a_slot_of_ones_own_changes(model: Model, new: SlotState, mine: bool) -> None:
    assert model.changed(model.place, SlotChange(DAY, 6, (slot(9, new),)), NOW) is mine


def test_one_click_waits_on_its_slot_and_a_second_one_on_it_is_nothing(model: Model) -> None:
    assert model.clicked(Pending("1", "book", at(9), "r"))
    assert not model.clicked(Pending("2", "book", at(9), "r"))
    assert faces(model)[1] == "pending"


def test_a_booking_that_came_shows_at_once_with_its_code(model: Model) -> None:
    model.clicked(Pending("1", "book", at(9), "r"))
    model.answered("1", booking(9))
    assert faces(model)[1] == "mine"
    assert model.selected == "b"
    assert model.notice
    assert (model.notice.kind, model.notice.code) == ("success", "K7P-2QX")
    assert not model.pending


def test_a_refusal_is_told_and_the_slot_can_be_tried_again(model: Model) -> None:
    model.clicked(Pending("1", "book", at(9), "r"))
    model.refused("1", SlotTaken("slot_taken", "", {"start": at(9).isoformat(), "resource": "r"}))
    assert model.notice
    assert model.notice.kind == "warning"
    assert "09:00" in model.notice.sentence(texts("pt-BR"))
    assert model.clicked(Pending("2", "book", at(9), "r"))


def test_the_note_of_a_refused_booking_is_not_lost(model: Model) -> None:
    model.clicked(Pending("1", "book", at(9), "r", note="Senhora Lima"))
    model.refused("1", SlotTaken("slot_taken", "", {"start": at(9).isoformat()}))
    assert model.note == "Senhora Lima"


def test_while_a_booking_is_moved_free_slots_are_where_it_may_go(model: Model) -> None:
    model.listed([booking(12)])
    model.moving = "b"
    assert faces(model) == ["past", "target", "target", "taken", "target"]


def test_a_move_that_is_done_is_over_and_one_refused_goes_on(model: Model) -> None:
    model.listed([booking(12)])
    model.moving = "b"
    model.clicked(Pending("1", "move", at(11), "r", "b"))
    assert model.is_pending("b")
    model.refused("1", SlotTaken("slot_taken", "", {"start": at(11).isoformat()}))
    assert chosen(model)[1] == "b"
    model.clicked(Pending("2", "move", at(10), "r", "b"))
    model.answered("2", booking(10))
    assert chosen(model)[1] is None
    assert [each.start for each in model.live_bookings()] == [at(10)]


def test_a_cancelled_booking_leaves_list_and_selection(model: Model) -> None:
    model.listed([booking(9)])
    model.selected = "b"
    model.clicked(Pending("1", "cancel", at(9), "r", "b"))
    model.answered("1", booking(9, status="cancelled"))
    assert model.live_bookings() == []
    assert chosen(model)[0] is None
    assert model.notice
    assert model.notice.code == ""


def test_a_booking_cancelled_elsewhere_ends_its_selection_and_its_move(model: Model) -> None:
    model.listed([booking(9)])
    model.selected = model.moving = "b"
    model.listed([])
    assert chosen(model) == (None, None)


def test_the_list_shows_what_is_still_to_come(model: Model) -> None:
    model.listed([booking(7, "past"), booking(8, "now"), booking(9, "soon")])
    assert [each.id for each in model.upcoming(NOW)] == ["now", "soon"]


def test_the_booking_of_a_slot_is_the_one_that_overlaps_it(model: Model) -> None:
    model.listed([booking(9, "nine"), booking(10, "ten"), replace(booking(9, "elsewhere"), resource="other")])
    found = model.booking_at(slot(10))
    assert found
    assert found.id == "ten"


def test_a_day_seen_before_shows_at_once_and_the_oldest_is_forgotten(model: Model) -> None:
    for ahead in range(1, KEPT_DAYS + 1):
        model.choose(DAY + timedelta(days=ahead), "s", "r")
        model.saw(model.place, [slot(9)], 1, NOW)
    assert len(model.pictures) == KEPT_DAYS
    model.choose(DAY + timedelta(days=1), "s", "r")
    assert faces(model) == ["free"]
    model.choose(DAY, "s", "r")
    assert model.cells(NOW) == []


def test_another_user_finds_nothing_of_the_one_before(model: Model) -> None:
    assert model.session
    model.listed([booking(9)])
    model.clicked(Pending("1", "book", at(9), "r"))
    model.opened(model.session, model.services, model.resources)
    assert (model.bookings, model.pending, model.pictures, model.notice) == ((), {}, {}, None)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("msgid", ["desktop.done_book", "desktop.done_move", "desktop.done_cancel"])
def test_outcomes_are_said_in_the_language_of_the_moment(language: str, msgid: str) -> None:
    notice = Notice("success", msgid, {"start": at(9), "end": at(10)})
    assert "09:00" in notice.sentence(texts(language))


def test_an_unexpected_refusal_is_a_problem() -> None:
    error = SlotTaken("internal", "", {"incident": "7f3a"})
    assert notice_of(error).kind == "problem"
    assert "7f3a" in notice_of(error).sentence(texts("en"))
