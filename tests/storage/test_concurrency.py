"""Readers and the writer at the same time: nobody waits for anybody, nobody sees half of a batch."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event

from agenda.domain.codes import code, number
from agenda.domain.model import User
from agenda.storage.store import SqliteStore
from tests.storage.making import DAY, HOUR, Desk
from tests.waiting import SECONDS

PAIRS = 60


def book_pairs(desk: Desk, user: User) -> None:
    """Two bookings a batch, with a checkpoint now and then."""
    for n in range(PAIRS):
        one = desk.made(user, DAY + 2 * n * HOUR)
        two = replace(desk.made(user, DAY + (2 * n + 1) * HOUR), code=code(number(one.code) + 1))
        desk.save(desk.changes_of(one, two))
        if n % 10 == 0:
            desk.store.checkpoint()


def test_readers_see_whole_batches_only(desk: Desk) -> None:
    ana = desk.join("Ana")
    done = Event()

    def read() -> Counter[int]:
        seen: Counter[int] = Counter()
        while not done.is_set():
            seen[len(desk.reader.bookings(ana.id, None)) % 2] += 1
        return seen

    with ThreadPoolExecutor(6) as pool:
        readers = [pool.submit(read) for _ in range(5)]
        try:
            book_pairs(desk, ana)
        finally:
            done.set()
        seen = sum((reader.result() for reader in readers), Counter())
    assert (seen[1], seen[0] > 0) == (0, True)
    assert len(desk.reader.bookings(ana.id, None)) == 2 * PAIRS


def test_a_batch_passes_while_a_question_is_being_answered(desk: Desk) -> None:
    ana = desk.join("Ana")
    with desk.store._pool.snapshot() as slow:  # type: ignore[attr-defined]  # both stores have one
        [(before,)] = slow.rows("SELECT count(*) FROM booking")
        desk.book(ana)
        [(after,)] = slow.rows("SELECT count(*) FROM booking")
    assert (before, after) == (0, 0)
    assert len(desk.reader.bookings(ana.id, None)) == 1


def test_the_log_is_bounded_although_commits_never_pause(sqlite: SqliteStore) -> None:
    desk = Desk(sqlite)
    ana = desk.join("Ana")
    wal = sqlite._folder.database.with_name("agenda.db-wal")
    sizes = []
    for n in range(200):
        desk.book(ana, DAY + n * HOUR)
        if n % 20 == 19:
            sqlite._checkpoints.make(1)
            sizes.append(wal.stat().st_size)
    assert max(sizes) < 3 * sizes[0]


def test_each_thread_may_ask_and_all_get_the_same_answer(desk: Desk) -> None:
    ana = desk.join("Ana")
    booking = desk.book(ana)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: desk.reader.bookings(ana.id, None), range(200)))
    assert answers == [[booking]] * 200


def test_closing_waits_for_the_batch_that_is_open(sqlite: SqliteStore) -> None:
    desk = Desk(sqlite)
    changes = desk.changes_of(desk.made(desk.join("Ana"), DAY))
    begun, go_on = Event(), Event()

    def batch() -> None:
        with sqlite.begin() as transaction:
            begun.set()
            go_on.wait(SECONDS)
            transaction.save(changes, [])

    with ThreadPoolExecutor(2) as pool:
        open_batch = pool.submit(batch)
        assert begun.wait(SECONDS)
        closing = pool.submit(sqlite.close)
        go_on.set()
        open_batch.result(SECONDS)
        closing.result(SECONDS)
