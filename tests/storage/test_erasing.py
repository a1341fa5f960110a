"""Nothing that names an erased person is left in any file of the data folder."""

from pathlib import Path

from sqlalchemy import select

from agenda.domain.commands import AuditFact, Changes
from agenda.domain.errors import Forbidden
from agenda.domain.model import RequestId, User
from agenda.storage.compiled import Query
from agenda.storage.schema import AUDIT
from tests.storage.conftest import open_sqlite
from tests.storage.making import DAY, HOUR, NOW, Desk, settled

CROWD = 300


def traces(folder: Path, *words: bytes) -> list[str]:
    """The files that hold one of the words, with how often."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    counts = {f"{path.name}: {word!r}": path.read_bytes().count(word) for path in files for word in words}
    return [f"{where} {count}" for where, count in counts.items() if count]


def live(desk: Desk, name: str, start: int) -> User:
    """Somebody who signs in, books, moves, cancels, and whose entries and requests tell of it."""
    user = desk.join(name, token=name.encode().ljust(32, b"."))
    booking = desk.book(user, DAY + start * HOUR, note=f"note of {name}")
    [moved] = desk.move((booking, DAY + (start + 1) * HOUR))
    desk.cancel(moved)
    desk.book(user, DAY + (start + 2) * HOUR, note=f"second note of {name}")
    detail = AuditFact(NOW, user.id, "user.export", "ok", detail=f"detail of {name}")
    desk.save(Changes(facts=[detail], settled=[settled(user.id, f"another request of {name}", Forbidden())]))
    return user


def test_nothing_names_an_erased_person(counter: Desk, folder: Path) -> None:
    user = live(counter, "Zuleica", 0)
    counter.store.checkpoint()
    assert traces(folder, b"Zuleica")
    counter.erase(user)
    counter.store.scrub()
    assert traces(folder, b"note of", b"request of Zuleica", b"detail of", b"Zuleica....") == []


def test_of_a_crowd_the_erased_leave_nothing_in_the_gaps_of_pages(folder: Path) -> None:
    """Pages were split and filled up again many times over; the others are all still there."""
    store = open_sqlite(folder)
    desk = Desk(store)
    users = [live(desk, f"Person{n * 7919 % CROWD:03}!", 3 * n) for n in range(CROWD)]
    store._checkpoints.make(1)
    for user in users[::3]:
        desk.erase(user, f"erase {user.id}")
    store.tidy(NOW + 72 * HOUR)
    store.scrub()
    gone = [user.name.encode() for user in users[::3]]
    assert traces(folder, *gone) == []
    assert all(desk.reader.account(user.name) for user in users if user.name.encode() not in gone)
    store.close()


def test_the_proof_of_an_erasure_goes_with_its_receipt(counter: Desk, folder: Path) -> None:
    user = counter.join("Zuleica")
    counter.erase(user, "r7")
    counter.store.scrub()
    assert counter.reader.gone(RequestId("r7"))
    counter.store.tidy(NOW + 49 * HOUR)
    counter.store.scrub()
    assert traces(folder, b"Zuleica") == []


def test_the_erased_are_on_the_list_that_restore_goes_by(counter: Desk, folder: Path) -> None:
    ana, bia = counter.join("Ana"), counter.join("Bia")
    for user in (ana, bia):
        counter.erase(user, f"erase {user.name}")
        counter.store.scrub()
    assert (folder / "erased.txt").read_text().split() == [ana.id, bia.id]


def test_an_erasure_that_a_crash_cut_short_is_finished_at_the_next_start(folder: Path) -> None:
    store = open_sqlite(folder)
    desk = Desk(store)
    user = live(desk, "Zuleica", 0)
    logs = store.user_logs()
    log = logs._file(user.id)
    log.write_text("what she did\n")
    desk.erase(user)
    store.close()
    store = open_sqlite(folder)
    logs = store.user_logs()
    logs.start()
    logs.stop()
    assert (folder / "erased.txt").read_text().split() == [user.id]
    assert not log.exists()
    assert traces(folder, b"note of") == []
    store.close()


def test_entries_of_the_erased_keep_their_links_alone(desk: Desk) -> None:
    user = desk.join("Ana")
    desk.book(user)
    desk.erase(user)
    with desk.store._pool.connection() as connection:  # type: ignore[attr-defined]  # both stores have one
        rows = Query(select(AUDIT).order_by(AUDIT.c.seq)).rows(connection)
    kept = [(row[0], row[1], row[2] is not None, len(row[12]), len(row[13])) for row in rows]
    assert kept == [(desk.head.writer, seq, True, 32, 32) for seq in (1, 2, 3)]
    blanked = [
        (user, action, outcome, booking, detail, salt)
        for _, _, _, user, action, outcome, booking, _, _, _, detail, salt, *_ in rows
    ]
    assert blanked[:2] == [(None,) * 6] * 2
    assert rows[1][7] is not None
    assert blanked[2][:3] == (None, "user.erase", "ok")
