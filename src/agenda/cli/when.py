"""Days and times as people say them: `2026-11-23`, `23/11`, `amanhã`, `friday`, `+3`; `10:00`, `10h30`, `3pm`."""

import re
import unicodedata
from collections.abc import Callable
from datetime import date, time, timedelta

Day = Callable[[date], date]
"""A day that depends on what is today in the business's zone."""

_RELATIVE = {
    "today": 0, "hoje": 0,
    "tomorrow": 1, "amanha": 1,
    "yesterday": -1, "ontem": -1,
}  # fmt: skip
_WEEKDAYS = (
    {"monday", "mon", "segunda", "seg"},
    {"tuesday", "tue", "terca", "ter"},
    {"wednesday", "wed", "quarta", "qua"},
    {"thursday", "thu", "quinta", "qui"},
    {"friday", "fri", "sexta", "sex"},
    {"saturday", "sat", "sabado", "sab"},
    {"sunday", "sun", "domingo", "dom"},
)
_TIME = re.compile(r"(\d{1,2})(?:[:h.](\d{2}))?h?\s*(am|pm)?")
_NOON = 12


def day(text: str) -> Day:
    """The day that `text` means; ValueError if it means none. A weekday is its next one, today excluded."""
    word = _plain(text)
    if word in _RELATIVE:
        return _days_on(_RELATIVE[word])
    if re.fullmatch(r"\+\d{1,4}", word):
        return _days_on(int(word))
    for number, names in enumerate(_WEEKDAYS):
        if word.removesuffix("-feira") in names:
            return lambda today: today + timedelta(days=(number - today.weekday() - 1) % 7 + 1)
    if match := re.fullmatch(r"(\d{1,2})/(\d{1,2})(?:/(\d{4}))?", word):
        return _day_month(*(int(part) if part else None for part in match.groups()))
    fixed = date.fromisoformat(word)
    return lambda today: fixed


def clock(text: str) -> time:
    """The time of day that `text` means; ValueError if it means none."""
    match = _TIME.fullmatch(_plain(text))
    if match is None:
        raise ValueError(text)
    hour, minute, half = int(match[1]), int(match[2] or 0), match[3]
    if half:
        if not 1 <= hour <= _NOON:
            raise ValueError(text)
        hour = hour % _NOON + (_NOON if half == "pm" else 0)
    return time(hour, minute)


def _plain(text: str) -> str:
    """Lower case and without accents, as people type in a hurry."""
    split = unicodedata.normalize("NFD", text.strip().lower())
    return "".join(c for c in split if not unicodedata.combining(c))


def _days_on(days: int) -> Day:
    return lambda today: today + timedelta(days=days)


def _day_month(day: int | None, month: int | None, year: int | None) -> Day:
    """Day and month as in Brazil; without a year, the next time that date comes."""
    assert day is not None and month is not None  # noqa: PT018, S101  # the pattern has matched both
    date(year or 2028, month, day)  # a leap year: ValueError where no year has such a date

    def on(today: date) -> date:
        for candidate in [year] if year else range(today.year, today.year + 9):
            try:
                found = date(candidate, month, day)
            except ValueError:  # 29 February of another year
                continue
            if year or found >= today:
                return found
        raise ValueError(f"{day}/{month}")

    return on
