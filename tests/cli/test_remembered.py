"""Which of the sessions that are remembered a command goes on with, and files that somebody has damaged."""

from pathlib import Path

import pytest

from agenda.cli import remembered


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(remembered, "folder", lambda: tmp_path)
    return tmp_path


def test_of_sessions_of_several_users_none_is_guessed() -> None:
    remembered.remember("a:1", "one", "token of one")
    remembered.remember("a:1,b:1", "two", "token of two")
    assert remembered.session("a:1,b:1,c:1", None) is None


def test_the_session_of_exactly_these_servers_goes_before_all_others() -> None:
    remembered.remember("a:1", "one", "token of one")
    remembered.remember("a:1,b:1", "two", "token of two")
    kept = remembered.session("a:1", None)
    assert kept is not None
    assert kept.token == "token of one"


def test_of_one_users_sessions_the_one_that_is_good_at_most_servers_is_taken() -> None:
    remembered.remember("a:1", "one", "narrow")
    remembered.remember("a:1,b:1", "one", "wide")
    kept = remembered.session("a:1,b:1,c:1", "one")
    assert kept is not None
    assert (kept.token, kept.servers) == ("wide", frozenset({"a:1", "b:1"}))


@pytest.mark.parametrize("text", ["", "[]", '{"a:1": 1}', '{"a:1": {"at": null}}', '{"a:1": {"at": "noon"}}'])
def test_a_damaged_file_is_as_good_as_none(folder: Path, text: str) -> None:
    (folder / "servers.json").write_text(text)
    (folder / "sessions.json").write_text(text)
    assert remembered.worked_lately("a:1") is None
    remembered.remember("a:1", "one", "token")
    assert remembered.session("a:1", "one") is not None
