"""What stands above the grid: which message wins."""

from datetime import UTC, date, datetime, timedelta

import pytest

from agenda.client import State
from agenda.desktop.message import message
from agenda.desktop.state import Face, Model, Notice, Picture
from agenda.texts import texts
from agenda.wire import Booking

START = datetime(2030, 1, 7, 9, tzinfo=UTC)
BOOKED = Notice("success", "desktop.done_book", {"start": START}, code="K7P-2QX")


@pytest.fixture
def model() -> Model:
    return Model(date(2030, 1, 7), link=State.ONLINE)


def said(model: Model, face: Face | None = Face.FREE) -> str:
    return message(model, face, texts("en")).msgid


@pytest.mark.parametrize(
    ("face", "hint"),
    [
        (None, "desktop.hint"),
        (Face.FREE, "desktop.hint"),
        (Face.MINE, "desktop.hint_mine"),
        (Face.PAST, "desktop.hint_choose"),
        (Face.TAKEN, "desktop.hint_choose"),
    ],
)
def test_the_hint_fits_the_slot_under_the_cursor(model: Model, face: Face | None, hint: str) -> None:
    assert said(model, face) == hint


def test_an_outcome_is_said_before_any_hint(model: Model) -> None:
    model.notice = BOOKED
    assert said(model) == "desktop.done_book"


def test_while_a_booking_moves_the_message_says_how(model: Model) -> None:
    model.bookings = (Booking("b", "K7P-2QX", "r", "s", START, START + timedelta(hours=1), "booked", "Ana", START),)
    model.moving = "b"
    assert said(model) == "desktop.moving_hint"


@pytest.mark.parametrize(("link", "trouble"), [(State.OFFLINE, "offline_strip"), (State.AWAY, "away_unseen")])
def test_trouble_is_said_before_an_outcome(model: Model, link: State, trouble: str) -> None:
    model.notice, model.link = BOOKED, link
    assert said(model) == f"desktop.{trouble}"


def test_an_outcome_that_trouble_hid_is_said_when_it_is_over(model: Model) -> None:
    model.notice, model.link = BOOKED, State.OFFLINE
    said(model)
    model.link = State.ONLINE
    assert said(model) == "desktop.done_book"


def test_without_the_data_it_is_said_of_when_the_picture_is(model: Model) -> None:
    model.pictures[model.place] = Picture({}, 1, START)
    model.link = State.AWAY
    assert message(model, None, texts("en")) == Notice("warning", "desktop.away_strip", {"time": "09:00"})
