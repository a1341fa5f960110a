"""The data folder: one server at a time, and nobody else's business."""

import os
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agenda.storage.errors import FolderInUse
from agenda.storage.folder import LOCK, DataFolder
from agenda.storage.store import SqliteStore
from tests.storage.conftest import open_sqlite

HOLDER = """
import sys
from pathlib import Path
from agenda.storage.folder import DataFolder
DataFolder.take(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_server_is_told_who_has_the_folder(sqlite: SqliteStore, folder: Path) -> None:
    with pytest.raises(FolderInUse) as refused:
        open_sqlite(folder)
    holder = refused.value
    assert (holder.path, holder.pid, holder.host) == (folder, os.getpid(), socket.gethostname())
    assert holder.since is not None
    assert datetime.now(UTC) - holder.since < timedelta(hours=1)


def test_another_process_is_told_apart(folder: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(FolderInUse) as refused:
            DataFolder.take(folder)
        assert refused.value.pid == holder.pid
        holder.kill()
    DataFolder.take(folder).release()


def test_a_folder_that_was_released_can_be_taken(folder: Path) -> None:
    DataFolder.take(folder).release()
    again = DataFolder.take(folder)
    again.release()
    again.release()


def test_a_holder_that_does_not_say_who_it_is_is_still_respected(folder: Path) -> None:
    held = DataFolder.take(folder)
    (folder / LOCK).write_text("")
    with pytest.raises(FolderInUse) as refused:
        DataFolder.take(folder)
    assert (refused.value.pid, refused.value.host, refused.value.since) == (None, None, None)
    held.release()


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX")
def test_nobody_else_may_look_into_the_folder(folder: Path) -> None:
    umask = os.umask(0)
    try:
        store = open_sqlite(folder)
        store.open_writer()
    finally:
        os.umask(umask)
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in [folder, *folder.iterdir()] if path.exists()}
    store.close()
    assert {mode for name, mode in modes.items() if name not in {"data", "logs"}} == {"0o600"}
    assert (modes["data"], modes["logs"]) == ("0o700", "0o700")


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX")
def test_what_is_not_the_agendas_keeps_its_modes(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o755)
    program = folder / "Servidor.py"
    program.touch()
    program.chmod(0o755)
    for _ in range(2):
        open_sqlite(folder).close()
    assert [oct(path.stat().st_mode & 0o777) for path in (folder, program)] == ["0o755"] * 2
    assert (folder / "agenda.db").stat().st_mode & 0o777 == 0o600


def test_the_erased_are_listed_once_and_for_good(folder: Path) -> None:
    held = DataFolder.take(folder)
    held.remember_erased(["a", "b"])
    held.remember_erased(["b", "c"])
    held.remember_erased([])
    assert held.erased() == ["a", "b", "c"]
    held.release()


def test_old_copies_are_deleted_and_young_ones_kept(folder: Path) -> None:
    held = DataFolder.take(folder)
    now = datetime.now(UTC)
    old, young = held.copy_before("0001"), held.copy_before("0002")
    for copy, days in ((old, 31), (young, 29)):
        copy.touch()
        os.utime(copy, times=((now - timedelta(days=days)).timestamp(),) * 2)
    held.drop_old_copies(now)
    assert (old.exists(), young.exists()) == (False, True)
    held.release()
