"""Slot lists and watches through the engine, on a real store."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import pytest

from agenda.domain.commands import CancelBooking
from agenda.domain.errors import NotFound
from agenda.domain.model import RequestId
from agenda.engine.board import Key
from agenda.engine.engine import Watching
from agenda.engine.roll import Session
from agenda.engine.timetable import SlotList, SlotState
from tests.domain.agendas import later
from tests.engine.asking import HOUR, ROOM, TOMORROW_TEN, House, Post

DAY = TOMORROW_TEN.date()


def states(house: House, session: Session, day: date = DAY) -> list[SlotState]:
    slots: SlotList = house.ask(house.engine.list_slots, session, day, HOUR, ROOM)
    return list(slots.states)


def test_a_day_has_twelve_slots_and_one_that_is_booked_is_mine_to_me_and_taken_to_others(house: House) -> None:
    ana, bia = house.sign_in("Ana"), house.sign_in("Bia")
    house.booked(ana)
    free = [SlotState.FREE] * 12
    assert states(house, ana) == [*free[:2], SlotState.MINE, *free[3:]]
    assert states(house, bia) == [*free[:2], SlotState.TAKEN, *free[3:]]


def test_the_warm_board_and_a_board_that_is_read_anew_agree(house: House) -> None:
    ana = house.sign_in("Ana")
    states(house, ana)
    booking = house.booked(ana)
    warm = states(house, ana)
    house.engine._board.drop()
    assert states(house, ana) == warm
    house.submit(CancelBooking(ana.user.id, RequestId("c"), b"", booking.id))
    assert states(house, ana) == [SlotState.FREE] * 12


def test_a_day_that_is_over_is_past(house: House) -> None:
    ana = house.sign_in("Ana")
    assert set(states(house, ana, date(2020, 1, 1))) == {SlotState.PAST}


def test_nothing_is_offered_beyond_the_horizon_or_at_the_ends_of_the_calendar(house: House) -> None:
    ana = house.sign_in("Ana")
    for day in (DAY + timedelta(days=4 * 366), date.max, date.min):
        assert states(house, ana, day) == []


def test_unknown_services_and_resources_are_not_found(house: House) -> None:
    ana = house.sign_in("Ana")
    assert house.ask(house.engine.list_slots, ana, DAY, "x", None) == NotFound("service")
    assert house.ask(house.engine.list_slots, ana, DAY, None, "x") == NotFound("resource")


def test_without_a_choice_all_services_and_resources_are_listed_in_order_of_time(house: House) -> None:
    ana = house.sign_in("Ana")
    slots: SlotList = house.ask(house.engine.list_slots, ana, DAY, None, None)
    starts = [time.start for time in slots.timetable.times]
    assert starts == sorted(starts)
    assert len({(time.resource, time.service) for time in slots.timetable.times}) == 4


def test_a_watcher_is_told_of_what_others_book_and_cancel_with_rising_versions(house: House) -> None:
    ana, bia = house.sign_in("Ana"), house.sign_in("Bia")
    told: list[Any] = []
    watching = house.ask(house.engine.watch_slots, bia, DAY, HOUR, ROOM, notify=told.append)
    assert isinstance(watching, Watching)
    booking = house.booked(ana)
    house.submit(CancelBooking(ana.user.id, RequestId("c"), b"", booking.id))
    house.post.wait(lambda: len(told) == 2)
    assert [[slot.state for slot in change.slots] for change in told] == [[SlotState.TAKEN], [SlotState.FREE]]
    versions = [watching.slots.version, *(change.version for change in told)]
    assert versions == sorted(set(versions))


def test_after_the_watch_is_ended_nothing_is_told(house: House) -> None:
    ana = house.sign_in("Ana")
    told: list[Any] = []
    watching = house.ask(house.engine.watch_slots, ana, DAY, HOUR, ROOM, notify=told.append)
    assert house.engine.unwatch_slots(watching.watch, mailbox=house.post)
    house.booked(ana)
    assert not told


def test_a_watch_of_all_services_of_a_resource_is_told_once_and_can_be_ended(house: House) -> None:
    ana = house.sign_in("Ana")
    told: list[Any] = []
    watching = house.ask(house.engine.watch_slots, ana, DAY, None, ROOM, notify=told.append)
    house.booked(ana)
    house.post.wait(lambda: bool(told))
    assert house.engine.unwatch_slots(watching.watch, mailbox=house.post)
    house.booked(ana, start=later(TOMORROW_TEN, hours=3))
    assert len(told) == 1


def test_what_is_committed_while_the_first_of_all_watches_begins_is_told(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana, bia = house.sign_in("Ana"), house.sign_in("Bia")
    states(house, ana)
    board, elsewhere = house.engine._board, Post()
    look, booked, told = board.look, list[Any](), list[Any]()

    def look_and_be_overtaken(keys: Iterable[Key]) -> Any:
        seen = look(keys)
        monkeypatch.setattr(board, "look", look)
        house.engine.submit(house.wish(ana), elsewhere, booked.append)
        elsewhere.wait(lambda: bool(booked))
        return seen

    monkeypatch.setattr(board, "look", look_and_be_overtaken)
    house.ask(house.engine.watch_slots, bia, DAY, HOUR, ROOM, notify=told.append)
    house.post.wait(lambda: bool(told))
    assert [slot.state for slot in told[0].slots] == [SlotState.TAKEN]


def test_an_empty_id_is_not_one_that_was_left_out(house: House) -> None:
    assert house.engine.only("", "") == ("", "")
