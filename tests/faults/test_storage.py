"""Full, read-only and failing disks: a clear error, nothing lost, and work goes on afterwards."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.ledger import UNDECIDED, Customer, Load, ask_again, assert_kept
from tests.faults.plug import Plug
from tests.faults.server import DEADLINE, Server, assert_sound
from tests.faults.test_kill import SEED, starts

pytestmark = [pytest.mark.faults, pytest.mark.slow]


def mounted(*arguments: str) -> None:
    """Mount something; a machine that forbids it skips the test, except in CI, where it has to work."""
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode and not os.environ.get("CI"):
        pytest.skip(f"needs the right to mount: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr


@contextlib.contextmanager
def mount(target: Path, *arguments: str) -> Iterator[None]:
    mounted(*arguments, str(target))
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(target)], check=True)


@pytest.fixture
def customers() -> list[Customer]:
    return [Customer(f"customer {n}") for n in range(4)]


def recover(server: Server, load: Load, data: Path, customers: list[Customer]) -> None:
    """The disk is well again: the same server goes on, or it had ended with a sentence and a new one takes over."""
    if load.wait_for_success():
        load.stop()
        assert_kept(server.port, customers)
        assert server.end() == 0, server.said()
    else:
        load.join()
        assert server.process.wait(DEADLINE) > 0, server.said()
    assert_sound(data)
    with Server(data).ready() as again:
        assert_kept(again.port, customers)
        ask_again(again.port, customers)
    assert_sound(data)


def test_a_full_disk_is_said_and_loses_nothing(data: Path, customers: list[Customer]) -> None:
    with mount(data, "-t", "tmpfs", "-o", "size=48m,mode=700", "tmpfs"), Server(data).ready() as server:
        load = Load(server.port, customers, starts(0), SEED)
        load.wait_for_answers(200)
        ballast = data / "ballast"
        with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(b"\0" * 65536)

        load.wait_for_error({"unavailable"})

        assert "StoreFull" in server.said()
        ballast.unlink()
        recover(server, load, data, customers)


def test_a_failing_sync_is_said_and_loses_nothing(data: Path, plug: Plug, customers: list[Customer]) -> None:
    with Server(data, plug.environment()).ready() as server:
        load = Load(server.port, customers, starts(0), SEED)
        load.wait_for_answers(200)
        plug.break_syncs()

        load.wait_for_error(UNDECIDED)

        plug.mend_syncs()
        recover(server, load, data, customers)


def test_the_plug_pulled_after_a_failing_sync_loses_nothing_that_was_acknowledged(
    data: Path, plug: Plug, customers: list[Customer]
) -> None:
    with Server(data, plug.environment()).ready() as server:
        load = Load(server.port, customers, starts(0), SEED)
        load.wait_for_answers(200)
        plug.break_syncs()
        load.wait_for_error(UNDECIDED)
        plug.mend_syncs()
        load.wait_for_success()
        server.kill()
        load.join()
    plug.pull()
    assert_sound(data)
    with Server(data).ready() as again:
        assert_kept(again.port, customers)
        ask_again(again.port, customers)


def test_a_read_only_folder_is_refused_with_a_sentence_and_works_when_it_is_writable_again(
    data: Path, customers: list[Customer]
) -> None:
    with Server(data).ready() as server:
        load = Load(server.port, customers, starts(0), SEED)
        load.wait_for_answers(50)
        load.stop()
        server.end()
    with mount(data, "--bind", str(data)):
        mounted("-o", "remount,ro,bind", str(data))
        with Server(data) as refused:
            assert refused.process.wait(30) > 0
            said = refused.said()
    assert said.strip()
    assert "Traceback" not in said
    assert str(data) in said
    with Server(data).ready() as again:
        assert_kept(again.port, customers)
