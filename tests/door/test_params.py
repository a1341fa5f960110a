"""Parameters as they are sent, read or refused."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agenda.domain.errors import Invalid
from agenda.doors.rpc import params
from agenda.doors.rpc.params import (
    CancelBooking,
    CreateBooking,
    EraseUser,
    ListAudit,
    ListBookings,
    OpenSession,
    Params,
    SlotsOfDay,
    fingerprint,
    read,
)

ZONE = ZoneInfo("America/New_York")
EIGHT = "2026-11-23T08:00:00-05:00"


def start(text: Any) -> datetime | str:
    """How `text` is read as a start: the instant, or the reason why not."""
    found = read(CreateBooking, {"start": text}, ZONE)
    return found.reason if isinstance(found, Invalid) else found["start"]


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        (EIGHT, datetime(2026, 11, 23, 13, tzinfo=UTC)),
        ("2026-11-23T13:00:00Z", datetime(2026, 11, 23, 13, tzinfo=UTC)),
        ("2026-11-23T13:00:00.000Z", datetime(2026, 11, 23, 13, tzinfo=UTC)),
        ("2026-11-23T13:00Z", datetime(2026, 11, 23, 13, tzinfo=UTC)),
        ("2026-11-23T13:00+00", datetime(2026, 11, 23, 13, tzinfo=UTC)),
        ("2026-11-23T18:30:00+05:30", datetime(2026, 11, 23, 13, tzinfo=UTC)),
        ("2026-11-23T08:00:00", datetime(2026, 11, 23, 13, tzinfo=UTC)),
        ("2026-11-23T08:00", datetime(2026, 11, 23, 13, tzinfo=UTC)),
        ("2026-07-01T08:00:00", datetime(2026, 7, 1, 12, tzinfo=UTC)),
    ],
)
def test_instants_are_read(text: str, instant: datetime) -> None:
    assert start(text) == instant


def test_a_wall_time_that_comes_twice_is_the_first_of_the_two() -> None:
    assert start("2026-11-01T01:30:00") == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)


def test_a_wall_time_that_clocks_jump_over_is_invalid() -> None:
    assert start("2026-03-08T02:30:00") == "nonexistent"


def test_an_offset_makes_any_wall_time_an_instant() -> None:
    assert start("2026-03-08T02:30:00-05:00") == datetime(2026, 3, 8, 7, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "2026-11-23",
        "20261123T080000Z",
        "2026-W48-1T08:00:00Z",
        "2026-327T08:00:00Z",
        "2026-11-23 08:00:00",
        "2026-11-23T08",
        "2026-11-23T0800",
        "2026-11-23T08:00:00-0500",
        "2026-11-23T08:00:00z",
        "2026-11-23t08:00:00Z",
        " 2026-11-23T08:00:00Z",
        "2026-11-23T08:00:00Z\n",
        "2026-13-01T08:00:00Z",
        "2026-02-29T08:00:00Z",
        "2026-11-23T24:00:00Z",
        "2026-11-23T23:59:60Z",
        "2026-11-23T08:00:00+24:00",
        "2026-11-23T08:00:00+01:60",
        "2026-11-23T08:00:00+01:00:30",
        "２０２６-11-23T08:00:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "0001-01-01T00:00:00",
        "9999-12-31T23:59:59-14:00",
        "9999-12-31T23:59:59",
        "10000-01-01T00:00:00Z",
        "1763899200",
        "2026-11-23T08:00:00[America/New_York]",
        "2026-11-23T08:00:00." + "0" * 10_000,
    ],
)
def test_what_is_no_instant_is_invalid(text: str) -> None:
    assert start(text) == "instant"


@pytest.mark.parametrize("value", [1763899200, 1.5, True, None, [], {}])
def test_an_instant_must_be_a_string(value: Any) -> None:
    assert start(value) == "type"


@given(st.text(), st.sampled_from([CreateBooking, SlotsOfDay]))
def test_no_text_is_too_strange_to_be_refused(text: str, shape: type[Params]) -> None:
    name = "day" if shape is SlotsOfDay else "start"
    assert isinstance(read(shape, {name: text}, ZONE), dict | Invalid)


@given(st.datetimes(timezones=st.integers(-24 * 60 + 1, 24 * 60 - 1).map(lambda m: timezone(timedelta(minutes=m)))))
def test_an_instant_with_offset_is_read_as_it_was_written(written: datetime) -> None:
    if 1 < written.year < 9999:
        assert start(written.isoformat()) == written


def test_a_day_is_read() -> None:
    found = read(SlotsOfDay, {"day": "2026-11-23"}, ZONE)
    assert found == {"day": date(2026, 11, 23)}


@pytest.mark.parametrize(
    "text", ["2026-11-31", "20261123", "2026-11-23T00:00:00Z", "23/11/2026", "0001-01-01", "9999-12-31", " 2026-11-23"]
)
def test_what_is_no_day_is_invalid(text: str) -> None:
    assert read(SlotsOfDay, {"day": text}, ZONE) == Invalid("day", "day")


@pytest.mark.parametrize(
    ("shape", "sent", "field", "reason"),
    [
        (CreateBooking, {}, "start", "missing"),
        (CreateBooking, {"start": EIGHT, "color": "red"}, "color", "unknown"),
        (CreateBooking, {"start": EIGHT, "\ud800": 1}, "\\ud800", "unknown"),
        (CreateBooking, {"start": EIGHT, "x" * 1000: 1}, "x" * 64, "unknown"),
        (CreateBooking, {"start": EIGHT, "resource": None}, "resource", "type"),
        (CreateBooking, {"start": EIGHT, "resource": 7}, "resource", "type"),
        (CreateBooking, {"start": EIGHT, "service": "a\0"}, "service", "text"),
        (CreateBooking, {"start": EIGHT, "service": "\udfff"}, "service", "text"),
        (CreateBooking, {"start": EIGHT, "request": ""}, "request", "empty"),
        (CreateBooking, {"start": EIGHT, "request": "r" * 65}, "request", "too_long"),
        (CreateBooking, {"start": EIGHT, "request": 10**30}, "request", "type"),
        (CreateBooking, {"start": EIGHT, "note": "n" * 2001}, "note", "too_long"),
        (CreateBooking, {"start": EIGHT, "note": "\ud800"}, "note", "text"),
        (CancelBooking, {"booking": ["b"]}, "booking", "type"),
        (ListAudit, {"limit": 0}, "limit", "out_of_range"),
        (ListAudit, {"limit": 1001}, "limit", "out_of_range"),
        (ListAudit, {"limit": 2**70}, "limit", "out_of_range"),
        (ListAudit, {"limit": 10**4000}, "limit", "out_of_range"),
        (ListAudit, {"limit": "10"}, "limit", "type"),
        (ListAudit, {"limit": 10.0}, "limit", "type"),
        (ListAudit, {"limit": True}, "limit", "type"),
        (ListBookings, {"status": "gone"}, "status", "choice"),
        (OpenSession, {"user": "ana"}, "password", "missing"),
        (OpenSession, {"user": "", "password": "p"}, "user", "empty"),
        (OpenSession, {"user": "a" * 65, "password": "p"}, "user", "too_long"),
        (OpenSession, {"user": "a\nb", "password": "p"}, "user", "text"),
        (OpenSession, {"user": "a\x7f", "password": "p"}, "user", "text"),
        (OpenSession, {"user": "a\x85", "password": "p"}, "user", "text"),
        (OpenSession, {"user": "a\0", "password": "p"}, "user", "text"),
        (OpenSession, {"user": "\ud800", "password": "p"}, "user", "text"),
        (OpenSession, {"user": "ana", "password": ""}, "password", "empty"),
        (OpenSession, {"user": "ana", "password": "p" * 257}, "password", "too_long"),
        (OpenSession, {"user": "ana", "password": "\0"}, "password", "text"),
        (OpenSession, {"user": "ana", "password": "p", "create": 1}, "create", "type"),
        (OpenSession, {"user": "ana", "password": "p", "create": "true"}, "create", "type"),
        (OpenSession, {"user": "ana", "password": "p", "language": "fr"}, "language", "choice"),
        (Params, {"a": 1}, "a", "unknown"),
        (Params, [], "params", "positional"),
        (Params, ["ana"], "params", "positional"),
    ],
)
def test_wrong_parameters_are_refused(shape: type[Params], sent: Any, field: str, reason: str) -> None:
    assert read(shape, sent, ZONE) == Invalid(field, reason)


def test_user_names_are_normalised() -> None:
    found = read(OpenSession, {"user": "Jose\u0301", "password": "p"}, ZONE)
    assert found == {"user": "Jos\u00e9", "password": "p"}


def test_a_name_is_measured_after_it_was_normalised() -> None:
    assert isinstance(read(OpenSession, {"user": "e\u0301" * 64, "password": "p"}, ZONE), dict)


def test_passwords_may_hold_any_other_character() -> None:
    password = "\n\t\x7f é\U0001f600" + "x" * 200
    assert isinstance(read(OpenSession, {"user": "ana", "password": password}, ZONE), dict)


def test_a_name_of_64_characters_beyond_the_basic_plane_is_no_longer_than_that() -> None:
    assert isinstance(read(OpenSession, {"user": "\U0001f600" * 64, "password": "p"}, ZONE), dict)


def test_a_fingerprint_does_not_tell_the_order_of_parameters_nor_the_request() -> None:
    one = {"start": EIGHT, "service": "s", "request": "1"}
    other = {"request": "2", "service": "s", "start": EIGHT}
    assert fingerprint("booking.create", one, CreateBooking) == fingerprint("booking.create", other, CreateBooking)


@pytest.mark.parametrize(
    "other",
    [
        {"start": EIGHT},
        {"start": "2026-11-23T13:00:00Z", "service": "s"},
        {"start": EIGHT, "service": "t"},
        {"start": EIGHT, "resource": "s"},
        {"start": EIGHT, "service": "s", "note": ""},
        {"start": EIGHT, "service": "s", "note": "null"},
    ],
)
def test_a_fingerprint_tells_parameters_as_they_were_sent(other: dict[str, Any]) -> None:
    first = fingerprint("booking.create", {"start": EIGHT, "service": "s"}, CreateBooking)
    assert fingerprint("booking.create", other, CreateBooking) != first


def test_a_fingerprint_tells_the_method() -> None:
    one, other = (fingerprint(method, {"booking": "b"}, CancelBooking) for method in ("booking.cancel", "booking.move"))
    assert one != other


def test_a_fingerprint_leaves_the_password_out() -> None:
    one, other = (fingerprint("user.erase", {"password": password}, EraseUser) for password in "ab")
    assert one == other


def test_every_reason_has_a_sentence() -> None:
    from agenda.texts import LANGUAGES, catalogue

    reasons = {*params._REASONS.values(), *params._OWN_REASONS, "type", "positional"}
    missing = {r for r in reasons for language in LANGUAGES if f"error.invalid.{r}" not in catalogue(language)}
    assert not missing


def test_the_password_is_no_part_of_what_is_shown_of_it() -> None:
    found = read(EraseUser, {"password": "s" * 300}, ZONE)
    assert "sss" not in repr(found)
