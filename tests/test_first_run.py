"""The two commands on a machine with nothing installed, in copies of the tree."""

import ast
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest

ROOT = Path(__file__).parents[1]
SCRIPTS = ("Servidor.py", "Cliente.py", "first_run.py")
BASE = getattr(sys, "_base_executable", sys.executable)  # a Python outside our own environment
WAIT = "Setting up Agenda"
MINUTES = 300.0

posix = pytest.mark.skipif(os.name != "posix", reason="process ids and signals of POSIX")


def clone(folder: Path) -> Path:
    """A fresh clone: what git would bring, without its history."""
    for name in (*SCRIPTS, "requirements.txt", "requirements-dev.txt"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return clone(tmp_path)


def surroundings(**extra: str) -> dict[str, str]:
    """This process's environment, speaking English, without a hint of the environment the tests run in."""
    hints = {"VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "LC_MESSAGES", "LANG"}
    return {k: v for k, v in os.environ.items() if k not in hints} | {"LC_ALL": "en_US.UTF-8"} | extra


def start(tree: Path, script: str, *arguments: str, **extra: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [BASE, tree / script, *arguments],
        cwd=tree.parent,
        env=surroundings(**extra),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run(tree: Path, script: str, *arguments: str, **extra: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of one start."""
    process = start(tree, script, *arguments, **extra)
    output, errors = process.communicate(timeout=MINUTES)
    return process.returncode, output, errors


def lacking(folder: Path, module: str) -> str:
    """A folder for PYTHONPATH that makes a Python one that has no such module."""
    folder.mkdir()
    (folder / f"{module}.py").write_text(f'raise ImportError("No module named {module!r}")\n')
    return str(folder)


def left_overs(tree: Path) -> set[str]:
    return {path.name for path in tree.glob(".venv*")} - {".venv", ".venv.lock"}


@pytest.fixture(scope="module")
def ready_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = clone(tmp_path_factory.mktemp("ready"))
    assert run(tree, "Servidor.py", "--help")[0] == 0
    return tree


@pytest.mark.slow
@pytest.mark.timeout(MINUTES)
def test_two_starts_at_once_set_up_one_environment_in_one_line_each(tree: Path) -> None:
    starts = [start(tree, script, "--help") for script in ("Servidor.py", "Servidor.py")]
    told = [process.communicate(timeout=MINUTES) for process in starts]
    assert [process.returncode for process in starts] == [0, 0]
    assert all("--port" in output for output, _ in told)
    assert [(len(errors.splitlines()), WAIT in errors) for _, errors in told] == [(1, True)] * 2
    assert left_overs(tree) == set()


@pytest.mark.slow
@pytest.mark.timeout(MINUTES)
@posix
def test_a_set_up_that_was_killed_heals_at_the_next_start(tree: Path) -> None:
    first = start(tree, "Servidor.py", "--help")
    wait_until_installing(tree)
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    assert not (tree / ".venv").exists()
    status, output, _ = run(tree, "Servidor.py", "--help")
    assert (status, "--port" in output, left_overs(tree)) == (0, True, set())


@pytest.mark.slow
@pytest.mark.timeout(MINUTES)
@posix
def test_the_next_start_waits_for_an_installer_that_outlived_its_killed_parent(tree: Path) -> None:
    import fcntl  # not on Windows

    first = start(tree, "Servidor.py", "--help")
    wait_until_installing(tree)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    with (tree / ".venv.lock").open() as lock, pytest.raises(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    status, output, _ = run(tree, "Servidor.py", "--help")
    first.communicate()
    assert (status, "--port" in output, left_overs(tree)) == (0, True, set())


def wait_until_installing(tree: Path) -> None:
    """Until pip has begun to write libraries, or at least to fetch them."""
    log, deadline = tree / ".venv.log", monotonic() + MINUTES
    while not (log.exists() and "Collecting" in log.read_text("utf-8")):
        assert monotonic() < deadline, "the set-up did not come to installing"
        os.sched_yield()


@pytest.fixture
def server(ready_tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[str]]:
    data = str(tmp_path_factory.mktemp("data"))
    process = start(ready_tree, "Servidor.py", "--port", "0", "--data", data)
    yield process
    process.kill()
    process.communicate()


@pytest.mark.slow
@pytest.mark.timeout(MINUTES)
@posix
def test_the_server_keeps_the_process_id_of_the_command(server: subprocess.Popen[str]) -> None:
    assert server.stdout
    assert server.stderr
    ready = server.stdout.readline()
    assert ready, server.stderr.read()
    assert "127.0.0.1" in ready or "localhost" in ready
    command = subprocess.run(
        ["ps", "-ww", "-o", "args=", "-p", str(server.pid)], capture_output=True, text=True, check=True
    )
    assert "-m agenda serve" in command.stdout
    server.send_signal(signal.SIGTERM)
    assert server.wait(timeout=30) == 0


@pytest.mark.slow
@pytest.mark.timeout(MINUTES)
def test_an_environment_is_used_again_moved_along_and_renewed_with_the_lock(ready_tree: Path) -> None:
    assert run(ready_tree, "Servidor.py", "--help")[2] == "", "nothing to set up, nothing to say"
    moved = ready_tree.rename(ready_tree.with_name("elsewhere"))
    assert run(moved, "Servidor.py", "--help")[2] == ""
    command = subprocess.run([moved / ".venv/bin/agenda", "--help"], capture_output=True, text=True, check=True)
    assert "serve" in command.stdout
    with (moved / "requirements.txt").open("a") as lock:
        lock.write("iniconfig==2.3.1\n")
    status, _, errors = run(moved, "Servidor.py", "--help")
    assert (status, WAIT in errors, left_overs(moved)) == (0, True, set())
    assert list((moved / ".venv").rglob("iniconfig/__init__.py"))


def test_a_missing_tkinter_is_said_in_a_sentence_before_anything_is_set_up(tree: Path) -> None:
    path = lacking(tree / "lacking", "tkinter")
    status, output, errors = run(tree, "Cliente.py", PYTHONPATH=path)
    assert (status, output, len(errors.splitlines())) == (1, "", 1)
    assert "tkinter" in errors
    assert not (tree / ".venv").exists()


def test_a_missing_venv_module_is_said_in_a_sentence(tree: Path) -> None:
    path = lacking(tree / "lacking", "ensurepip")
    status, output, errors = run(tree, "Servidor.py", PYTHONPATH=path)
    assert (status, output, len(errors.splitlines())) == (1, "", 1)
    assert "venv" in errors


@pytest.mark.slow
@pytest.mark.timeout(MINUTES)
def test_a_missing_network_is_said_in_a_sentence_and_nothing_is_lost(tree: Path) -> None:
    (tree / ".venv").mkdir()
    (tree / ".venv" / "made_by_hand").touch()
    nowhere = {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": "http://127.0.0.1:9/",
        "PIP_FIND_LINKS": "",
        "PIP_RETRIES": "1",
        "PIP_NO_CACHE_DIR": "1",
    }
    status, _, errors = run(tree, "Servidor.py", "--help", **nowhere)
    assert (status, len(errors.splitlines())) == (1, 2)
    assert "internet" in errors
    assert run(tree, "Servidor.py", "--help")[0] == 0
    assert (tree / ".venv.old" / "made_by_hand").exists()


@pytest.mark.faults
@pytest.mark.timeout(MINUTES)
def test_a_full_disk_is_said_in_a_sentence(tree: Path) -> None:
    small = tree / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", small], check=False)
    if mounted.returncode:
        pytest.skip("mounting a small disk needs root")
    try:
        for name in (*SCRIPTS, "requirements.txt", "requirements-dev.txt"):
            shutil.copy(tree / name, small)
        status, _, errors = run(small, "Servidor.py")
    finally:
        subprocess.run(["umount", "--lazy", small], check=True)
    assert (status, len(errors.splitlines())) == (1, 2)
    assert "disk space" in errors


@pytest.mark.parametrize(("tag", "word"), [("pt_BR.UTF-8", "precisa"), ("C", "precisa"), ("de_DE", "needs")])
def test_a_python_that_is_too_old_is_told_so_in_the_machine_s_language(tag: str, word: str) -> None:
    pretended = "import sys; sys.version_info = (3, 9, 2); import first_run; first_run.run('serve')"
    told = subprocess.run(
        [BASE, "-c", pretended], cwd=ROOT, env=surroundings(LC_ALL=tag), capture_output=True, check=False
    )
    assert told.returncode == 1
    assert word.encode() in told.stderr
    assert b"3.9.2" in told.stderr


@pytest.mark.parametrize("script", SCRIPTS)
def test_an_old_python_can_read_the_commands(script: str) -> None:
    ast.parse((ROOT / script).read_text("utf-8"), feature_version=(3, 4))


def old_pythons() -> list[str]:
    """Those on PATH and those that pyenv keeps."""
    names = ("python", "python2.7", *(f"python3.{minor}" for minor in range(4, 11)))
    kept = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob("versions/*/bin/python")
    candidates = [*filter(None, map(shutil.which, names)), *map(str, kept)]
    check = "import sys; sys.exit(sys.version_info >= (3, 11))"
    return [p for p in candidates if subprocess.run([p, "-c", check], check=False).returncode == 0]


@pytest.mark.parametrize("script", SCRIPTS[:2])
def test_each_old_python_on_this_machine_says_that_it_is_too_old(script: str) -> None:
    if not (pythons := old_pythons()):
        pytest.skip("no old Python here")
    for python in pythons:
        told = subprocess.run([python, "-B", str(ROOT / script)], env=surroundings(), capture_output=True, check=False)
        assert (told.returncode, told.stderr.count(b"\n")) == (1, 1), python
        assert b"needs Python 3.11" in told.stderr


def test_the_development_environment_serves_the_commands_too(tree: Path) -> None:
    """So that starting the server in a tree where tests were run does not build it anew."""
    pretended = (
        "import first_run as f, json, pathlib;"
        "e = pathlib.Path('x/bin'); e.mkdir(parents=True); (e / 'python').touch();"
        "stamp = {'lock': f.DEV_LOCK, 'sha256': f.digest(f.DEV_LOCK), 'base': f.base_python()};"
        "(e.parent / 'agenda.json').write_text(json.dumps(stamp));"
        "print(json.dumps([bool(f.ready('x', lock)) for lock in (f.LOCK, f.DEV_LOCK)]))"
    )
    told = subprocess.run([BASE, "-c", pretended], cwd=tree, env=surroundings(), capture_output=True, check=True)
    assert json.loads(told.stdout) == [True, True]
