"""Days and times as people say them."""

from datetime import date, time

import pytest

from agenda.cli import when

MONDAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("2026-12-24", date(2026, 12, 24)),
        ("today", MONDAY),
        ("hoje", MONDAY),
        ("Amanhã", date(2026, 11, 24)),
        ("tomorrow", date(2026, 11, 24)),
        ("ontem", date(2026, 11, 22)),
        ("+3", date(2026, 11, 26)),
        ("friday", date(2026, 11, 27)),
        ("sexta-feira", date(2026, 11, 27)),
        ("sex", date(2026, 11, 27)),
        ("Sábado", date(2026, 11, 28)),
        ("terça", date(2026, 11, 24)),
        ("monday", date(2026, 11, 30)),
        ("23/11", MONDAY),
        ("22/11", date(2027, 11, 22)),
        ("1/2/2027", date(2027, 2, 1)),
        ("29/2", date(2028, 2, 29)),
    ],
)
def test_a_day_is_understood(said: str, meant: date) -> None:
    assert when.day(said)(MONDAY) == meant


@pytest.mark.parametrize("said", ["", "someday", "32/1", "31/02", "2026-13-01", "+", "+12345", "10:00", "29/2/2027"])
def test_what_is_no_day_is_a_value_error(said: str) -> None:
    with pytest.raises(ValueError):  # its text is nobody's business
        when.day(said)(MONDAY)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("10:00", time(10)),
        ("8", time(8)),
        ("8h", time(8)),
        ("10h30", time(10, 30)),
        ("10.30", time(10, 30)),
        ("3pm", time(15)),
        ("12am", time(0)),
        ("12 PM", time(12)),
        ("1:15 pm", time(13, 15)),
    ],
)
def test_a_time_is_understood(said: str, meant: time) -> None:
    assert when.clock(said) == meant


@pytest.mark.parametrize("said", ["", "24:00", "10:60", "13pm", "0am", "noon", "10:0", "-1"])
def test_what_is_no_time_is_a_value_error(said: str) -> None:
    with pytest.raises(ValueError):  # its text is nobody's business
        when.clock(said)
