"""Booking codes: short, without look-alikes, one for each number."""

from hypothesis import given
from hypothesis import strategies as st

from agenda.domain.codes import ALPHABET, LENGTH, SPACE, code


def test_codes_of_a_year_are_all_different() -> None:
    assert len({code(number) for number in range(1, 200_001)}) == 200_000


@given(st.integers(1, 3 * SPACE), st.integers(1, 3 * SPACE))
def test_two_numbers_never_share_a_code(one: int, other: int) -> None:
    assert (code(one) == code(other)) == (one == other)


@given(st.integers(1, SPACE - 1))
def test_a_code_has_six_characters_that_are_not_mixed_up_on_the_telephone(number: int) -> None:
    letters = code(number).replace("-", "")
    assert len(letters) == LENGTH
    assert set(letters) <= set(ALPHABET)
    assert not set(letters) & set("0O1IL5S2Z8B")
