"""Whether operations that overlapped have an order, one at a time, that explains every answer: linearizability.

The question is Herlihy & Wing's ("Linearizability: a correctness condition for concurrent objects", TOPLAS 12(3),
1990). The search is Wing & Gong's ("Testing and verifying concurrent objects", JPDC 17, 1993) with the two refinements
of Lowe ("Testing for linearizability", Concurrency and Computation 29(4), 2017): configurations that were seen are not
looked at again, and an operation is given its turn no sooner than an answer demands it.
"""

import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeAlias, TypeVar

S = TypeVar("S", bound=Hashable)
O = TypeVar("O")  # noqa: E741  # an operation, as in the literature

LIMIT = 200_000
"""So many configurations are looked at before the question is left undecided: some ten seconds, 100 MB."""


@dataclass(frozen=True, slots=True)
class Operation(Generic[O]):
    """Something asked at `began` and answered at `ended`, as if it had happened at one moment between, both included.

    Where `ended` is None nobody knows: it happened at any moment after `began`, or never.
    """

    does: O
    began: float
    ended: float | None


@dataclass(frozen=True, slots=True)
class Found(Generic[S]):
    """`linearizable` is None where the limit was reached first.

    `order` explains all answers, or else as many as can be: those before the one of operation `stuck`.
    Just before that answer the state could be any of `states`, and no other.
    """

    linearizable: bool | None
    order: tuple[int, ...]
    stuck: int | None
    states: frozenset[S]
    explored: int


@dataclass(frozen=True, slots=True)
class Rules(Generic[S, O]):
    """What operations do, one at a time. The last two only make the search faster: they may always say False.

    `after` gives the state after an operation, None where its answer is impossible in a state. `is_read` is true of an
    operation that never changes a state. `is_hopeless` is true where an operation is impossible now and forever.
    """

    after: Callable[[S, O], S | None]
    is_read: Callable[[O], bool] = lambda _: False
    is_hopeless: Callable[[S, O], bool] = lambda *_: False


def linearize(operations: Sequence[Operation[O]], initial: S, rules: Rules[S, O], limit: int = LIMIT) -> Found[S]:
    """Look for an order that explains every answer."""
    return _Search(operations, rules).run(initial, limit)


Path: TypeAlias = "tuple[int, Path] | tuple[()]"


class _Event(NamedTuple):
    """An operation is asked, or answered while others are under way: `answered` will be, `silent` never are."""

    operation: int
    is_answer: bool
    answered: tuple[int, ...]
    silent: tuple[int, ...]


class _Configuration(NamedTuple, Generic[S]):
    """Events before `at` are explained; `taken` has the bits of operations that had their turn and no answer yet."""

    at: int
    taken: int
    state: S
    path: Path


