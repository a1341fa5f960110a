"""Signing in and out, and erasing a person, on a real store."""

from pathlib import Path
from threading import Event
from typing import Any

import pytest

from agenda.domain.commands import Receipt
from agenda.domain.errors import BadCredentials, Invalid, NotSignedIn, RateLimited, Unavailable
from agenda.domain.model import Booking, RequestId
from agenda.engine.limits import TRIES_PER_NAME
from agenda.engine.ports import SignIn
from agenda.engine.roll import Session
from agenda.engine.sessions import SessionOpened
from agenda.storage.checkpoints import Checkpoints
from agenda.storage.folder import DATABASE
from agenda.storage.reader import SqlReader
from agenda.storage.sqlite import Connection
from tests.engine.asking import HOUR, ROOM, TOMORROW_TEN, House
from tests.waiting import SECONDS


def erase(house: House, session: Session | None, password: str = "segredo", **other: Any) -> Any:
    facts = {"request": RequestId("erase me"), "fingerprint": b"erase", "address": "127.0.0.1"} | other
    return house.ask(house.engine.erase_user, session, password, **facts)


def test_an_unknown_name_becomes_a_customer_only_if_that_is_wanted(house: House) -> None:
    assert house.open("Ana", create=False) == BadCredentials()
    assert isinstance(house.open("Ana", create=True), SessionOpened)
    assert isinstance(house.open("Ana", create=False), SessionOpened)


def test_a_known_name_with_create_signs_in_if_the_password_is_right(house: House) -> None:
    first = house.sign_in("Ana")
    assert house.sign_in("Ana").user == first.user
    assert house.open("Ana", "errada") == BadCredentials()


def test_names_differ_by_case(house: House) -> None:
    assert house.sign_in("Ana").user != house.sign_in("ana").user


def test_of_two_who_make_the_same_name_at_once_both_are_signed_in_to_one_account(house: House) -> None:
    answers: list[Any] = []
    for _ in range(2):
        house.engine.open_session(
            "Ana", "segredo", create=True, language="en", address="::1", mailbox=house.post, reply=answers.append
        )
    house.post.wait(lambda: len(answers) == 2)
    assert len({answer.session.user for answer in answers}) == 1


def test_a_token_resumes_its_session_until_it_is_closed(house: House) -> None:
    opened = house.open("Ana")
    resumed = house.ask(house.engine.resume_session, opened.token)
    assert resumed.session.user == opened.session.user
    assert house.ask(house.engine.close_session, opened.session) is None
    assert resumed.session.ended
    assert house.ask(house.engine.resume_session, opened.token) == NotSignedIn()


def test_a_session_that_is_resumed_while_its_token_is_closed_does_not_outlive_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, resumed = house.open("Ana"), list[Any]()
    looked_up, closed = Event(), Event()
    sign_in = SqlReader.sign_in

    def slow(reader: SqlReader, token_hash: bytes) -> SignIn | None:
        found = sign_in(reader, token_hash)
        looked_up.set()
        assert closed.wait(SECONDS)
        return found

    monkeypatch.setattr(SqlReader, "sign_in", slow)
    house.engine.resume_session(opened.token, mailbox=house.post, reply=resumed.append)
    assert looked_up.wait(SECONDS)
    assert house.ask(house.engine.close_session, opened.session) is None
    closed.set()
    house.post.wait(lambda: bool(resumed))
    assert resumed == [NotSignedIn()]


def test_closing_one_token_leaves_the_other(house: House) -> None:
    one, other = house.open("Ana"), house.open("Ana")
    house.ask(house.engine.close_session, one.session)
    assert not other.session.ended
    assert isinstance(house.ask(house.engine.resume_session, other.token), SessionOpened)


def test_after_ten_wrong_passwords_the_right_one_is_refused_too(house: House) -> None:
    house.sign_in("Ana")
    for _ in range(TRIES_PER_NAME):
        assert house.open("Ana", "errada") == BadCredentials()
    assert isinstance(house.open("Ana"), RateLimited)
    assert isinstance(house.open("Ana", address="192.0.2.9"), SessionOpened)


