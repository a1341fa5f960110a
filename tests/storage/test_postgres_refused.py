"""A database that does not let us in, or an address that is none: why is told in both languages, and nothing more."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from agenda.cli.exits import Status
from agenda.storage import errors
from agenda.storage.postgres_address import each_host, full_address, shown
from agenda.storage.postgres_store import PostgresStore
from tests.faults.database import Breakable, ended
from tests.faults.server import environment
from tests.storage.making import catalogue

SECRET = "s3cr3t"
REFUSES = {"en": "refuses", "pt-BR": "recusa"}
NO_ADDRESS = {"en": "is not the address", "pt-BR": "não é o endereço"}
NO_ANSWER = {"en": "does not answer", "pt-BR": "não responde"}


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Breakable]:
    """A server that wants a password, with a role that may do little."""
    it = Breakable(tmp_path_factory.mktemp("strict"))
    with ended(it):
        it.start()
        it.sql(f"CREATE ROLE small LOGIN PASSWORD '{SECRET}'")
        it.sql("CREATE DATABASE closed")
        it.sql("REVOKE ALL ON SCHEMA public FROM PUBLIC", "closed")
        rules = ["host all small 127.0.0.1/32 scram-sha-256", "host all agenda 127.0.0.1/32 trust"]
        (it.data / "pg_hba.conf").write_text("\n".join(rules) + "\n", "ascii")
        it.sql("SELECT pg_reload_conf()")
        yield it


def serve(address: str, language: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "agenda", "serve", "--port", "0"],
        env=environment({"AGENDA_STORE": address, "AGENDA_LANGUAGE": language}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("language", ["en", "pt-BR"])
@pytest.mark.parametrize(
    ("address", "sentence", "words"),
    [
        ("postgresql://small:wrong-{secret}@{place}/postgres", REFUSES, "password authentication failed"),
        ("postgresql://small@{place}/postgres", REFUSES, "no password supplied"),
        ("postgresql://small:{secret}@{place}/nowhere", REFUSES, 'database "nowhere" does not exist'),
        ("postgresql://small:{secret}@{place}/closed", REFUSES, "no schema"),
        ("postgresql://small:{secret}@127.0.0.1:9/postgres", NO_ANSWER, "Connection refused"),
        ("postgresql://small:{secret}/x@{place}/postgres", NO_ADDRESS, "%40"),
        ("postgresql://small:{secret}%@{place}/postgres", NO_ADDRESS, "%25"),
        ("host=127.0.0.1 password={secret} nonsense", NO_ADDRESS, "%2F"),
    ],
)
def test_a_server_that_gets_no_database_says_why_and_shows_no_password(
    strict: Breakable, address: str, sentence: dict[str, str], words: str, language: str
) -> None:
    done = serve(address.format(secret=SECRET, place=f"127.0.0.1:{strict.port}"), language)
    assert done.returncode == Status.STORE
    assert sentence[language] in done.stderr
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert SECRET not in done.stdout + done.stderr


def test_a_role_that_may_not_create_the_extension_is_told_that(strict: Breakable) -> None:
    strict.sql("CREATE DATABASE bare")
    strict.sql(
        "UPDATE pg_database SET datacl = NULL WHERE datname = 'bare'; REVOKE CREATE ON DATABASE bare FROM PUBLIC"
    )
    strict.sql("GRANT ALL ON SCHEMA public TO small", "bare")
    with pytest.raises(errors.StoreRefused) as refused:
        PostgresStore(f"postgresql://small:{SECRET}@127.0.0.1:{strict.port}/bare", catalogue)
    assert "btree_gist" in refused.value.reason
    assert strict.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", "bare") == "0"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://ana:x@db.example/agenda", "postgresql://ana@db.example:5432/agenda"),
        ("postgresql://ana:x@one:5433,two/agenda?sslmode=require", "postgresql://ana@one:5433,two:5432/agenda"),
        ("host=one,two port=6000 dbname=agenda password=x", "postgresql://one:6000,two:6000/agenda"),
        ("postgresql:///agenda?password=x", "postgresql:///agenda"),
        ("postgresql:///agenda?port=5433", "postgresql://:5433/agenda"),
        ("postgresql:///agenda?host=/run/db", "postgresql://%2Frun%2Fdb:5432/agenda"),
        ("postgresql://ana:x@[::1]:5433/agenda", "postgresql://ana@[::1]:5433/agenda"),
        ("postgresql://ana:12/x@db.example/agenda", "postgresql"),
        ("postgresql://ana:x@x@db.example/agenda", "postgresql"),
    ],
)
def test_an_address_is_shown_without_its_secrets(url: str, told: str) -> None:
    assert shown(url) == told


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql:///agenda", "postgresql://ana@one:6000,two:6001/agenda"),
        ("postgresql:///", "postgresql://ana@one:6000,two:6001/house"),
        ("postgresql://bia@db.example:5433/agenda", "postgresql://bia@db.example:5433/agenda"),
    ],
)
def test_what_an_address_leaves_to_the_environment_is_shown_as_it_is_used(
    monkeypatch: pytest.MonkeyPatch, url: str, told: str
) -> None:
    for name, value in {"PGHOST": "one,two", "PGPORT": "6000,6001", "PGDATABASE": "house", "PGUSER": "ana"}.items():
        monkeypatch.setenv(name, value)
    assert shown(url) == told
    assert len(each_host(url)) == (0 if "example" in url else 2)


def test_an_address_that_was_shown_leads_to_the_same_place() -> None:
    for url in ("postgresql://:5433/agenda", "postgresql://%2Frun%2Fdb:5432/agenda", "postgresql://ana@[::1]:1/a"):
        assert shown(shown(url)) == url


def test_what_an_address_leaves_open_is_ours_and_what_it_says_is_its_own() -> None:
    full = full_address("postgresql://db.example/agenda?connect_timeout=9")
    assert "connect_timeout=9" in full
    assert "target_session_attrs=read-write" in full


def test_an_address_of_several_hosts_is_taken_apart() -> None:
    one, two = each_host("postgresql://ana:x@one:5433,two:5434/agenda")
    assert (shown(one), shown(two)) == ("postgresql://ana@one:5433/agenda", "postgresql://ana@two:5434/agenda")
    assert "password=x" in one


def test_an_address_of_one_host_has_no_other() -> None:
    assert each_host("postgresql://ana:x@one/agenda") == []
