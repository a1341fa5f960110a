"""The search for an order against one that tries them all, on histories right and wrong."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st

from agenda.prove.history import Answer, Call, Held, History
from agenda.prove.linear import Operation, Rules, linearize
from agenda.prove.model import RULES, State
from agenda.prove.parts import parts
from tests.prove.simulated import Shape, simulated

S = TypeVar("S")
O = TypeVar("O")  # noqa: E741  # an operation, as in the literature

SMALL = Shape(groups=1, slots=2, clients=3, calls=7, lost=0.2, stalls=1)
seeds = st.integers(0, 2**32)


def some_order_explains(operations: Sequence[Operation[O]], state: S, after: Callable[[S, O], S | None]) -> bool:
    """Try every operation that may come first, then the rest in the same way."""
    ends = [operation.ended for operation in operations if operation.ended is not None]
    if not ends:
        return True
    for n, operation in enumerate(operations):
        if operation.began <= min(ends):
            then = after(state, operation.does)
            if then is not None and some_order_explains([*operations[:n], *operations[n + 1 :]], then, after):
                return True
    return False


def a_register(value: int, does: tuple[str, int]) -> int | None:
    what, operand = does
    if what == "write":
        return operand
    return value if value == operand else None


@st.composite
def register_operations(draw: st.DrawFn) -> list[Operation[tuple[str, int]]]:
    """A few reads and writes at small whole moments, so that many of them touch or coincide."""
    operations = []
    for _ in range(draw(st.integers(1, 6))):
        does = (draw(st.sampled_from(["read", "write"])), draw(st.integers(0, 2)))
        began = draw(st.integers(0, 8))
        lasts = draw(st.one_of(st.none(), st.integers(0, 5)))
        operations.append(Operation(does, began, None if lasts is None else began + lasts))
    return operations


@given(register_operations())
@settings(max_examples=500)
def test_a_register_is_judged_as_by_trying_every_order(operations: list[Operation[tuple[str, int]]]) -> None:
    rules: Rules[int, tuple[str, int]] = Rules(a_register, is_read=lambda does: does[0] == "read")
    assert linearize(operations, 0, rules).linearizable == some_order_explains(operations, 0, a_register)


@given(register_operations())
@settings(max_examples=200)
def test_nothing_depends_on_knowing_which_operations_are_reads(operations: list[Operation[tuple[str, int]]]) -> None:
    told: Rules[int, tuple[str, int]] = Rules(a_register, is_read=lambda does: does[0] == "read")
    assert linearize(operations, 0, told).linearizable == linearize(operations, 0, Rules(a_register)).linearizable


@given(register_operations())
@settings(max_examples=200)
def test_the_order_that_is_found_explains_every_answer(operations: list[Operation[tuple[str, int]]]) -> None:
    found = linearize(operations, 0, Rules(a_register))
    value: int | None = 0
    for n in found.order:
        assert value is not None
        value = a_register(value, operations[n].does)
    assert value is not None


@given(seeds)
@settings(max_examples=300)
def test_a_history_of_a_correct_agenda_has_an_order(seed: int) -> None:
    history = simulated(seed, Shape(groups=2, slots=3, clients=8, calls=60, lost=0.1, stalls=2))
    assert all(linearize(part.operations, empty(part.places), RULES).linearizable for part in parts(history))


@given(seeds, st.integers(0, 2))
@settings(max_examples=500)
def test_a_damaged_history_is_judged_as_by_trying_every_order(seed: int, wounds: int) -> None:
    history = simulated(seed, SMALL)
    for wound in range(wounds):
        damage(history, random.Random(f"{seed} {wound}"))
    for part in parts(history):
        found = linearize(part.operations, empty(part.places), RULES)
        assert found.linearizable == some_order_explains(part.operations, empty(part.places), RULES.after)


def test_a_search_is_given_up_at_its_limit() -> None:
    writes = [Operation(("write", n), 0, 9) for n in range(9)]
    impossible = Operation(("read", 99), 0, 9)
    assert linearize([*writes, impossible], 0, Rules(a_register), limit=50).linearizable is None


def test_a_long_history_needs_no_deep_stack() -> None:
    operations = [Operation(("write" if n % 2 else "read", n // 2), n, n + 1.5) for n in range(20_000)]
    assert linearize(operations, 0, Rules(a_register)).linearizable is not None


def empty(places: Sequence[object]) -> State:
    return State((None,) * len(places), 0)


def damage(history: History, chance: random.Random) -> None:
    """Change one answer, one time or the end, in a way that a broken agenda could."""
    calls = history.calls
    n = chance.randrange(len(calls))
    wound: Callable[[], None] = chance.choice(
        [
            lambda: calls.__setitem__(n, refused(calls[n])),
            lambda: calls.__setitem__(n, given_anyway(calls[n], n)),
            lambda: calls.__setitem__(n, replace(calls[n], began=0.0)),
            lambda: calls.__setitem__(n, hurried(calls[n])),
            history.held.clear,
            lambda: history.held.append(Held(f"b{n}", f"u{n % 3}", history.places[n % 2])),
            lambda: calls.__setitem__(n, replace(calls[n], outcome="not_found", ended=calls[n].began + 1, answer=None)),
        ]
    )
    wound()


def refused(call: Call) -> Call:
    return replace(call, outcome="slot_taken", ended=call.began + 1, answer=None)


def given_anyway(call: Call, n: int) -> Call:
    booking = call.booking or f"made{n}"
    place = call.place or (call.answer and call.answer.place)
    if place is None:
        return call
    status = "cancelled" if call.method == "booking.cancel" else "booked"
    return replace(call, outcome="ok", ended=call.ended or call.began + 1, answer=Answer(booking, place, status))


def hurried(call: Call) -> Call:
    return call if call.ended is None else replace(call, ended=call.began)
