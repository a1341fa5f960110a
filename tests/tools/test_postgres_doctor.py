"""Doctor on PostgreSQL finds every damage that was planted, and what keeps a server from being trusted."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from agenda.engine.ports import StoreUnavailable
from agenda.storage import postgres_doctor
from agenda.storage.diagnosis import Patient
from agenda.storage.errors import StoreEmpty, StoreNewer
from agenda.storage.looking import looking
from agenda.storage.postgres_doctor import Server, clock_difference, weaknesses
from agenda.storage.verify import verify_audit
from agenda.texts import LANGUAGES, texts
from tests.postgres import server

from .conftest import NOW, Database

FUTURE = f"starts > to_timestamp({int(NOW.timestamp()) + 24 * 3600})"
ONE_CLAIM = f"(SELECT booking FROM claim WHERE {FUTURE} ORDER BY booking LIMIT 1)"
ONE_BOOKING = f"(SELECT id FROM booking WHERE status = 'booked' AND {FUTURE} ORDER BY id LIMIT 1)"
NOBODY = "'00000000-0000-0000-0000-000000000000'"

ROWS = {
    "claim_without_booking": (f"UPDATE booking SET status = 'cancelled' WHERE id = {ONE_CLAIM}",),
    "claim_elsewhere": (f"UPDATE claim SET seat = 5 WHERE booking = {ONE_CLAIM}",),
    "booking_without_claim": (f"DELETE FROM claim WHERE booking = {ONE_CLAIM}",),
    "booking_without_owner": (f"UPDATE booking SET service = {NOBODY} WHERE id = {ONE_BOOKING}",),
    "request_without_user": (f'UPDATE request SET "user" = {NOBODY}',),
    "wall_time_moved": (f"UPDATE booking SET wall = '2027-01-01T03:00' WHERE id = {ONE_BOOKING}",),
    "zone_unknown": (f"UPDATE booking SET zone = 'Atlantis/Center' WHERE id = {ONE_BOOKING}",),
    "business_zone_unknown": ("UPDATE business SET timezone = 'Atlantis/Center'",),
    "audit_changed": ("UPDATE audit SET outcome = 'slot_taken' WHERE seq = 100",),
    "audit_broken": ("UPDATE audit SET at = at + interval '1 second' WHERE seq = 100",),
    "audit_blank": (
        'UPDATE audit SET "user" = NULL, action = NULL, detail = NULL, salt = NULL WHERE seq = 100',
    ),
    "audit_truncated": ("DELETE FROM audit WHERE seq > 100",),
    "sequence_behind": ("SELECT setval('writer_number', 1, false)",),
    "table_missing": ("ALTER TABLE claim RENAME TO claims",),
}  # fmt: skip
RULES = {
    "claim_no_overlap": ("ALTER TABLE claim DROP CONSTRAINT claim_no_overlap",),
    "claim_no_update": ("ALTER TABLE claim DISABLE TRIGGER claim_no_update",),
    "all_or_nothing": ("DROP FUNCTION all_or_nothing(int8, int8, text)",),
    "booking_id": ("ALTER TABLE booking DROP CONSTRAINT booking_id",),
    "request_key": ("ALTER TABLE request DROP CONSTRAINT request_key",),
    "session_user_exists": ("ALTER TABLE session DROP CONSTRAINT session_user_exists",),
}
OVERLAP = "EXCLUDE USING gist (resource WITH =, seat WITH =, tstzrange(starts, ends) WITH &&)"
LAME = {
    "only some seats are looked at": (
        "ALTER TABLE claim DROP CONSTRAINT claim_no_overlap",
        f"ALTER TABLE claim ADD CONSTRAINT claim_no_overlap {OVERLAP} WHERE (seat > 0)",
    ),
    "an index that was not finished": (
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'claim_no_overlap'::regclass",
    ),
    "a trigger that refuses nothing": (
        "CREATE OR REPLACE FUNCTION claim_no_update() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
    ),
    "a count that lets all pass": (
        "ALTER FUNCTION all_or_nothing RENAME TO something",
        "CREATE FUNCTION all_or_nothing(int8, int8, text) RETURNS void LANGUAGE sql AS ''",
    ),
}
SOUND = Server(
    {
        "server_version_num": "150004",
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "synchronous_standby_names": "",
        "max_connections": "100",
        "superuser_reserved_connections": "3",
        "max_locks_per_transaction": "64",
        "max_prepared_transactions": "0",
    },
    standbys=0,
    clients=30,
)


def told(server: Server) -> dict[str, dict[str, Any]]:
    return {finding.code: finding.facts for finding in weaknesses(server)}


def test_a_healthy_database_has_no_findings(database: Database) -> None:
    assert database.codes() == set()


@pytest.mark.parametrize("code", ROWS)
def test_a_planted_damage_is_found_under_its_code_alone(database: Database, code: str) -> None:
    database.damage(*ROWS[code])
    assert database.codes() == {code}


def test_claims_that_overlap_are_found_once_nothing_refuses_them(database: Database) -> None:
    database.damage(*RULES["claim_no_overlap"], "UPDATE claim SET ends = ends + interval '7 days'")
    assert database.codes() == {"rule_missing", "claims_overlap"}


@pytest.mark.parametrize("name", RULES)
def test_a_rule_that_is_gone_or_switched_off_is_named(database: Database, name: str) -> None:
    database.sql("; ".join(RULES[name]))
    assert [finding.facts["name"] for finding in database.findings()] == [name]


@pytest.mark.parametrize("how", LAME)
def test_a_rule_that_only_has_the_name_is_found(database: Database, how: str) -> None:
    database.sql("; ".join(LAME[how]))
    assert database.codes() == {"rule_missing"}


def test_a_missing_index_is_no_hurry(database: Database) -> None:
    database.sql("DROP INDEX booking_user_starts")
    assert [(f.code, f.urgent, f.facts) for f in database.findings()] == [
        ("index_missing", False, {"name": "booking_user_starts"})
    ]


def test_an_empty_database_is_no_agenda(empty: Database) -> None:
    with pytest.raises(StoreEmpty):
        empty.findings()


def test_a_database_that_serves_only_later_programs_is_refused(database: Database) -> None:
    database.sql("UPDATE meta SET value = '99.0' WHERE name = 'serves'")
    with pytest.raises(StoreNewer):
        database.findings()


def test_a_database_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(StoreUnavailable), looking(Path(), server().url_of("nowhere")):
        pass


def test_commits_that_do_not_wait_for_the_disk_are_found(database: Database) -> None:
    database.sql(f"ALTER DATABASE {database.name} SET synchronous_commit = off")
    assert [(f.code, f.facts) for f in database.findings()] == [("not_durable", {"name": "synchronous_commit"})]


def test_a_transaction_that_was_left_open_is_found(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_doctor, "IDLE_SECONDS", 0)
    with psycopg.connect(database.url, application_name="somebody") as idle:
        idle.execute("SELECT 1")
        [finding] = database.findings()
    assert (finding.code, finding.facts["name"]) == ("transaction_left_open", "somebody")


def test_time_zone_data_that_do_not_agree_are_found(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    class Other(ZoneInfo):
        """São Paulo, had it kept its summer time."""

        def utcoffset(self, moment: Any) -> timedelta:
            return timedelta(hours=-2)

    monkeypatch.setattr(postgres_doctor, "ZoneInfo", Other)
    [finding] = database.findings()
    assert (finding.code, finding.facts) == (
        "zone_rules_differ",
        {"zone": "America/Sao_Paulo", "day": "2026-11-23"},
    )


def test_a_question_that_takes_too_long_ends_the_examination(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_doctor, "_SERVER", "SELECT pg_sleep(60)")
    with looking(Path(), database.url) as connection:
        connection.run("SET statement_timeout = 10")
        found = list(postgres_doctor.examine_postgres(Patient("", connection, NOW)))
    assert "examination_too_long" in {finding.code for finding in found}


def test_a_sound_server_has_no_weaknesses() -> None:
    assert told(SOUND) == {}


@pytest.mark.parametrize(
    ("settings", "code", "facts"),
    [
        ({"server_version_num": "140011"}, "server_old", {"version": 14, "needed": 15}),
        ({"fsync": "off"}, "not_durable", {"name": "fsync"}),
        ({"full_page_writes": "off"}, "not_durable", {"name": "full_page_writes"}),
        ({"synchronous_commit": "off"}, "not_durable", {"name": "synchronous_commit"}),
        ({"max_connections": "40"}, "few_connections", {"free": 7, "needed": 10}),
        ({"max_connections": "20"}, "few_connections", {"free": 0, "needed": 10}),
        ({"max_locks_per_transaction": "10"}, "few_locks", {"locks": 1000, "needed": 4000}),
    ],
)
def test_a_weakness_is_told_with_its_facts(settings: dict[str, str], code: str, facts: dict[str, Any]) -> None:
    assert told(replace(SOUND, settings=SOUND.settings | settings))[code] == facts


@pytest.mark.parametrize(
    ("settings", "behind"),
    [
        ({}, True),
        ({"synchronous_standby_names": "FIRST 1 (b)", "synchronous_commit": "local"}, True),
        ({"synchronous_standby_names": "FIRST 1 (b)"}, False),
    ],
)
def test_standbys_for_which_no_commit_waits_are_a_hint(settings: dict[str, str], *, behind: bool) -> None:
    server = replace(SOUND, settings=SOUND.settings | settings, standbys=1)
    assert ("standby_behind" in told(server)) == behind


@pytest.mark.parametrize(("ahead", "difference"), [(60, 59.0), (-60, -60.0), (0, 0.0), (1, 0.0)])
def test_clocks_are_compared_as_well_as_a_question_s_time_allows(ahead: int, difference: float) -> None:
    after = NOW + timedelta(seconds=1)
    assert clock_difference(NOW, NOW.timestamp() + ahead, after) == difference


def test_a_clock_that_is_minutes_off_is_found(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_doctor, "utc_now", lambda: NOW - timedelta(days=365))
    assert database.codes() == {"clocks_differ"}


def test_kept_heads_find_what_was_cut_off(database: Database) -> None:
    with looking(Path(), database.url) as connection:
        kept = verify_audit(connection).heads
    database.damage("DELETE FROM audit", "DELETE FROM writer")
    with looking(Path(), database.url) as connection:
        assert [fault.kind for fault in verify_audit(connection, kept).faults] == ["truncated"]


def test_examining_disturbs_nobody_who_writes(database: Database) -> None:
    """Rows come all the time; each question sees one moment, in which all is well."""
    done, written = Event(), []

    def write() -> None:
        with psycopg.connect(database.url, autocommit=True) as connection:
            while not done.is_set():
                connection.execute("UPDATE booking SET note = 'x' WHERE number = 1")
                written.append(1)

    writer = Thread(target=write)
    writer.start()
    try:
        codes = database.codes()
    finally:
        done.set()
        writer.join()
    assert (codes, bool(written)) == (set(), True)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_finding_has_a_sentence(database: Database, language: str) -> None:
    database.damage(*RULES["claim_no_overlap"], *ROWS["sequence_behind"], "DROP INDEX booking_user_starts")
    weak = replace(SOUND, settings=SOUND.settings | {"fsync": "off", "server_version_num": "130000"}, standbys=2)
    cramped = replace(SOUND, settings=SOUND.settings | {"max_connections": "20"})
    found = [*database.findings(), *weaknesses(weak), *weaknesses(cramped)]
    assert all(texts(language)(f"cli.doctor.{finding.code}", **finding.facts) for finding in found)
