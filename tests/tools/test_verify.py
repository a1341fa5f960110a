"""The audit chain: what is changed, cut off or written anew shows."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from agenda.domain.audit import Fault, Head, chain
from agenda.storage.database import open_store
from agenda.storage.erased import erase_people
from agenda.storage.fill import fill
from agenda.storage.folder import DATABASE
from agenda.storage.made_up import MadeUp
from agenda.storage.rows import entry_of
from agenda.storage.sqlite import Connection
from agenda.storage.verify import Verification, verify_audit

from .conftest import PLAN, Folder

Verify = Callable[..., Verification]


@pytest.fixture
def verify(folder: Folder) -> Verify:
    def run(since: Sequence[Head] = ()) -> Verification:
        connection = Connection(folder.database, read_only=True)
        try:
            return verify_audit(connection, since)
        finally:
            connection.close()

    return run


def rewrite(folder: Folder) -> None:
    """Write all entries anew with other content, hashes and head included, as an intruder with time would."""
    entries = [entry_of(row) for row in folder.ask("SELECT * FROM audit ORDER BY seq")]
    facts = [entry.fact for entry in entries][:-1]
    anew = chain(Head(1), facts, sha256(b"other").digest()[:16] * len(facts))
    last = anew[-1]
    folder.damage(
        f"DELETE FROM audit WHERE seq > {last.seq}",
        *(
            f"UPDATE audit SET salt = x'{entry.salt.hex()}', digest = x'{entry.digest.hex()}',"
            f" hash = x'{entry.hash.hex()}' WHERE seq = {entry.seq}"
            for entry in anew
            if entry.salt is not None
        ),
        f"UPDATE writer SET seq = {last.seq}, hash = x'{last.hash.hex()}'",
    )


def test_an_intact_log_has_no_faults_and_shows_where_it_ends(folder: Folder, verify: Verify) -> None:
    found = verify()
    [(seq, last)] = folder.ask("SELECT seq, hash FROM writer")
    assert (found.faults, found.heads, found.entries) == ((), (Head(1, seq, last),), seq)  # type: ignore[arg-type]


def test_a_change_is_told_with_its_place(folder: Folder, verify: Verify) -> None:
    folder.damage("UPDATE audit SET action = 'booking.cancel' WHERE seq = 42")
    assert verify().faults == (Fault("changed", 1, 42),)


def test_two_entries_that_changed_places_are_found(folder: Folder, verify: Verify) -> None:
    folder.damage(
        "UPDATE audit SET seq = -1 WHERE seq = 50",
        "UPDATE audit SET seq = 50 WHERE seq = 51",
        "UPDATE audit SET seq = 51 WHERE seq = -1",
    )
    assert Fault("broken", 1, 50) in verify().faults


def test_an_end_that_was_cut_off_is_found_by_the_stored_head(folder: Folder, verify: Verify) -> None:
    folder.damage("DELETE FROM audit WHERE seq > 42")
    assert verify().faults == (Fault("truncated", 1, 43),)


def test_a_chain_that_was_written_anew_passes_without_a_kept_head(folder: Folder, verify: Verify) -> None:
    rewrite(folder)
    assert verify().faults == ()


def test_a_kept_head_finds_a_chain_that_was_written_anew(folder: Folder, verify: Verify) -> None:
    kept = verify().heads
    rewrite(folder)
    assert [fault.kind for fault in verify(kept).faults] == ["truncated"]


def test_a_kept_head_in_the_middle_finds_a_chain_that_was_written_anew(folder: Folder, verify: Verify) -> None:
    [(hash_,)] = folder.ask("SELECT hash FROM audit WHERE seq = 20")
    rewrite(folder)
    assert verify([Head(1, 20, hash_)]).faults == (Fault("rewritten", 1, 20),)  # type: ignore[arg-type]


def test_a_kept_head_finds_a_chain_that_is_gone(folder: Folder, verify: Verify) -> None:
    kept = verify().heads
    folder.damage("DELETE FROM audit", "DELETE FROM writer")
    assert verify(kept).faults == (Fault("truncated", 1, 1),)


def test_a_kept_head_that_still_holds_is_no_fault(verify: Verify) -> None:
    assert verify(verify().heads).faults == ()


def test_a_person_who_is_erased_meanwhile_is_no_fault_and_has_not_to_wait(tmp_path: Path) -> None:
    fill(tmp_path / "data", replace(PLAN, bookings=4000))
    erased: list[int] = []
    with closing(open_store(tmp_path / "data", lambda: MadeUp(PLAN).catalogue)) as store:
        user = store.reader().account("user-0001")
        assert user is not None

        def erase_once(done: int, total: int) -> None:
            if not erased:
                erased.append(erase_people(store, [user.user.id]))

        with closing(Connection(tmp_path / "data" / DATABASE, read_only=True)) as connection:
            found = verify_audit(connection, steps=erase_once)
    assert (found.faults, erased) == ((), [1])