class _Search(Generic[S, O]):
    """A walk along the events, asking at each answer who may have had a turn before it.

    Two things make it fast, and neither loses an order:

    * *Late turns.* In any order, each turn can be put off until just before the next answer, and those that come
      after the answered operation's own until the answer after that. So only an answer whose operation had no turn
      yet raises a question, and the turns that it asks for end with that operation.
    * *Reads at once.* A read that is possible in a state can have its turn there: whatever order explains the rest with
      it later explains the rest without it too. Refusals are never a question, then. (It has to be a read everywhere:
      a move to where the booking is now may be meant to bring it back later.)
    """

    def __init__(self, operations: Sequence[Operation[O]], rules: Rules[S, O]) -> None:
        self._does = [operation.does for operation in operations]
        self._reads = [operation.ended is not None and rules.is_read(operation.does) for operation in operations]
        self._after, self._is_hopeless = rules.after, rules.is_hopeless
        self._events, self._bit = _events(operations)

    def run(self, initial: S, limit: int) -> Found[S]:
        seen: set[tuple[int, int, S]] = set()
        deepest, states = -1, set[S]()
        longest: Path = ()
        start = _Configuration[S](0, 0, initial, ())
        todo: list[Iterator[_Configuration[S]]] = [iter((self._walk(start),))]
        while todo:
            here = next(todo[-1], None)
            if here is None:
                todo.pop()
                continue
            if here.at == len(self._events):
                return Found(True, _order(here.path), None, frozenset(), len(seen))
            if here[:3] in seen:
                continue
            if len(seen) == limit:
                return Found(None, _order(longest), None, frozenset(), limit)
            seen.add(here[:3])
            if here.at > deepest:
                deepest, states, longest = here.at, set(), here.path
            if here.at == deepest:
                states.add(here.state)
            todo.append(self._turns(here))
        return Found(False, _order(longest), self._events[deepest].operation, frozenset(states), len(seen))

    def _walk(self, here: _Configuration[S]) -> _Configuration[S]:
        """On to the next answer whose operation had no turn yet, or to the end."""
        at, taken, state, path = here
        while at < len(self._events):
            event = self._events[at]
            bit = self._bit[event.operation]
            if not event.is_answer:
                if self._is_explained(event.operation, state):
                    taken, path = taken | bit, (event.operation, path)
            elif taken & bit:
                taken ^= bit
            else:
                break
            at += 1
        return _Configuration(at, taken, state, path)

    def _turns(self, here: _Configuration[S]) -> Iterator[_Configuration[S]]:
        """Where the turn of each operation leads, except reads; first of the one whose answer comes first."""
        at, taken, state, path = here
        event = self._events[at]
        for operation in (*event.answered, *event.silent):
            if taken & self._bit[operation] or self._reads[operation]:
                continue
            after = self._after(state, self._does[operation])
            if after is None or (after == state and operation in event.silent):
                continue
            there = self._settle(at, taken | self._bit[operation], after, (operation, path))
            if there:
                yield self._walk(there) if there.taken & self._bit[event.operation] else there

    def _settle(self, at: int, taken: int, state: S, path: Path) -> _Configuration[S] | None:
        """Draw the consequences of a new state; None if it leaves no way for an answer that is to come.

        Reads have their turn if it explains them. Silent operations that will never have one, or whose turn is past
        and could not come again, are the same to all that follows.
        """
        event = self._events[at]
        for operation in event.answered:
            if taken & self._bit[operation]:
                continue
            if self._is_explained(operation, state):
                taken, path = taken | self._bit[operation], (operation, path)
            elif self._is_hopeless(state, self._does[operation]):
                return None
        for operation in event.silent:
            if taken & self._bit[operation] and self._is_hopeless(state, self._does[operation]):
                taken ^= self._bit[operation]
        return _Configuration(at, taken, state, path)

    def _is_explained(self, operation: int, state: S) -> bool:
        """Whether it is a read that may have its turn in this state."""
        return self._reads[operation] and self._after(state, self._does[operation]) is not None


def _events(operations: Sequence[Operation[O]]) -> tuple[list[_Event], list[int]]:
    """Questions and answers in order of time, and a bit for each operation, used again after its answer.

    At the same moment questions come first: who cannot say that two operations were apart lets them overlap.
    Questions without an answer are no events of their own, since their turn is never due.
    """
    times = [(operation.began, False, n) for n, operation in enumerate(operations)]
    times += [(operation.ended, True, n) for n, operation in enumerate(operations) if operation.ended is not None]
    ends = [math.inf if operation.ended is None else operation.ended for operation in operations]
    answered, silent = list[int](), list[int]()
    free, bits, width = list[int](), [0] * len(operations), 0
    events = []
    for _, is_answer, n in sorted(times):
        if is_answer:
            events.append(_Event(n, True, tuple(sorted(answered, key=ends.__getitem__)), tuple(silent)))
            answered.remove(n)
            free.append(bits[n])
            continue
        if free:
            bits[n] = free.pop()
        else:
            bits[n], width = 1 << width, width + 1
        if operations[n].ended is None:
            silent.append(n)
        else:
            answered.append(n)
            events.append(_Event(n, False, (), ()))
    return events, bits


def _order(path: Path) -> tuple[int, ...]:
    order = []
    while path:
        operation, path = path
        order.append(operation)
    return tuple(reversed(order))
