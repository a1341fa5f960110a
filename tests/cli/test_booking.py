"""Slots, book, bookings, move, cancel: what they do, say and write as JSON."""

from datetime import date, timedelta

import pytest

from tests.protocol.server import Server

from .conftest import PASSWORD, Shell

BOOKING = {"id", "code", "resource", "service", "start", "end", "status", "user", "created"}


def test_the_slots_of_a_day_are_a_table(maria: Shell, day: str) -> None:
    table = maria("slots", day)
    assert table.count("○ free") == 12
    assert "08:00–09:00" in table


def test_the_slots_of_a_day_are_a_document(maria: Shell, day: str) -> None:
    document = maria.document("slots", day)
    assert set(document) == {"day", "timezone", "version", "slots"}
    assert (document["day"], len(document["slots"])) == (day, 12)
    assert set(document["slots"][0]) == {"resource", "service", "start", "end", "state"}


def test_only_free_slots_are_shown_on_request(maria: Shell, day: str) -> None:
    maria("book", day, "10:00")
    states = {slot["state"] for slot in maria.document("slots", day, "--free")["slots"]}
    assert states == {"free"}


def test_a_booking_is_told_with_its_code(maria: Shell, day: str) -> None:
    told = maria("book", day, "10:00")
    [booking] = maria.document("bookings")["bookings"]
    assert "10:00" in told
    assert booking["code"] in told


def test_a_booking_is_the_protocol_s_document(maria: Shell, day: str, server: Server) -> None:
    booking = maria.document("book", day, "10:00", "--note", "first visit")
    assert set(booking) == BOOKING | {"note"}
    assert booking["start"] == server.at(day, 10)


def test_a_taken_slot_is_refused_with_a_sentence(maria: Shell, day: str) -> None:
    maria("book", day, "10:00")
    refused = maria.run("book", day, "10:00")
    assert (refused.status, refused.out) == (1, "")
    assert "already booked" in refused.err


def test_a_refusal_is_a_document_with_its_code_and_facts(maria: Shell, day: str, server: Server) -> None:
    maria("book", day, "10:00")
    refused = maria.run("book", day, "10:00", "--json")
    error = refused.document["error"]
    assert (refused.status, refused.err) == (1, "")
    assert (error["code"], error["start"]) == ("slot_taken", server.at(day, 10))
    assert error["message"]


def test_the_same_request_books_once(maria: Shell, day: str) -> None:
    booked = [maria.document("book", day, "10:00", "--request", "r1") for _ in range(2)]
    assert booked[0] == booked[1]
    assert len(maria.document("bookings")["bookings"]) == 1


def test_one_s_bookings_are_a_table(maria: Shell, day: str) -> None:
    maria("book", day, "10:00", "--note", "bring [papers]")
    table = maria("bookings")
    assert "booked" in table
    assert "bring [papers]" in table


def test_a_column_in_which_nothing_stands_is_left_out(maria: Shell, day: str) -> None:
    maria("book", day, "10:00")
    assert "Note" not in maria("bookings")
    maria("book", day, "11:00", "--note", "by phone")
    assert "Note" in maria("bookings")


def test_bookings_are_listed_by_status(maria: Shell, day: str) -> None:
    maria("book", day, "10:00")
    code = maria.document("book", day, "11:00")["code"]
    maria("cancel", code)
    listed = maria.document("bookings", "--status", "cancelled")["bookings"]
    assert [booking["code"] for booking in listed] == [code]


def test_a_booking_moves_by_its_code_however_it_is_written(maria: Shell, day: str, server: Server) -> None:
    booking = maria.document("book", day, "10:00")
    spoken = booking["code"].replace("-", "").lower()
    moved = maria.document("move", spoken, day, "15:00")
    assert (moved["id"], moved["start"]) == (booking["id"], server.at(day, 15))


def test_a_booking_moves_by_its_id(maria: Shell, day: str) -> None:
    booking = maria.document("book", day, "10:00")
    assert "15:00" in maria("move", booking["id"], day, "15:00")


def test_a_cancelled_booking_s_slot_is_free_again(maria: Shell, day: str) -> None:
    code = maria.document("book", day, "10:00")["code"]
    cancelled = maria.document("cancel", code)
    assert cancelled["status"] == "cancelled"
    assert {slot["state"] for slot in maria.document("slots", day)["slots"]} == {"free"}


def test_nobody_s_booking_is_not_found(maria: Shell) -> None:
    refused = maria.run("cancel", "AAA-AAA", "--json")
    assert (refused.status, refused.document["error"]["code"]) == (1, "not_found")


def test_resource_and_service_are_found_by_name(maria: Shell, day: str) -> None:
    [line] = [line for line in maria("slots", day).splitlines() if "08:00–09:00" in line]
    name = line.split("free")[1].strip()
    assert maria.document("book", day, "10:00", "--resource", name.upper())["status"] == "booked"


@pytest.mark.parametrize(("said", "wall"), [("9", 9), ("9h", 9), ("14h00", 14), ("3pm", 15), ("16:00", 16)])
def test_a_time_is_understood_as_people_say_it(maria: Shell, day: str, server: Server, said: str, wall: int) -> None:
    assert maria.document("book", day, said)["start"] == server.at(day, wall)


@pytest.mark.parametrize("said", ["tomorrow", "amanhã", "AMANHA", "+1"])
def test_tomorrow_is_understood_in_both_languages(maria: Shell, server: Server, said: str) -> None:
    before = server.today()
    shown = date.fromisoformat(maria.document("slots", said)["day"])
    assert before <= shown - timedelta(days=1) <= server.today()


def test_a_password_signs_in_for_one_command(maria: Shell, day: str) -> None:
    maria("logout")
    assert maria.run("bookings").status != 0
    assert maria("bookings", AGENDA_PASSWORD=PASSWORD) == "You have no bookings.\n"


def test_a_password_comes_by_standard_input(maria: Shell) -> None:
    maria("logout")
    assert maria.run("bookings", "--password-stdin", typed=f"{PASSWORD}\n").status == 0


def test_a_wrong_password_is_refused(maria: Shell) -> None:
    refused = maria.run("bookings", "--json", AGENDA_PASSWORD="wrong")
    assert (refused.status, refused.document["error"]["code"]) == (1, "bad_credentials")
