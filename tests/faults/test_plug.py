"""The watched disk itself: it keeps what was synced, and nothing else."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.plug import Plug

pytestmark = pytest.mark.faults

HELPERS = """
import os, sqlite3, sys
def file(name, flags=os.O_RDWR | os.O_CREAT):
    return os.open(name, flags, 0o600)
def sync_folder():
    fd = os.open(".", os.O_RDONLY); os.fsync(fd); os.close(fd)
"""


def run(plug: Plug, data: Path, program: str) -> str:
    """Run a program on the watched disk until it kills itself; what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", f"{HELPERS}\n{program}\nsys.stdout.flush()\nos.kill(os.getpid(), 9)"],
        cwd=data,
        env={**os.environ, **plug.environment()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    return done.stdout


def test_what_was_synced_survives_and_what_was_written_later_does_not(plug: Plug, data: Path) -> None:
    run(plug, data, "f = file('a'); os.write(f, b'synced'); os.fsync(f); os.write(f, b' lost')")
    assert (data / "a").read_bytes() == b"synced lost"

    plug.pull()

    assert (data / "a").read_bytes() == b"synced"


def test_a_file_that_was_never_synced_is_gone(plug: Plug, data: Path) -> None:
    run(plug, data, "os.write(file('a'), b'lost')")

    plug.pull()

    assert list(data.iterdir()) == []


def test_an_overwritten_place_has_its_synced_bytes_again(plug: Plug, data: Path) -> None:
    run(plug, data, "f = file('a'); os.pwrite(f, b'one two', 0); os.fdatasync(f); os.pwrite(f, b'ONE', 0)")

    plug.pull()

    assert (data / "a").read_bytes() == b"one two"


def test_several_places_written_since_the_last_sync_are_all_kept(plug: Plug, data: Path) -> None:
    run(
        plug,
        data,
        "f = file('a'); os.pwrite(f, b'.' * 300000, 0); os.fsync(f)\n"
        "os.pwrite(f, b'x', 200000); os.pwritev(f, [b'y', b'z'], 7)\n"
        "os.lseek(f, 9, 0); os.writev(f, [b'w']); os.fsync(f)",
    )

    plug.pull()

    kept = (data / "a").read_bytes()
    assert (len(kept), kept[7:10], kept[200000:200001], kept.count(b".")) == (300000, b"yzw", b"x", 299996)


def test_a_file_cut_without_a_sync_has_its_old_length(plug: Plug, data: Path) -> None:
    run(plug, data, "f = file('a'); os.write(f, b'12345'); os.fsync(f); os.ftruncate(f, 2)")

    plug.pull()

    assert (data / "a").read_bytes() == b"12345"


def test_a_file_cut_and_synced_has_its_new_length(plug: Plug, data: Path) -> None:
    run(
        plug,
        data,
        "f = file('a'); os.write(f, b'12345'); os.fsync(f)\nos.ftruncate(f, 2); os.ftruncate(f, 4); os.fsync(f)",
    )

    plug.pull()

    assert (data / "a").read_bytes() == b"12\0\0"


def test_a_rename_happens_with_the_sync_of_its_folder(plug: Plug, data: Path) -> None:
    program = "for n in 'ab':\n f = file(n); os.write(f, n.encode()); os.fsync(f)\nos.replace('b', 'a')\n"
    run(plug, data, program)
    plug.pull()
    assert ((data / "a").read_bytes(), (data / "b").read_bytes()) == (b"a", b"b")

    run(plug, data, "os.replace('b', 'a'); sync_folder()")
    plug.pull()

    assert [(path.name, path.read_bytes()) for path in data.iterdir()] == [("a", b"b")]


def test_a_renamed_file_that_was_not_synced_itself_is_empty(plug: Plug, data: Path) -> None:
    run(plug, data, "os.write(file('new'), b'content'); os.replace('new', 'a'); sync_folder()")

    plug.pull()

    assert (data / "a").read_bytes() == b""


def test_an_unlinked_file_comes_back_unless_its_folder_was_synced(plug: Plug, data: Path) -> None:
    (data / "a").write_bytes(b"was there")
    run(plug, data, "os.unlink('a')")
    plug.pull()
    assert (data / "a").read_bytes() == b"was there"

    run(plug, data, "os.unlink('a'); sync_folder()")
    plug.pull()

    assert list(data.iterdir()) == []


def test_folders_within_are_watched_too(plug: Plug, data: Path) -> None:
    run(
        plug,
        data,
        "os.makedirs('x/y'); f = file('x/y/a'); os.write(f, b'1'); os.fsync(f); os.write(file('x/b'), b'2')",
    )

    plug.pull()

    assert [str(path.relative_to(data)) for path in data.rglob("*") if path.is_file()] == ["x/y/a"]


def test_a_broken_sync_is_reported_and_what_it_should_have_kept_is_lost_even_after_a_later_sync(
    plug: Plug, data: Path
) -> None:
    plug.break_syncs()
    said = run(
        plug,
        data,
        "f = file('a'); os.write(f, b'12')\n"
        "try: os.fsync(f)\n"
        "except OSError as error: print(error.errno)\n"
        f"os.unlink({str(plug.environment()['PLUG_BROKEN'])!r}); os.write(f, b'34'); os.fsync(f)",
    )
    assert said == "5\n"

    plug.pull()

    assert (data / "a").read_bytes() == b"\0\0" + b"34"


@pytest.mark.parametrize(("synchronous", "rows"), [("FULL", 50), ("OFF", 0)])
def test_sqlite_keeps_its_commits_only_when_it_syncs_them(plug: Plug, data: Path, synchronous: str, rows: int) -> None:
    run(
        plug,
        data,
        "d = sqlite3.connect('d', isolation_level=None); d.execute('PRAGMA journal_mode = WAL')\n"
        "d.execute('CREATE TABLE t (x)'); d.execute('PRAGMA wal_checkpoint(TRUNCATE)')\n"
        f"d.execute('PRAGMA synchronous = {synchronous}')\n"
        "for n in range(50): d.execute('INSERT INTO t VALUES (?)', (n,))",
    )

    plug.pull()

    found = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sqlite3; print(sqlite3.connect('d').execute('SELECT count(*) FROM t').fetchone()[0])",
        ],
        cwd=data,
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(found.stdout) == rows
    assert plug.syncs() > 0
