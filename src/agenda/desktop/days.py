"""Days as people type them: "23", "23/11", "2026-11-23", "+7", "amanhã", "fri"."""

import re
import unicodedata
from datetime import date, timedelta

from agenda.texts import Texts, texts

_SEPARATED = re.compile(r"(\d{1,2})(?:[/.\- ](\d{1,2}))?(?:[/.\- ](\d{2}|\d{4}))?")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}")
_CENTURY = 2000
_TWO_DIGITS = 2
_SHORTEST_NAME = 2


def parse_day(typed: str, today: date, language: str) -> date | None:
    """The day that `typed` means, None if it means none.

    Without a year or month the next such day is meant, today included; day comes before month.
    """
    text = _plain(typed)
    if _ISO.fullmatch(text):
        return _day(*(int(part) for part in text.split("-")))
    if re.fullmatch(r"[+-]\d{1,4}", text):
        return today + timedelta(days=int(text))
    if found := _SEPARATED.fullmatch(text):
        day, month, year = found.groups()
        return _next(today, int(day), int(month) if month else None, _year(year))
    return _named(text, today, texts(language))


def month_after(day: date, months: int) -> date:
    """The same day so many months later or earlier, or the last day of a shorter month."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    for number in range(day.day, 0, -1):
        if found := _day(year, month + 1, number):
            return found
    return day  # year 1 or 9999: there is no such month


def month_grid(day: date, first_weekday: int) -> list[date]:
    """The 42 days, six weeks, in which a calendar shows the month of `day`."""
    first = day.replace(day=1)
    start = first - timedelta(days=(first.weekday() - first_weekday) % 7)
    return [start + timedelta(days=index) for index in range(42)]


def _next(today: date, day: int, month: int | None, year: int | None) -> date | None:
    """The first such day from today on, looking a few years ahead for a 29 February."""
    if year is not None:
        return _day(year, month or 0, day)
    for ahead in range(12 * 8):
        first = month_after(today.replace(day=1), ahead)
        if month in (None, first.month):
            found = _day(first.year, first.month, day)
            if found and found >= today:
                return found
    return None


def _named(text: str, today: date, language: Texts) -> date | None:
    """Today, tomorrow, or the next such weekday."""
    for msgid, days in (("desktop.today_word", 0), ("desktop.tomorrow_word", 1)):
        if text == _plain(language(msgid)):
            return today + timedelta(days=days)
    names = [_plain(name) for name in language.weekdays("wide")]
    for index, name in enumerate(names):
        if len(text) >= _SHORTEST_NAME and name.startswith(text):
            ahead = (index + language.first_weekday - today.weekday()) % 7
            return today + timedelta(days=ahead)
    return None


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _year(text: str | None) -> int | None:
    if text is None:
        return None
    return int(text) + (_CENTURY if len(text) == _TWO_DIGITS else 0)


def _plain(text: str) -> str:
    """Lower case, without accents and outer spaces."""
    split = unicodedata.normalize("NFD", text.strip().casefold())
    return "".join(char for char in split if not unicodedata.combining(char))
