"""The database has the last word: its rules are met by going round decide()."""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Barrier, Thread

import pytest

from agenda.domain.codes import code, number
from agenda.domain.commands import Changes, OpenedSession
from agenda.domain.model import BookingId, UserId
from agenda.domain.times import Span
from agenda.engine.ports import StoreConflict
from agenda.storage.folder import DATABASE
from tests.storage.making import DAY, HOUR, IDS, NOW, Desk, claim

CELL = HOUR / 12


@pytest.fixture
def raw(counter: Desk, folder: Path) -> Iterator[sqlite3.Connection]:
    """The database as anybody may open it, without our program."""
    with closing(sqlite3.connect(folder / DATABASE, isolation_level=None)) as connection:
        yield connection


@pytest.mark.parametrize(
    ("start", "end"), [(0, 12), (-1, 1), (11, 13), (1, 11), (-6, 18), (-12, 1), (0, 1), (11, 12), (-60, 60)]
)
def test_an_overlapping_claim_is_refused(counter: Desk, start: int, end: int) -> None:
    ana = counter.join("Ana")
    counter.book(ana, DAY)
    other = replace(counter.made(ana, DAY), start=DAY + start * CELL, end=DAY + end * CELL)
    with pytest.raises(StoreConflict) as refused:
        counter.save(counter.changes_of(other))
    assert (refused.value.constraint, counter.occupied()) == ("claim_no_overlap", [Span(DAY, DAY + HOUR)])


@pytest.mark.parametrize(("start", "end"), [(-12, 0), (12, 24)])
def test_a_claim_back_to_back_is_accepted(counter: Desk, start: int, end: int) -> None:
    ana = counter.join("Ana")
    counter.book(ana, DAY)
    counter.save(counter.changes_of(replace(counter.made(ana, DAY), start=DAY + start * CELL, end=DAY + end * CELL)))
    assert len(counter.occupied(DAY - 2 * HOUR)) == 2


def test_two_that_overlap_within_one_batch_are_refused(counter: Desk) -> None:
    ana = counter.join("Ana")
    one = counter.made(ana, DAY)
    two = replace(counter.made(ana, DAY + HOUR / 2), code=code(number(one.code) + 1))
    with pytest.raises(StoreConflict) as refused:
        counter.save(counter.changes_of(one, two))
    assert (refused.value.constraint, counter.occupied(), counter.reader.bookings(ana.id, None)) == (
        "claim_no_overlap",
        [],
        [],
    )


def test_any_order_of_random_claims_leaves_none_that_overlap(counter: Desk, raw: sqlite3.Connection) -> None:
    dice = random.Random(7)
    kept: list[tuple[int, int]] = []
    for _ in range(600):
        start = dice.randrange(0, 400)
        end = start + dice.choice([1, 2, 5, 30, 200])
        overlaps = any(start < other_end and other_start < end for other_start, other_end in kept)
        try:
            raw.execute("INSERT INTO claim VALUES (x'01', 0, ?, ?, x'02')", (start, end))
            refused = False
            kept.append((start, end))
        except sqlite3.IntegrityError:
            refused = True
        assert refused == overlaps


@pytest.mark.parametrize("verb", ["INSERT", "INSERT OR REPLACE", "INSERT OR IGNORE", "REPLACE"])
def test_no_kind_of_insert_gets_by(counter: Desk, raw: sqlite3.Connection, verb: str) -> None:
    counter.book(counter.join("Ana"))
    with pytest.raises(sqlite3.IntegrityError, match="claim_no_overlap"):
        raw.execute(f"{verb} INTO claim SELECT resource, seat, starts, ends + 1, booking FROM claim")


@pytest.mark.parametrize("column", ["starts", "ends", "seat", "resource", "booking"])
def test_no_claim_is_ever_updated(counter: Desk, raw: sqlite3.Connection, column: str) -> None:
    counter.book(counter.join("Ana"))
    with pytest.raises(sqlite3.IntegrityError, match="claim_no_update"):
        raw.execute(f"UPDATE claim SET {column} = {column}")


@pytest.mark.parametrize("table", ["claim", "booking"])
def test_a_span_that_ends_before_it_starts_is_refused(counter: Desk, raw: sqlite3.Connection, table: str) -> None:
    counter.book(counter.join("Ana"))
    copy = f"CREATE TEMP TABLE copied AS SELECT * FROM {table}"
    raw.executescript(f"{copy}; UPDATE copied SET starts = ends + 9, ends = starts - 9")
    with pytest.raises(sqlite3.IntegrityError, match=f"{table}_span"):
        raw.execute(f"INSERT INTO {table} SELECT * FROM copied")


def test_a_booking_number_is_used_once(counter: Desk) -> None:
    ana = counter.join("Ana")
    booking = counter.book(ana)
    double = replace(booking, id=BookingId(next(IDS)), start=DAY + HOUR, end=DAY + 2 * HOUR)
    with pytest.raises(StoreConflict) as refused:
        counter.save(counter.changes_of(double))
    assert refused.value.constraint == "booking_key"


def test_a_place_in_the_chain_is_used_once(counter: Desk) -> None:
    head = counter.head
    counter.join("Ana")
    counter.head = head
    with pytest.raises(StoreConflict) as refused:
        counter.join("Bia")
    assert refused.value.constraint == "audit_key"


def test_a_session_needs_somebody(counter: Desk) -> None:
    with pytest.raises(StoreConflict) as refused:
        counter.save(Changes(opened=[OpenedSession(b"t" * 32, UserId("0" * 32), "en", NOW)]))
    assert refused.value.constraint == "foreign_key"


def test_of_threads_that_race_for_one_slot_round_decide_one_wins(counter: Desk) -> None:
    racers = [counter.made(counter.join(f"user {n}"), DAY) for n in range(16)]
    gate, refusals = Barrier(len(racers)), []

    def race(rank: int) -> None:
        booking = replace(racers[rank], code=code(number(racers[rank].code) + rank))
        changes = Changes(made={booking.id: booking}, claimed={booking.id: claim(booking)})
        gate.wait()
        try:
            with counter.store.begin() as transaction:
                transaction.save(changes, [])
        except StoreConflict as conflict:
            refusals.append(conflict.constraint)

    threads = [Thread(target=race, args=(rank,)) for rank in range(len(racers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(counter.occupied()), refusals) == (1, ["claim_no_overlap"] * 15)
