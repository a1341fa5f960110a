"""The demonstration: exactly one of many gets the slot, and nothing of it is left."""

from agenda.cli.race import Finish
from agenda.prove.ports import free_port
from tests.protocol.server import Server

from .conftest import Shell


def test_exactly_one_of_many_wins_at_a_running_server(maria: Shell) -> None:
    shown = maria.document("demo", "--clients", "16")
    codes = sorted(client["code"] for client in shown["clients"])
    assert codes == ["booked"] + ["slot_taken"] * 15
    assert (shown["exactly_one"], shown["bookings"]) == (True, 1)
    assert shown["winner"] in {client["user"] for client in shown["clients"]}


def test_the_race_is_told_line_by_line(maria: Shell) -> None:
    told = maria("demo")
    assert told.count("✓") == 1
    assert told.count("✕") == 1
    assert "already booked" in told
    assert "Exactly one won" in told


def test_nothing_of_it_is_left(maria: Shell, server: Server) -> None:
    slot = maria.document("demo")["slot"]
    day = slot["start"][:10]
    states = {found["start"]: found["state"] for found in maria.document("slots", day)["slots"]}
    assert states[slot["start"]] == "free"
    again = maria.document("demo")
    assert {client["user"] for client in again["clients"]} == {"user1", "user2"}


def test_somebody_s_own_account_is_left_alone(maria: Shell) -> None:
    maria("login", "--user", "user1", "--create", AGENDA_PASSWORD="mine")
    names = {client["user"] for client in maria.document("demo")["clients"]}
    assert "user2" in names
    assert "user1" not in names
    maria("erase", "--user", "user1", "--yes", AGENDA_PASSWORD="mine")


def test_without_a_server_it_starts_one_of_its_own(shell: Shell) -> None:
    told = shell("demo", "--server", f"127.0.0.1:{free_port()}", AGENDA_TLS_CERT="mine.pem", AGENDA_HOST="192.0.2.1")
    assert "one of my own" in told
    assert "Exactly one won" in told


def test_two_winners_would_be_told_and_be_a_failure(shell: Shell) -> None:
    from agenda.cli.demo import judge

    won, lost = Finish("a", "booked", "", 1.0), Finish("b", "slot_taken", "", 1.0)
    assert judge([won, lost], bookings=1)
    assert not judge([won, won], bookings=2)
    assert not judge([won, won], bookings=1)
    assert not judge([won, lost], bookings=2)
    assert not judge([lost, lost], bookings=0)
    assert not judge([won, Finish("b", "disconnected", "", 1.0)], bookings=1)
