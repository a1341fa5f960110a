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
from agenda.domain.model import BookingId
from agenda.domain.times import Span
from agenda.engine.ports import StoreConflict
from agenda.storage import postgres, sqlite
from agenda.storage.connection import Connection
from agenda.storage.folder import DATABASE
from agenda.storage.postgres_store import PostgresStore
from tests.postgres import database_of
from tests.storage.making import DAY, HOUR, IDS, NOW, Desk, claim
from tests.storage.test_contract_of_questions import NOBODY

CELL = HOUR / 12


# A claim on a seat of its own, from one second to another, as anybody may write it.
CLAIM = {
    "sqlite": "INSERT INTO claim VALUES (x'01', 0, {}, {}, x'02')",
    "postgresql": f"INSERT INTO claim VALUES ('{NOBODY}', 0, to_timestamp({{}}), to_timestamp({{}}), '{NOBODY}')",
}


@pytest.fixture
def raw(desk: Desk, folder: Path) -> Iterator[Connection]:
    """The database as anybody may open it, without our store."""
    shared = isinstance(desk.store, PostgresStore)
    it = postgres.Connection(database_of(folder)) if shared else sqlite.Connection(folder / DATABASE)
    with closing(it) as connection:
        yield connection


@pytest.mark.parametrize(
    ("start", "end"), [(0, 12), (-1, 1), (11, 13), (1, 11), (-6, 18), (-12, 1), (0, 1), (11, 12), (-60, 60)]
)
def test_an_overlapping_claim_is_refused(desk: Desk, start: int, end: int) -> None:
    ana = desk.join("Ana")
    desk.book(ana, DAY)
    other = replace(desk.made(ana, DAY), start=DAY + start * CELL, end=DAY + end * CELL)
    with pytest.raises(StoreConflict) as refused:
        desk.save(desk.changes_of(other))
    assert (refused.value.constraint, desk.occupied()) == ("claim_no_overlap", [Span(DAY, DAY + HOUR)])


@pytest.mark.parametrize(("start", "end"), [(-12, 0), (12, 24)])
def test_a_claim_back_to_back_is_accepted(desk: Desk, start: int, end: int) -> None:
    ana = desk.join("Ana")
    desk.book(ana, DAY)
    desk.save(desk.changes_of(replace(desk.made(ana, DAY), start=DAY + start * CELL, end=DAY + end * CELL)))
    assert len(desk.occupied(DAY - 2 * HOUR)) == 2


def test_two_that_overlap_within_one_batch_are_refused(desk: Desk) -> None:
    ana = desk.join("Ana")
    one = desk.made(ana, DAY)
    two = replace(desk.made(ana, DAY + HOUR / 2), code=code(number(one.code) + 1))
    with pytest.raises(StoreConflict) as refused:
        desk.save(desk.changes_of(one, two))
    assert (refused.value.constraint, desk.occupied(), desk.reader.bookings(ana.id, None)) == (
        "claim_no_overlap",
        [],
        [],
    )


def test_any_order_of_random_claims_leaves_none_that_overlap(desk: Desk, raw: Connection) -> None:
    dice = random.Random(7)
    kept: list[tuple[int, int]] = []
    for _ in range(600):
        start = dice.randrange(0, 400)
        end = start + dice.choice([1, 2, 5, 30, 200])
        overlaps = any(start < other_end and other_start < end for other_start, other_end in kept)
        try:
            raw.run(CLAIM[raw.engine].format(start, end))
            refused = False
            kept.append((start, end))
        except StoreConflict:
            refused = True
        assert refused == overlaps


@pytest.mark.parametrize("verb", ["INSERT", "INSERT OR REPLACE", "INSERT OR IGNORE", "REPLACE"])
def test_no_kind_of_insert_gets_by(counter: Desk, folder: Path, verb: str) -> None:
    counter.book(counter.join("Ana"))
    with closing(sqlite3.connect(folder / DATABASE)) as raw, pytest.raises(sqlite3.IntegrityError, match="no_overlap"):
        raw.execute(f"{verb} INTO claim SELECT resource, seat, starts, ends + 1, booking FROM claim")


@pytest.mark.parametrize("column", ["starts", "ends", "seat", "resource", "booking"])
def test_no_claim_is_ever_updated(desk: Desk, raw: Connection, column: str) -> None:
    desk.book(desk.join("Ana"))
    with pytest.raises(StoreConflict) as refused:
        raw.run(f"UPDATE claim SET {column} = {column}")
    assert refused.value.constraint == "claim_no_update"


@pytest.mark.parametrize("table", ["claim", "booking"])
def test_a_span_that_ends_before_it_starts_is_refused(desk: Desk, raw: Connection, table: str) -> None:
    desk.book(desk.join("Ana"))
    raw.run(f"CREATE TEMP TABLE copied AS SELECT * FROM {table}")
    raw.run("UPDATE copied SET starts = ends, ends = starts")
    with pytest.raises(StoreConflict) as refused:
        raw.run(f"INSERT INTO {table} SELECT * FROM copied")
    assert refused.value.constraint == f"{table}_span"


def test_moves_in_a_chain_are_one_batch(desk: Desk) -> None:
    ana = desk.join("Ana")
    chain = [desk.book(ana, DAY + n * HOUR) for n in range(4)]
    desk.move(*((booking, booking.start + HOUR) for booking in chain))
    assert [span.start for span in desk.occupied()] == [DAY + n * HOUR for n in range(1, 5)]


def test_bookings_that_swap_their_times_are_one_batch(desk: Desk) -> None:
    one, two = desk.book(desk.join("Ana")), desk.book(desk.join("Bia"), DAY + HOUR)
    swapped = desk.move((one, two.start), (two, one.start))
    assert [booking.start for booking in swapped] == [DAY + HOUR, DAY]
    assert [span.start for span in desk.occupied()] == [DAY, DAY + HOUR]


def test_a_booking_number_is_used_once(desk: Desk) -> None:
    ana = desk.join("Ana")
    booking = desk.book(ana)
    double = replace(booking, id=BookingId(next(IDS)), start=DAY + HOUR, end=DAY + 2 * HOUR)
    with pytest.raises(StoreConflict) as refused:
        desk.save(desk.changes_of(double))
    assert refused.value.constraint == "booking_key"


def test_a_place_in_the_chain_is_used_once(desk: Desk) -> None:
    head = desk.head
    desk.join("Ana")
    desk.head = head
    with pytest.raises(StoreConflict) as refused:
        desk.join("Bia")
    assert refused.value.constraint == "audit_key"


def test_a_session_needs_somebody(desk: Desk) -> None:
    with pytest.raises(StoreConflict) as refused:
        desk.save(Changes(opened=[OpenedSession(b"t" * 32, NOBODY, "en", NOW)]))
    assert refused.value.constraint in {"foreign_key", "session_user_exists"}  # SQLite does not tell which


def test_of_threads_that_race_for_one_slot_round_decide_one_wins(desk: Desk) -> None:
    racers = [desk.made(desk.join(f"user {n}"), DAY) for n in range(16)]
    gate, refusals = Barrier(len(racers)), []

    def race(rank: int) -> None:
        booking = replace(racers[rank], code=code(number(racers[rank].code) + rank))
        changes = Changes(made={booking.id: booking}, claimed={booking.id: claim(booking)})
        gate.wait()
        try:
            with desk.store.begin() as transaction:
                transaction.save(changes, [])
        except StoreConflict as conflict:
            refusals.append(conflict.constraint)

    threads = [Thread(target=race, args=(rank,)) for rank in range(len(racers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(desk.occupied()), refusals) == (1, ["claim_no_overlap"] * 15)
