"""A receipt as lines for a person to read and keep."""

import pytest

from agenda.desktop.receipt import receipt_text
from agenda.texts import LANGUAGES, texts

RECEIPT = {"id": "e1", "deleted": {"bookings": 2}}


def test_what_the_server_counts_is_told_under_names_of_the_language() -> None:
    assert receipt_text(RECEIPT, texts("en")) == "Receipt: e1\nWhat was deleted:\n    bookings: 2"


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_remains_is_told_in_a_sentence(language: str) -> None:
    t = texts(language)
    [*_, last] = receipt_text({**RECEIPT, "remains": "copies_age_out"}, t).splitlines()
    assert last == f"{t('desktop.receipt_remains')}: {t('desktop.copies_age_out')}"


def test_what_a_newer_server_says_is_shown_as_it_is() -> None:
    assert receipt_text({"remains": "echoes", "witness": "x"}, texts("en")).endswith(": echoes\nwitness: x")
