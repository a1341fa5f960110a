"""The command `agenda prove`: what it says, what it leaves, and what its status means."""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from agenda.prove.history import OK, Answer, Call, Held, History, Place
from agenda.prove.ports import free_port
from agenda.prove.prefixes import ending_with_us
from agenda.prove.records import write
from tests.cli.conftest import Shell

PLACE = Place("r1", "2026-11-23T11:00:00Z")


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "home")


def creation(client: int, booking: str) -> Call:
    """A slot that a client was confirmed."""
    answer = Answer(booking, PLACE, "booked")
    return Call(client, f"u{client}", "booking.create", f"q{client}", client, client + 0.5, OK, None, PLACE, answer)


def kept(path: Path, calls: list[Call]) -> str:
    """The file with a history of these creations, all of whose bookings are there at the end."""
    held = [Held(call.answer.booking, call.user, PLACE) for call in calls if call.answer]
    write(History(1, [[PLACE]], calls=calls, held=held), path)
    return str(path)


def test_a_history_in_which_every_promise_held_is_judged_so(shell: Shell, tmp_path: Path) -> None:
    judged = shell.run("prove", "--judge", kept(tmp_path / "h.jsonl", [creation(1, "b1")]), "--json")
    assert (judged.status, judged.document["proven"]) == (0, True)


def test_a_history_with_a_double_booking_is_told_by_the_status(shell: Shell, tmp_path: Path) -> None:
    double = kept(tmp_path / "h.jsonl", [creation(1, "b1"), creation(2, "b2")])
    judged = shell.run("prove", "--judge", double, "--json")
    assert (judged.status, judged.document["proven"]) == (1, False)


def test_the_report_is_written_to_the_file_that_was_named(shell: Shell, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    shell("prove", "--judge", kept(tmp_path / "h.jsonl", [creation(1, "b1")]), "--report", str(page))
    assert "<html" in page.read_text("utf-8")


def test_a_report_that_cannot_be_written_is_told(shell: Shell, tmp_path: Path) -> None:
    history = kept(tmp_path / "h.jsonl", [creation(1, "b1")])
    told = shell.run("prove", "--judge", history, "--report", str(tmp_path / "nowhere" / "report.html"))
    assert (told.status, "There is no folder" in told.err, "copy" in told.err) == (2, True, False)


def test_a_history_that_is_not_there_is_told(shell: Shell, tmp_path: Path) -> None:
    told = shell.run("prove", "--judge", str(tmp_path / "nowhere"))
    assert (told.status, "Errno" in told.err) == (2, False)


def test_nothing_is_said_of_a_run_at_a_server_that_is_not_there(shell: Shell) -> None:
    assert shell.run("prove", "--server", f"127.0.0.1:{free_port()}").out == ""


@pytest.mark.parametrize("text", ["", "something else\n", None])
def test_what_is_no_history_is_told(shell: Shell, tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "h.jsonl"
    if text is not None:
        path.write_text(text)
    told = shell.run("prove", "--judge", str(path))
    assert (told.status, str(path) in told.err) == (2, True)


def test_servers_that_run_and_servers_to_be_started_do_not_go_together(shell: Shell) -> None:
    told = shell.run("prove", "--server", "localhost", "--postgres")
    assert (told.status, "--server" in told.err) == (2, True)


def test_where_no_server_answers_nothing_is_proven(shell: Shell) -> None:
    told = shell.run("prove", "--server", f"127.0.0.1:{free_port()}", "--clients", "2")
    assert (told.status, "No server answers" in told.err) == (3, True)


@pytest.mark.slow
@pytest.mark.faults
def test_a_run_is_told_line_by_line_and_kept(shell: Shell, tmp_path: Path) -> None:
    history = str(tmp_path / "h.jsonl")
    told = shell("prove", "--seconds", "4", "--seed", "3", "--history", history)
    assert "Seed 3" in told
    assert told.count("✕") == told.count("✓ over") > 0
    assert shell.document("prove", "--judge", history)["seed"] == 3


@pytest.mark.slow
@pytest.mark.faults
def test_a_run_that_is_told_to_end_leaves_no_process(shell: Shell) -> None:
    with racing(shell) as run:
        nodes = descendants(run.pid)
        run.send_signal(signal.SIGTERM)
        assert run.wait(30) == 130
    assert nodes
    assert [pid for pid in nodes if is_alive(pid)] == []


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.skipif(not ending_with_us(signal.SIGKILL), reason="the system tells no child that we end")
@pytest.mark.parametrize("options", [(), ("--postgres", "--nodes", "2")], ids=["embedded", "postgres"])
def test_a_run_that_is_killed_leaves_no_process(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    monkeypatch.setitem(shell.environment, "TMPDIR", str(tmp_path))  # nobody else clears up after it
    with racing(shell, *options) as run:
        started = descendants(run.pid)
        run.kill()
    assert started
    assert [pid for pid in started if is_alive(pid)] == []


@contextmanager
def racing(shell: Shell, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A run whose clients have begun."""
    command = shell.command("prove", "--seconds", "60", *options)
    with subprocess.Popen(command, env=shell.environment, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        while "race for" not in running.stdout.readline():
            assert running.poll() is None
        yield running


def descendants(pid: int) -> list[int]:
    """The processes that a process has started, and those that these have."""
    found: list[int] = []
    with suppress(OSError):  # it has ended meanwhile
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (thread / "children").read_text().split()):
                found += [child, *descendants(child)]
    return found


def is_alive(pid: int) -> bool:
    """Whether a process goes on, after a moment in which it may end; one that nobody buries has ended."""
    deadline = time.monotonic() + 30
    with suppress(OSError):
        while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}:
            if time.monotonic() > deadline:
                return True
            time.sleep(0.02)
    return False
