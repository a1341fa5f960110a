"""Instants and days as they are written in parameters, read by the clocks of the business."""

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from agenda.domain.times import at_wall, wall_exists

_INSTANT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,6})?)?(Z|[+-][0-9]{2}(:[0-5][0-9])?)?"
)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# So far from the ends of the calendar that a zone's offset or a booking's length never leads out of it.
_FIRST_DAY: Final = date.min + timedelta(days=3)
_LAST_DAY: Final = date.max - timedelta(days=3)


class Unreadable(ValueError):
    """The text is no instant or day; `reason` is a stable word: `instant`, `day` or `nonexistent`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@lru_cache(maxsize=16_384)
def parse_instant(text: str, zone: ZoneInfo) -> datetime:
    """The instant in UTC of an ISO 8601 text in extended form; without an offset it is wall time in `zone`.

    Of an ambiguous wall time the first. Raises Unreadable, which is not remembered, however long the text is.
    """
    if not _INSTANT.fullmatch(text):
        raise Unreadable("instant")
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        raise Unreadable("instant") from None
    if not _FIRST_DAY <= value.date() <= _LAST_DAY:
        raise Unreadable("instant")
    if value.tzinfo is not None:
        return value.astimezone(UTC)
    if not wall_exists(value, zone):
        raise Unreadable("nonexistent")
    return at_wall(value, zone)


def parse_day(text: str) -> date:
    """The day of a text such as `2026-11-23`. Raises Unreadable."""
    if not _DAY.fullmatch(text):
        raise Unreadable("day")
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Unreadable("day") from None
    if not _FIRST_DAY <= day <= _LAST_DAY:
        raise Unreadable("day")
    return day
