"""Reading what a server sends, and writing it back as JSON."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from agenda.wire import Booking, LogPage, NotUnderstood, Pong, Service, SlotList, plain, read

SLOT = {
    "resource": "r",
    "service": "s",
    "start": "2026-11-23T08:00:00-03:00",
    "end": "2026-11-23T09:00:00-03:00",
    "state": "free",
}
DAY: dict[str, Any] = {"day": "2026-11-23", "timezone": "America/Sao_Paulo", "version": 3, "slots": [SLOT]}


def test_what_was_read_is_written_the_same() -> None:
    assert plain(read(SlotList, DAY)) == DAY


def test_instants_are_aware_and_days_are_days() -> None:
    picture = read(SlotList, DAY)
    assert picture.day == date(2026, 11, 23)
    assert picture.slots[0].start == datetime(2026, 11, 23, 11, tzinfo=UTC)


def test_unknown_fields_are_ignored() -> None:
    assert read(Service, {"id": "s", "name": "n", "duration": 60, "colour": "red"}) == Service("s", "n", 60)


def test_optional_fields_may_be_absent_or_null() -> None:
    page = LogPage(entries=())
    assert read(LogPage, {"entries": []}) == page
    assert read(LogPage, {"entries": [], "before": None}) == page


def test_a_state_of_a_newer_server_is_not_free() -> None:
    assert read(SlotList, {**DAY, "slots": [{**SLOT, "state": "held"}]}).slots[0].state == "taken"


@pytest.mark.parametrize(
    "change",
    [
        {"version": "3"},
        {"version": True},
        {"version": None},
        {"day": "tomorrow"},
        {"day": 5},
        {"slots": {}},
        {"slots": [1]},
        {"slots": [{**SLOT, "start": "2026-11-23T08:00:00"}]},
        {"slots": [{**SLOT, "start": None}]},
        {"slots": [{**SLOT, "state": ["free"]}, {}]},
    ],
)
def test_another_shape_is_not_understood(change: dict[str, Any]) -> None:
    with pytest.raises(NotUnderstood):
        read(SlotList, DAY | change)


@pytest.mark.parametrize("value", [None, [], "x", 1])
def test_a_record_is_read_from_objects_only(value: object) -> None:
    with pytest.raises(NotUnderstood):
        read(Pong, value)


def test_the_message_says_where() -> None:
    with pytest.raises(NotUnderstood, match=r"SlotList.slots: Slot.start: "):
        read(SlotList, {**DAY, "slots": [{**SLOT, "start": "soon"}]})


def test_a_missing_field_is_named() -> None:
    with pytest.raises(NotUnderstood, match="Booking: no code"):
        read(Booking, {"id": "b1"})
