"""Every sentence a person reads, in Brazilian Portuguese and English; imports nothing else of ours."""

from __future__ import annotations

import locale
import os
import sys
from collections.abc import Mapping
from datetime import date, datetime, time
from functools import cache
from importlib import resources
from io import BytesIO
from typing import Final, Literal

from babel import Locale, dates, numbers
from babel.messages import pofile

LANGUAGES: Final = ("pt-BR", "en")

# English dates are those of en_GB: 24 hours as in the grid of slots, and weeks that begin on Monday.
_LOCALES: Final = {"pt-BR": "pt_BR", "en": "en_GB"}

Message = str | tuple[str, str]


class Texts:
    """The catalogue of one language and its ways to write days and times; safe for many threads."""

    def __init__(self, language: str, messages: Mapping[str, Message]) -> None:
        self.language = language
        self.locale = Locale.parse(_LOCALES[language])
        self._messages = messages

    def __call__(self, msgid: str, /, **facts: object) -> str:
        """The sentence `msgid` with its {fields} filled in; KeyError if either is missing."""
        message = self._messages[msgid]
        if isinstance(message, tuple):
            raise KeyError(f"{msgid} has plural forms")
        return message.format(**facts)

    def plural(self, msgid: str, n: int, /, **facts: object) -> str:
        """The form of `msgid` that fits `n`, which stands in it as {n}; KeyError if it has no such forms."""
        forms = self._messages[msgid]
        if isinstance(forms, str):
            raise KeyError(f"{msgid} has no plural forms")
        # CLDR's "one" is the first gettext form of both languages: 1 in English, 0 and 1 in Portuguese.
        form = forms[0] if self.locale.plural_form(n) == "one" else forms[1]
        return form.format(n=self.number(n), **facts)

    def error(self, code: str, facts: Mapping[str, object]) -> str:
        """The sentence for an error of protocol.md from its `data.code` and facts.

        Instants may be aware datetimes in the business's zone or the ISO 8601 strings of the wire.
        The most exact sentence is taken: error.<code>.<reason or what>, else error.<code>; a code or facts
        that this version does not know get error.unknown.
        """
        detail = facts.get("reason", facts.get("what", ""))
        msgid = next((m for m in (f"error.{code}.{detail}", f"error.{code}") if m in self._messages), "")
        try:
            return self(msgid, **{name: self._fact(name, value) for name, value in facts.items()})
        except KeyError:
            return self("error.unknown", code=code)

    def _fact(self, name: str, value: object) -> str:
        if name in {"start", "deadline"}:
            moment = value if isinstance(value, datetime) else _instant(value)
            return self.moment(moment) if moment else str(value)
        if name == "field" and (msgid := f"error.field.{value}") in self._messages:
            return self(msgid)
        return str(value)

    def day(self, value: date, width: Literal["full", "yearless", "long", "medium", "short"] = "long") -> str:
        """A day, as wide as asked: "segunda-feira, 23 de novembro de 2026" to "23/11/2026".

        Yearless, it is "segunda-feira, 23 de novembro".
        """
        if width == "yearless":
            return dates.format_date(value, self("format.day"), locale=self.locale)
        if width == "short":
            return dates.format_date(value, "dd/MM/yyyy", locale=self.locale)
        return dates.format_date(value, width, locale=self.locale)

    def time(self, value: datetime | time) -> str:
        """The wall time that `value` shows in its own zone: "08:00"."""
        return f"{value:%H:%M}"

    def day_time(self, value: datetime, width: Literal["medium", "short", "shortest"] = "medium") -> str:
        """Day and wall time for lists: "seg., 23 de nov. de 2026, 08:00" to "seg. 23/11 08:00"."""
        local = value.replace(tzinfo=None)
        if width == "medium":
            return f"{dates.format_skeleton('yMMMEd', local, locale=self.locale)}, {self.time(value)}"
        pattern = "EEE dd/MM/yyyy HH:mm" if width == "short" else "EEE dd/MM HH:mm"
        return dates.format_datetime(local, pattern, locale=self.locale)

    def moment(self, value: datetime) -> str:
        """Day and wall time for sentences: "08:00 de segunda-feira, 23 de novembro", the year where it is another."""
        this_year = value.year == datetime.now(value.tzinfo).year
        pattern = self("format.day" if this_year else "format.day_of_year")
        day = dates.format_date(value, pattern, locale=self.locale)
        return self("format.moment", time=self.time(value), day=day)

    def month(self, value: date) -> str:
        """Month and year: "novembro de 2026"."""
        return dates.format_skeleton("yMMMM", value, locale=self.locale)

    def weekdays(self, width: Literal["wide", "abbreviated", "short", "narrow"] = "abbreviated") -> list[str]:
        """The seven names of the days, in the order in which a calendar shows them (see `first_weekday`)."""
        names = dates.get_day_names(width, "stand-alone", self.locale)
        return [names[(self.first_weekday + i) % 7] for i in range(7)]

    @property
    def first_weekday(self) -> int:
        """The day a week begins on: 0 is Monday, 6 Sunday."""
        return self.locale.first_week_day

    def number(self, value: float) -> str:
        """A number with the language's marks: "10.000" and "10,000"."""
        return numbers.format_decimal(value, locale=self.locale)


@cache
def texts(language: str) -> Texts:
    """The texts of one of LANGUAGES, read at first use; ValueError for any other."""
    if language not in LANGUAGES:
        raise ValueError(f"no such language: {language!r}")
    return Texts(language, catalogue(language))


def catalogue(language: str) -> dict[str, Message]:
    """All messages of a language by msgid: a sentence, or the pair of its singular and plural forms."""
    source = resources.files(__package__).joinpath(f"{_LOCALES[language].replace('en_GB', 'en')}.po")
    catalog = pofile.read_po(BytesIO(source.read_bytes()), locale=_LOCALES[language], abort_invalid=True)
    messages: dict[str, Message] = {}
    for message in catalog:
        forms = message.string
        if isinstance(message.id, str) and isinstance(forms, str):
            messages[message.id] = forms
        elif forms:
            messages[message.id[0]] = (forms[0], forms[1])
    messages.pop("", None)  # the header
    return messages


def nearest_language(tag: str | None) -> str:
    """The one of LANGUAGES for a tag such as "pt_PT.UTF-8" or "en-US"; Portuguese if it says nothing."""
    main = (tag or "").replace("-", "_").split(".")[0].split("_")[0].lower()
    return "pt-BR" if main in {"", "c", "posix", "pt", "portuguese"} else "en"


def machine_language() -> str:
    """The one of LANGUAGES that this machine's user most likely reads, from the environment's locale.

    Where the environment says nothing it is Portuguese, as for C and POSIX; Windows knows of itself.
    """
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if tag := os.environ.get(variable):
            return nearest_language(tag)
    return nearest_language(locale.getlocale()[0] if sys.platform == "win32" else None)


def _instant(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        return None
