"""Ids: UUIDv7, ever rising."""

from itertools import islice
from uuid import UUID

from agenda.engine.ids import NIL, known_form, new_ids


def test_ids_are_uuids_of_version_seven_and_rise() -> None:
    made = list(islice(new_ids(), 10_000))
    assert made == sorted(set(made))
    assert {UUID(it).version for it in made} == {7}
    assert {UUID(it).variant for it in made} == {"specified in RFC 4122"}


def test_ids_rise_when_the_clock_stands_still_or_goes_back() -> None:
    times = iter([5_000_000, 5_000_000, 3_000_000, *[4_000_000] * 100])
    made = list(islice(new_ids(lambda: next(times), lambda bits: (1 << bits) - 1), 100))
    assert made == sorted(set(made))


def test_a_text_that_cannot_be_an_id_is_looked_for_as_one_that_nothing_has() -> None:
    good = next(new_ids())
    assert [known_form(text) for text in (good, good.upper(), "", "x" * 32, good + "\n")] == [good, *[NIL] * 4]
