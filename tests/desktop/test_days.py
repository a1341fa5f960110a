"""Days as people type them."""

from datetime import date

import pytest

from agenda.desktop.days import month_after, month_grid, parse_day

SUNDAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("22", date(2026, 11, 22)),
        ("23", date(2026, 11, 23)),
        ("21", date(2026, 12, 21)),
        ("31", date(2026, 12, 31)),
        ("23/11", date(2026, 11, 23)),
        ("1/2", date(2027, 2, 1)),
        ("29/2", date(2028, 2, 29)),
        ("23/11/2027", date(2027, 11, 23)),
        ("23.11.27", date(2027, 11, 23)),
        ("23-11-2026", date(2026, 11, 23)),
        ("2026-12-01", date(2026, 12, 1)),
        ("+7", date(2026, 11, 29)),
        ("-1", date(2026, 11, 21)),
        (" Hoje ", SUNDAY),
        ("amanha", date(2026, 11, 23)),
        ("Amanhã", date(2026, 11, 23)),
        ("dom", SUNDAY),
        ("sex", date(2026, 11, 27)),
        ("terça", date(2026, 11, 24)),
        ("sabado", date(2026, 11, 28)),
    ],
)
def test_a_day_is_understood_as_it_is_said(typed: str, meant: date) -> None:
    assert parse_day(typed, SUNDAY, "pt-BR") == meant


@pytest.mark.parametrize(("typed", "meant"), [("fri", date(2026, 11, 27)), ("tomorrow", date(2026, 11, 23))])
def test_english_names_of_days_are_understood(typed: str, meant: date) -> None:
    assert parse_day(typed, SUNDAY, "en") == meant


@pytest.mark.parametrize("typed", ["", "0", "32", "31/2", "30/02/2027", "2026-13-01", "s", "blah", "+", "1/2/3/4"])
def test_what_means_no_day_is_none(typed: str) -> None:
    assert parse_day(typed, SUNDAY, "pt-BR") is None


def test_a_month_later_keeps_the_day_where_there_is_one() -> None:
    assert month_after(date(2026, 1, 31), 1) == date(2026, 2, 28)
    assert month_after(date(2026, 12, 15), 1) == date(2027, 1, 15)
    assert month_after(date(2026, 1, 15), -1) == date(2025, 12, 15)


@pytest.mark.parametrize("first_weekday", [0, 6])
def test_the_calendar_holds_the_whole_month_in_whole_weeks(first_weekday: int) -> None:
    days = month_grid(date(2026, 11, 23), first_weekday)
    assert len(days) == 42
    assert days[0].weekday() == first_weekday
    assert {day for day in days if day.month == 11} == {date(2026, 11, number) for number in range(1, 31)}
