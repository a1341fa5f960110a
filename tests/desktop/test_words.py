"""Mnemonics: the letter after an "&", wherever the words come from."""

import pytest

from agenda.desktop.widgets import sentence_case, split_mnemonic, with_mnemonic
from agenda.texts import LANGUAGES, catalogue, texts


@pytest.mark.parametrize(
    ("message", "split"),
    [("&Book", ("Book", "b", 0)), ("Mo&ver…", ("Mover…", "v", 2)), ("Free", ("Free", "", -1)), ("R&", ("R&", "", -1))],
)
def test_the_letter_after_the_mark_is_the_mnemonic(message: str, split: tuple[str, str, int]) -> None:
    assert split_mnemonic(message) == split


def test_a_name_may_hold_the_mark_itself() -> None:
    text, letter, index = with_mnemonic(texts("en"), "desktop.erase_type_name", {"name": "Tom & Jerry"})
    assert "Tom & Jerry" in text
    assert text[index].lower() == letter


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_mnemonic_is_a_letter_that_keyboards_have(language: str) -> None:
    messages = [m for name, m in catalogue(language).items() if name.startswith("desktop.") and isinstance(m, str)]
    letters = {split_mnemonic(message)[1] for message in messages}
    assert letters <= set("abcdefghijklmnopqrstuvwxyz") | {""}


def test_titles_begin_with_a_capital_and_keep_their_others() -> None:
    assert sentence_case("sunday, 22 November 2026") == "Sunday, 22 November 2026"
    assert sentence_case("") == ""
