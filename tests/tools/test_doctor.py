"""Doctor finds every damage that was planted, and nothing in a healthy folder."""

import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from agenda.storage.doctor import examine
from agenda.texts import LANGUAGES, texts

from .conftest import NOW, Folder

FUTURE = f"starts > {int(NOW.timestamp()) + 24 * 3600}"
ONE_CLAIM = f"(SELECT booking FROM claim WHERE {FUTURE} ORDER BY booking LIMIT 1)"
ONE_BOOKING = f"(SELECT id FROM booking WHERE status = 'booked' AND {FUTURE} ORDER BY id LIMIT 1)"

DAMAGES = {
    "claims_overlap": (
        "UPDATE claim SET ends = ends + 7 * 86400 WHERE booking = (SELECT booking FROM claim ORDER BY starts LIMIT 1)",
    ),
    "claim_without_booking": (f"UPDATE booking SET status = 'cancelled' WHERE id = {ONE_CLAIM}",),
    "claim_elsewhere": (f"UPDATE claim SET seat = 5 WHERE booking = {ONE_CLAIM}",),
    "booking_without_claim": (f"DELETE FROM claim WHERE booking = {ONE_CLAIM}",),
    "booking_without_owner": (f"UPDATE booking SET resource = zeroblob(16) WHERE id = {ONE_BOOKING}",),
    "request_without_user": ("UPDATE request SET user = zeroblob(16)",),
    "wall_time_moved": (f"UPDATE booking SET wall = '2027-01-01T03:00' WHERE id = {ONE_BOOKING}",),
    "zone_unknown": (f"UPDATE booking SET zone = 'Atlantis/Center' WHERE id = {ONE_BOOKING}",),
    "business_zone_unknown": ("UPDATE business SET timezone = 'Atlantis/Center'",),
    "audit_changed": ("UPDATE audit SET outcome = 'slot_taken' WHERE seq = 100",),
    "audit_broken": ("UPDATE audit SET at = at + 1 WHERE seq = 100",),
    "audit_gap": ("DELETE FROM audit WHERE seq = 100",),
    "audit_blank": ("UPDATE audit SET user = NULL, action = NULL, detail = NULL, salt = NULL WHERE seq = 100",),
    "audit_truncated": ("DELETE FROM audit WHERE seq > 100",),
    "reference_broken": ("INSERT INTO session (token_hash, user, language, at) VALUES (x'00', zeroblob(16), 'en', 0)",),
    "database_newer": ("UPDATE alembic_version SET version_num = '9999'",),
    "table_missing": ("ALTER TABLE claim RENAME TO claims",),
}


def test_a_healthy_folder_has_no_findings(folder: Folder) -> None:
    assert [finding for finding in folder.findings() if finding.urgent] == []


@pytest.mark.parametrize("code", DAMAGES)
def test_a_planted_damage_is_found_under_its_code(folder: Folder, code: str) -> None:
    folder.damage(*DAMAGES[code])
    assert code in folder.codes()


@pytest.mark.parametrize("code", sorted(set(DAMAGES) - {"audit_truncated", "table_missing"}))
def test_a_damage_in_one_place_is_not_taken_for_one_in_another(folder: Folder, code: str) -> None:
    folder.damage(*DAMAGES[code])
    # What follows a gap does not fit what stands before it, and a resource that does not exist is another place.
    also = {"audit_gap": {"audit_broken"}, "booking_without_owner": {"claim_elsewhere"}}
    assert folder.codes() - {code} <= also.get(code, set())


def test_a_dropped_trigger_is_found(folder: Folder) -> None:
    folder.damage()
    assert [f.facts["name"] for f in folder.findings() if f.code == "trigger_missing"] == [
        "claim_no_overlap",
        "claim_no_update",
    ]


def test_a_torn_page_is_found(folder: Folder) -> None:
    with folder.database.open("r+b") as file:
        file.seek(5 * 4096)
        file.write(os.urandom(4096))
    assert folder.codes() & {"database_damaged", "database_unreadable"}


def test_a_file_that_is_no_database_is_found(folder: Folder) -> None:
    folder.database.write_bytes(b"not a database" * 1000)
    folder.database.chmod(0o600)
    assert folder.codes() == {"database_unreadable"}


def test_a_missing_database_is_found(folder: Folder) -> None:
    folder.database.unlink()
    assert folder.codes() == {"database_missing"}


@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
def test_a_file_that_others_can_read_is_found(folder: Folder) -> None:
    folder.database.chmod(0o644)
    [finding] = [f for f in folder.findings() if f.code == "file_mode"]
    assert finding.facts == {"path": str(folder.database), "mode": "0644"}


def test_a_disk_that_is_nearly_full_is_found(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    full = shutil.disk_usage(folder.path)._replace(free=10 * 2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: full)
    assert "disk_space" in {finding.code for finding in folder.findings()}


def test_old_time_zone_data_is_found(folder: Folder) -> None:
    later = NOW + timedelta(days=365 * 20)
    assert "zone_data_old" in {finding.code for finding in examine(folder.path, folder.database, later)}


def test_past_bookings_need_no_claim(folder: Folder) -> None:
    folder.damage("DELETE FROM claim")
    later = NOW + timedelta(days=365 * 20)
    codes = {finding.code for finding in examine(folder.path, folder.database, later)}
    assert "booking_without_claim" not in codes


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", DAMAGES)
def test_a_finding_has_a_sentence_for_its_facts(folder: Folder, code: str, language: str) -> None:
    folder.damage(*DAMAGES[code])
    told = [texts(language)(f"cli.doctor.{f.code}", **f.facts) for f in folder.findings()]
    assert all(told)


def test_examining_changes_nothing(folder: Folder, tmp_path: Path) -> None:
    before = folder.database.read_bytes()
    folder.findings()
    assert folder.database.read_bytes() == before
