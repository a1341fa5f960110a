"""Log, export, erase, login and logout."""

import json
import re
import stat
from pathlib import Path

from agenda.cli.exits import Status

from .conftest import PASSWORD, Shell


def test_the_log_tells_what_one_tried_newest_first(maria: Shell, day: str) -> None:
    maria("book", day, "10:00")
    maria.run("book", day, "10:00")
    entries = maria.document("log", "--limit", "2")["entries"]
    assert [entry["outcome"] for entry in entries] == ["slot_taken", "ok"]
    assert {entry["action"] for entry in entries} == {"booking.create"}


def test_the_log_goes_on_where_a_page_ended(maria: Shell, day: str) -> None:
    maria("book", day, "10:00")
    first = maria.document("log", "--limit", "1")
    second = maria.document("log", "--limit", "1", "--before", first["before"])
    assert first["entries"] != second["entries"]


def test_the_log_is_a_table(maria: Shell, day: str) -> None:
    maria("book", day, "10:00")
    maria.run("book", day, "10:00")
    assert re.search(r"Booking +Slot was taken .* 10:00", maria("log"))
    assert re.search(r"Reserva .* 10:00", maria("log", "--language", "pt-BR"))


def test_an_export_goes_to_standard_output(maria: Shell, day: str) -> None:
    code = maria.document("book", day, "10:00")["code"]
    assert code in json.dumps(json.loads(maria("export")))


def test_an_export_goes_to_a_file_for_its_owner_alone(maria: Shell, tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    maria("export", "--output", str(file))
    assert json.loads(file.read_text("utf-8"))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_an_export_into_nowhere_is_an_error(maria: Shell, tmp_path: Path) -> None:
    failed = maria.run("export", "--output", str(tmp_path / "no" / "mine.json"))
    assert failed.status == 2
    assert "could not be written" in failed.err


def test_an_erased_user_gets_a_receipt_and_is_gone(maria: Shell, day: str) -> None:
    maria("book", day, "10:00")
    receipt = maria.document("erase", "--yes", AGENDA_PASSWORD=PASSWORD)["receipt"]
    assert receipt
    gone = maria.run("bookings", "--json", AGENDA_PASSWORD=PASSWORD)
    assert gone.document["error"]["code"] == "bad_credentials"


def test_a_receipt_is_given_again_to_the_same_request(maria: Shell) -> None:
    line = ("erase", "--yes", "--request", "goodbye")
    first, again = (maria.document(*line, AGENDA_PASSWORD=PASSWORD) for _ in range(2))
    assert first == again


def test_another_request_of_who_is_gone_is_refused(maria: Shell) -> None:
    maria("erase", "--yes", "--request", "goodbye", AGENDA_PASSWORD=PASSWORD)
    refused = maria.run("erase", "--yes", "--request", "another", "--json", AGENDA_PASSWORD=PASSWORD)
    assert (refused.status, refused.document["error"]["code"]) == (1, "bad_credentials")


def test_nothing_is_erased_without_a_confirmation(maria: Shell, day: str) -> None:
    maria("book", day, "10:00")
    assert maria.run("erase", AGENDA_PASSWORD=PASSWORD).status == 2
    assert len(maria.document("bookings")["bookings"]) == 1


def test_a_session_is_remembered_for_its_owner_alone(maria: Shell) -> None:
    [file] = Path(maria.environment["XDG_STATE_HOME"]).rglob("sessions.json")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert PASSWORD not in file.read_text("utf-8")


def test_after_logging_out_nobody_is_signed_in(maria: Shell) -> None:
    [file] = Path(maria.environment["XDG_STATE_HOME"]).rglob("sessions.json")
    kept = file.read_text("utf-8")
    maria("logout")
    file.write_text(kept, "utf-8")  # the server has forgotten the token too
    refused = maria.run("bookings")
    assert (refused.status, "Your session has ended" in refused.err) == (Status.REFUSED, True)


def test_a_password_never_stands_in_a_document(maria: Shell) -> None:
    document = maria("login", "--json", AGENDA_PASSWORD=PASSWORD)
    assert PASSWORD not in document
    assert "token" not in document
