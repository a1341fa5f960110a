"""PostgreSQL runs for root whatever the system forbids, and what was started ends with who started it."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest

from agenda.prove.postgres import Postgres
from agenda.prove.prefixes import NOBODY, ending_with_us, not_as_root

FORBIDDEN = "#!/bin/sh\nexit 1\n"
Offer = Callable[..., None]

of_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root is refused")
of_linux = pytest.mark.skipif(not ending_with_us(signal.SIGTERM), reason="the system tells no child that we end")


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Offer]:
    """Makes the system offer these programs only, and those that are `forbidden` to fail."""

    def offer(*names: str, forbidden: str | None = None) -> None:
        folder = tmp_path / "bin"
        folder.mkdir()
        for name in names:
            (folder / name).symlink_to(shutil.which(name) or name)
        if forbidden:
            (folder / forbidden).write_text(FORBIDDEN)
            (folder / forbidden).chmod(0o755)
        monkeypatch.setenv("PATH", str(folder))

    not_as_root.cache_clear()
    yield offer
    not_as_root.cache_clear()


@of_root
@pytest.mark.parametrize("forbidden", ["unshare", None], ids=["forbidden", "missing"])
def test_without_namespaces_postgresql_is_another_user_in_a_folder_of_root_s(
    system: Offer, tmp_path: Path, forbidden: str | None
) -> None:
    system("setpriv", "true", forbidden=forbidden)
    database = Postgres(tmp_path / "postgres")
    try:
        database.start()
        owner = (database.data / "postmaster.pid").stat().st_uid
    finally:
        database.stop()
    assert owner == NOBODY


@of_root
def test_where_nothing_is_allowed_postgresql_says_itself_what_it_refuses(system: Offer, tmp_path: Path) -> None:
    system("true")
    with pytest.raises(RuntimeError, match="root"):
        Postgres(tmp_path / "postgres")


@of_linux
def test_a_program_is_told_when_the_thread_that_started_it_ends() -> None:
    started: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        command = [*ending_with_us(signal.SIGTERM), "sh", "-c", "echo; exec sleep 60"]
        program = subprocess.Popen(command, stdout=subprocess.PIPE)
        started.append(program)
        assert program.stdout is not None
        program.stdout.readline()

    thread = Thread(target=start)
    thread.start()
    thread.join()
    with started[0] as program:
        assert program.wait(30) == -signal.SIGTERM
