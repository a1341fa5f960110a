"""What holds for all that is shipped: YAML and scripts pass their linters, and the one that keeps the log keeps it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.shipped import DEPLOY

SCRIPTS = sorted(DEPLOY.rglob("*.sh"))


def test_all_yaml_passes_yamllint() -> None:
    command = [
        sys.executable,
        "-m",
        "yamllint",
        "--strict",
        "--config-file",
        str(DEPLOY / "yamllint.yaml"),
        str(DEPLOY),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: str(path.name))
def test_a_script_passes_shellcheck(script: Path) -> None:
    done = subprocess.run(["shellcheck", str(script)], capture_output=True, text=True, check=False)
    assert done.stdout == ""


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: str(path.name))
def test_a_script_can_be_started(script: Path) -> None:
    assert script.stat().st_mode & 0o111 == 0o111


def archive(kept: Path, file: Path) -> int:
    script = DEPLOY / "container" / "archive-wal.sh"
    environment = {"AGENDA_WAL_ARCHIVE": str(kept), "PATH": "/usr/bin:/bin"}
    return subprocess.run([str(script), str(file), file.name], env=environment, check=False).returncode


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """An archive that holds the file `old`."""
    folder = tmp_path / "kept"
    folder.mkdir()
    (folder / "old").write_text("as it was")
    return folder


def test_a_finished_file_of_the_log_is_kept(kept: Path, tmp_path: Path) -> None:
    (tmp_path / "new").write_text("bookings")
    assert archive(kept, tmp_path / "new") == 0
    assert sorted((path.name, path.read_text()) for path in kept.iterdir()) == [
        ("new", "bookings"),
        ("old", "as it was"),
    ]


def test_a_file_that_was_kept_before_is_kept(kept: Path, tmp_path: Path) -> None:
    (tmp_path / "old").write_text("as it was")
    assert archive(kept, tmp_path / "old") == 0


def test_a_file_that_was_kept_is_never_replaced_by_another(kept: Path, tmp_path: Path) -> None:
    (tmp_path / "old").write_text("another history")
    assert archive(kept, tmp_path / "old") != 0
    assert (kept / "old").read_text() == "as it was"


def test_an_archive_that_is_away_is_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "new").write_text("bookings")
    assert archive(tmp_path / "away", tmp_path / "new") != 0