def test_guesses_that_run_beside_each_other_tell_no_more_than_ten(house: House) -> None:
    house.sign_in("Ana")
    answers: list[Any] = []
    for number in range(3 * TRIES_PER_NAME):
        house.engine.open_session(
            "Ana",
            "segredo" if number == 3 * TRIES_PER_NAME - 1 else f"errada {number}",
            create=False,
            language="en",
            address="::1",
            mailbox=house.post,
            reply=answers.append,
        )
    house.post.wait(lambda: len(answers) == 3 * TRIES_PER_NAME)
    assert answers.count(BadCredentials()) == TRIES_PER_NAME
    assert not any(isinstance(answer, SessionOpened) for answer in answers)


def test_a_wrong_password_is_in_the_log_of_the_user_it_was_meant_for(house: House) -> None:
    ana = house.sign_in("Ana")
    house.open("Ana", "errada")
    entries, _ = house.ask(house.engine.list_audit, ana, 10, None)
    assert [entry.fact.outcome for _, entry in entries] == ["bad_credentials", "ok"]


def test_an_erasure_frees_the_time_and_ends_every_session(house: House) -> None:
    ana, elsewhere, bia = house.sign_in("Ana"), house.sign_in("Ana"), house.sign_in("Bia")
    house.booked(ana, note="alergia")
    receipt = erase(house, ana)
    assert isinstance(receipt, Receipt)
    assert (receipt.bookings, receipt.notes, receipt.sessions) == (1, 1, 2)
    assert ana.ended
    assert elsewhere.ended
    assert isinstance(house.submit(house.wish(bia))[0], Booking)
    assert house.open("Ana", create=False) == BadCredentials()


def test_a_wrong_password_erases_nothing(house: House) -> None:
    ana = house.sign_in("Ana")
    assert erase(house, ana, "errada") == BadCredentials()
    assert isinstance(house.open("Ana", create=False), SessionOpened)


def test_the_receipt_is_given_again_to_the_same_request_with_and_without_the_session(
    house: House, tmp_path: Path
) -> None:
    ana = house.sign_in("Ana")
    receipt = erase(house, ana)
    assert erase(house, ana) == receipt
    assert erase(house, None) == receipt
    house.close()
    house.__init__(tmp_path / "data")  # type: ignore[misc]  # the house as it is after a restart
    assert erase(house, None) == receipt


def test_no_receipt_is_given_to_another_request_password_or_wish(house: House) -> None:
    ana = house.sign_in("Ana")
    erase(house, ana)
    assert erase(house, None, request=RequestId("another")) == NotSignedIn()
    assert erase(house, None, "errada") == NotSignedIn()
    assert erase(house, None, fingerprint=b"other") == Invalid("request", "reused")


def test_commands_of_a_user_who_is_gone_are_not_signed_in(house: House) -> None:
    ana = house.sign_in("Ana")
    erase(house, ana)
    assert house.submit(house.wish(ana)) == [NotSignedIn()]


def test_the_name_can_be_made_anew_and_has_nothing_of_the_old_one(house: House) -> None:
    ana = house.sign_in("Ana")
    house.booked(ana)
    erase(house, ana)
    again = house.sign_in("Ana")
    assert again.user.id != ana.user.id
    assert house.ask(house.engine.list_bookings, again, None) == []


def test_an_export_holds_the_bookings_and_the_entry_about_itself_and_no_secret(house: House) -> None:
    ana = house.sign_in("Ana")
    booking = house.booked(ana, note="Trazer exames")
    document = house.ask(house.engine.export_user, ana, repr)
    assert booking.id in document
    assert "Trazer exames" in document
    assert "user.export" in document
    assert "argon2" not in document


def test_while_something_of_the_erased_is_left_in_files_no_receipt_is_given(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Checkpoints.empty, "__defaults__", (0.1,))
    ana, bia = house.sign_in("Zuleica"), house.sign_in("Bia")
    watched, told = TOMORROW_TEN.date(), list[Any]()
    house.booked(ana)
    house.ask(house.engine.watch_slots, bia, watched, HOUR, ROOM, notify=told.append)
    reader = Connection(tmp_path / "data" / DATABASE)
    reader.run("BEGIN")
    assert reader.row("SELECT count(*) FROM account") == (2,)

    assert [erase(house, ana), erase(house, ana), erase(house, None)] == [Unavailable()] * 3

    house.post.wait(lambda: bool(told))
    assert [slot.state for slot in told[0].slots] == ["free"]
    assert ana.ended
    reader.close()
    assert isinstance(erase(house, None), Receipt)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in files if b"Zuleica" in path.read_bytes()]
