"""What is remembered, and that a damaged file costs nothing but the memory."""

import stat
import sys
from pathlib import Path

import pytest

from agenda.desktop.preferences import Preferences, default_path, load, save


def test_what_was_saved_is_there_again(tmp_path: Path) -> None:
    kept = Preferences("example.org:9000", "Ana", "en", "dark", 1.5, "1024x700")
    save(tmp_path / "new" / "desktop.json", kept)
    assert load(tmp_path / "new" / "desktop.json") == kept


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "7", '{"zoom": "big", "palette": 3}', '{"zoom": 400.0, "palette": "pink", "language": "xx"}', "\0"],
)
def test_a_damaged_file_is_as_none(tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "pt_BR.UTF-8")
    (tmp_path / "desktop.json").write_text(text)
    assert load(tmp_path / "desktop.json") == Preferences()


def test_unknown_fields_are_ignored_and_the_rest_is_kept(tmp_path: Path) -> None:
    (tmp_path / "desktop.json").write_text('{"user": "Ana", "password": "x", "colour": 1}')
    assert load(tmp_path / "desktop.json").user == "Ana"


@pytest.mark.skipif(sys.platform == "win32", reason="file modes are POSIX's")
def test_nobody_else_may_read_the_file(tmp_path: Path) -> None:
    save(tmp_path / "desktop.json", Preferences())
    assert stat.S_IMODE((tmp_path / "desktop.json").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["desktop.json"]


def test_a_folder_that_cannot_be_written_is_no_reason_to_stop(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    save(tmp_path / "file" / "desktop.json", Preferences())
    assert (tmp_path / "file").read_text() == ""


def test_another_folder_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENDA_CONFIG", str(tmp_path))
    assert default_path() == tmp_path / "desktop.json"
