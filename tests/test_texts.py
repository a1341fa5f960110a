"""Both catalogues hold every sentence that the program says, with the same facts, and no other."""

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from string import Formatter

import pytest

from agenda.domain import errors
from agenda.texts import LANGUAGES, Texts, catalogue, machine_language, nearest_language, texts

SOURCE = Path(__file__).parents[1] / "src" / "agenda"
MSGID = re.compile(r"(format|error|server|desktop|cli)\.[a-z0-9_]+(\.[a-z0-9_]+)*")
FILE = re.compile(r".*\.(json|toml|log|py|txt)")
MORNING = datetime(2026, 11, 23, 8, 0, tzinfo=timezone(timedelta(hours=-3)))

# What each domain error's facts are, by the name of the field.
FACTS: dict[str, object] = {
    "resource": "r1",
    "start": MORNING,
    "reason": "past",
    "what": "booking",
    "deadline": MORNING,
    "limit": 3,
    "field": "user",
    "retry_after": 60,
    "incident": "7f3a",
}
INNER = {"name_taken"}  # never leaves the engine


def error_classes(root: type[errors.AgendaError]) -> Iterator[type[errors.AgendaError]]:
    for child in root.__subclasses__():
        yield child
        yield from error_classes(child)


def strings(module: Path) -> tuple[set[str], set[str]]:
    """The msgids that a module names in full, and the beginnings of those that it puts together."""
    nodes = list(ast.walk(ast.parse(module.read_text("utf-8"))))
    pieces = [n.values for n in nodes if isinstance(n, ast.JoinedStr)]
    inner = {id(piece) for values in pieces for piece in values}
    beginnings = {str(v[0].value) for v in pieces if v and isinstance(v[0], ast.Constant)}
    whole = {str(n.value) for n in nodes if isinstance(n, ast.Constant) and id(n) not in inner}
    return {s for s in whole if MSGID.fullmatch(s) and not FILE.fullmatch(s)}, beginnings


def named_msgids() -> set[str]:
    return set[str]().union(*(strings(module)[0] for module in SOURCE.rglob("*.py")))


def facts_in(message: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(message) if name is not None}


def test_both_catalogues_hold_the_same_messages() -> None:
    portuguese, english = (catalogue(language) for language in LANGUAGES)
    assert portuguese.keys() == english.keys()
    assert {m for m in portuguese if isinstance(portuguese[m], str) != isinstance(english[m], str)} == set()


@pytest.mark.parametrize("msgid", sorted(catalogue("en")))
def test_a_message_tells_the_same_facts_in_both_languages(msgid: str) -> None:
    told = []
    for language in LANGUAGES:
        message = catalogue(language)[msgid]
        forms = {message} if isinstance(message, str) else set(message)
        assert all(forms), "an empty sentence"
        told.append(set[str]().union(*map(facts_in, forms)))
    assert told[0] == told[1]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("error", [*error_classes(errors.AgendaError)], ids=lambda error: error.code)
def test_every_domain_error_has_a_sentence(error: type[errors.AgendaError], language: str) -> None:
    if error.code in INNER:
        return
    needed = fields(error)  # type: ignore[arg-type]  # each subclass is a dataclass
    sentence = texts(language).error(error.code, {f.name: FACTS[f.name] for f in needed})
    assert sentence
    assert sentence != texts(language)("error.unknown", code=error.code)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reason", errors.Reason)
def test_every_reason_not_to_offer_a_time_has_a_sentence_of_its_own(reason: str, language: str) -> None:
    t = texts(language)
    exact = t.error("slot_not_offered", {"reason": reason, "start": MORNING})
    assert exact != t.error("slot_not_offered", {"reason": "another", "start": MORNING})


def test_every_message_that_the_program_names_exists() -> None:
    assert named_msgids() - catalogue("en").keys() == set()


