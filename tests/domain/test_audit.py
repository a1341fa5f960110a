"""The audit chain: every change, gap and reordering shows; a blank is allowed only where an erasure names it."""

from agenda.domain.audit import SALT_BYTES, AuditEntry, Fault, Head, chain, verify
from agenda.domain.commands import AuditFact
from tests.domain.agendas import ANA, NOON, ROOM, TEN, later

HEAD = Head(writer=7)
FACTS = [AuditFact(later(NOON, seconds=n), ANA, "booking.create", "ok", None, ROOM, TEN) for n in range(5)]


def entries() -> list[AuditEntry]:
    return chain(HEAD, FACTS, bytes(range(SALT_BYTES * len(FACTS))))


def faults(written: list[AuditEntry], blanks: set[tuple[int, int]] | None = None) -> list[tuple[str, int]]:
    found = verify(written, blanks=blanks or set(), start=HEAD)
    return [(fault.kind, fault.seq) for fault in found if isinstance(fault, Fault)]


def test_a_chain_that_nobody_touched_verifies_up_to_its_head() -> None:
    written = entries()
    assert list(verify(written, blanks=set(), start=HEAD)) == [Head(7, 5, written[-1].hash)]


def test_two_batches_make_the_same_chain_as_one() -> None:
    salts = bytes(range(SALT_BYTES * len(FACTS)))
    first = chain(HEAD, FACTS[:2], salts)
    second = chain(Head(7, 2, first[-1].hash), FACTS[2:], salts[2 * SALT_BYTES :])
    assert first + second == entries()


def test_a_changed_content_shows() -> None:
    written = entries()
    written[2] = written[2]._replace(fact=written[2].fact._replace(outcome="slot_taken"))
    assert faults(written) == [("changed", 3)]


def test_a_changed_content_with_a_digest_to_match_breaks_the_chain() -> None:
    written = entries()
    forged = chain(Head(7, 2), [FACTS[2]._replace(outcome="slot_taken")], bytes(SALT_BYTES))[0]
    written[2] = forged._replace(hash=written[2].hash)
    assert faults(written) == [("broken", 3)]


def test_a_changed_resource_or_time_breaks_the_chain() -> None:
    written = entries()
    written[1] = written[1]._replace(fact=written[1].fact._replace(start=NOON))
    assert faults(written) == [("broken", 2)]


def test_a_missing_entry_is_a_gap() -> None:
    written = entries()
    del written[1]
    assert faults(written) == [("gap", 2), ("broken", 3)]


def test_entries_in_another_order_show() -> None:
    written = entries()
    written[1], written[2] = written[2], written[1]
    assert faults(written)


def test_a_blank_entry_must_be_named_by_an_erasure() -> None:
    written = entries()
    gone = written[1].fact._replace(user=None, action="", outcome="", booking=None, detail=None)
    written[1] = written[1]._replace(fact=gone, salt=None)
    assert faults(written) == [("blank", 2)]
    assert faults(written, {(7, 2)}) == []


def test_what_is_written_into_an_entry_after_its_erasure_shows() -> None:
    written = entries()
    written[1] = written[1]._replace(salt=None)
    assert faults(written, {(7, 2)}) == [("changed", 2)]