def test_no_message_is_left_that_nobody_says() -> None:
    beginnings = set[str]().union(*(strings(module)[1] for module in SOURCE.rglob("*.py")))
    dynamic = tuple(b for b in beginnings if re.match(r"(error|server|desktop|cli)\.", b))
    unsaid = {m for m in catalogue("en").keys() - named_msgids() if not m.startswith(dynamic)}
    assert unsaid == set()


def test_an_error_is_told_with_the_wire_s_instants_as_with_datetimes() -> None:
    told = [texts("pt-BR").error("slot_taken", {"start": s}) for s in (MORNING, MORNING.isoformat())]
    assert told[0] == told[1]
    assert "08:00 de segunda-feira, 23 de novembro" in told[0]


def test_an_error_from_a_newer_server_is_told_by_its_code() -> None:
    assert "payment_required" in texts("en").error("payment_required", {"price": 100})


def test_an_error_without_its_facts_is_told_by_its_code() -> None:
    assert "slot_taken" in texts("en").error("slot_taken", {})


def test_an_unknown_message_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        texts("en")("error.no_such_message")


def test_an_unknown_language_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="fr"):
        texts("fr")


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("pt-BR", ["0 reserva", "1 reserva", "2 reservas", "1.000.000 reservas"]),
        ("en", ["0 reservas", "1 reserva", "2 reservas", "1,000,000 reservas"]),
    ],
)
def test_a_number_chooses_its_form_by_the_language(language: str, told: list[str]) -> None:
    t = Texts(language, {"count": ("{n} reserva", "{n} reservas")})
    assert [t.plural("count", n) for n in (0, 1, 2, 1_000_000)] == told


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("pt-BR", ["segunda-feira, 23 de novembro de 2026", "23 de novembro de 2026", "23/11/2026"]),
        ("en", ["Monday, 23 November 2026", "23 November 2026", "23/11/2026"]),
    ],
)
def test_a_day_is_written_as_wide_as_asked(language: str, told: list[str]) -> None:
    t, day = texts(language), date(2026, 11, 23)
    assert [t.day(day, "full"), t.day(day), t.day(day, "short")] == told


def test_times_are_written_as_the_clock_on_the_wall_of_their_zone_shows_them() -> None:
    t = texts("pt-BR")
    assert t.time(MORNING) == "08:00"
    assert t.time(MORNING.astimezone(UTC)) == "11:00"
    assert t.day_time(MORNING) == "seg., 23 de nov. de 2026, 08:00"
    assert t.day_time(MORNING, "short") == "seg. 23/11/2026 08:00"
    assert t.day_time(MORNING, "shortest") == "seg. 23/11 08:00"


@pytest.mark.parametrize(("language", "first"), [("pt-BR", "dom."), ("en", "Mon")])
def test_a_week_begins_where_the_language_begins_it(language: str, first: str) -> None:
    week = texts(language).weekdays()
    assert (week[0], len(set(week))) == (first, 7)


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("pt_BR.UTF-8", "pt-BR"),
        ("pt-PT", "pt-BR"),
        ("Portuguese_Brazil.1252", "pt-BR"),
        ("C.UTF-8", "pt-BR"),
        (None, "pt-BR"),
        ("en_US.UTF-8", "en"),
        ("fr", "en"),
    ],
)
def test_the_nearest_language_is_found(tag: str | None, language: str) -> None:
    assert nearest_language(tag) == language


@pytest.mark.parametrize("variables", [{}, {"LANG": ""}, {"LANG": "C"}, {"LANG": "POSIX"}, {"LC_ALL": "C.UTF-8"}])
def test_a_locale_that_says_nothing_is_portuguese(variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    assert machine_language() == "pt-BR"


@pytest.mark.parametrize(
    ("language", "sentence"),
    [("pt-BR", "08:00 de segunda-feira, 5 de janeiro de 2099"), ("en", "08:00 on Monday 5 January 2099")],
)
def test_a_moment_in_another_year_says_so(language: str, sentence: str) -> None:
    assert texts(language).moment(datetime(2099, 1, 5, 8, tzinfo=UTC)) == sentence
