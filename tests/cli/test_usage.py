"""Help, languages, exit statuses and completion: what holds for every command."""

import subprocess
import sys
from pathlib import Path

import pytest
import typer

from agenda.cli.app import COMMANDS, app, run
from agenda.cli.exits import Status
from agenda.prove.ports import free_port

from .conftest import Shell

ALL = [[name] for name in COMMANDS] + [["audit"], ["audit", "verify"]]
HEAVY = {
    "agenda.client", "agenda.engine", "agenda.storage", "agenda.desktop", "agenda.doors", "agenda.bootstrap",
    "sqlalchemy", "alembic", "pydantic", "rich", "argon2", "structlog", "tkinter", "ssl", "asyncio", "sqlite3",
}  # fmt: skip


@pytest.mark.parametrize("command", [[], *ALL], ids=" ".join)
@pytest.mark.parametrize(("language", "heading"), [("en", "Usage: agenda"), ("pt-BR", "Uso: agenda")])
def test_every_command_has_help_in_both_languages(
    capsys: pytest.CaptureFixture[str], command: list[str], language: str, heading: str
) -> None:
    assert run([*command, "--help", "--language", language]) == Status.DONE
    told = capsys.readouterr().out
    assert told.startswith(" ".join([heading, *command]))
    assert "cli." not in told


def test_help_tells_no_default_that_is_empty(capsys: pytest.CaptureFixture[str]) -> None:
    run(["desktop", "--help", "--language", "en"])
    assert "default: ]" not in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("command", COMMANDS)
def test_what_an_option_takes_is_named_in_the_reader_s_language(command: str) -> None:
    params = typer.main.get_command(app()).commands[command].params  # type: ignore[attr-defined]  # a group has them
    takers = [param for param in params if not getattr(param, "is_flag", False)]
    assert [param.name for param in takers if not str(param.metavar).startswith("cli.metavar.")] == []


def test_help_loads_no_heavy_module() -> None:
    program = "import sys; from agenda.cli.app import run; run(['--help']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, encoding="utf-8")
    assert set(done.stderr.split()) & HEAVY == set()


def test_no_command_is_a_call_for_help(shell: Shell) -> None:
    assert shell() == shell("--help")


@pytest.mark.parametrize(
    ("variable", "value", "heading"),
    [("AGENDA_LANGUAGE", "pt-BR", "Uso"), ("AGENDA_LANGUAGE", "en", "Usage"), ("LC_ALL", "en_US.UTF-8", "Usage")],
)
def test_the_language_comes_from_the_environment(tmp_path: Path, variable: str, value: str, heading: str) -> None:
    shell = Shell(tmp_path, LC_ALL="pt_BR.UTF-8")
    del shell.environment["AGENDA_LANGUAGE"]
    assert shell("--help", **{variable: value}).startswith(heading)


def test_an_unknown_language_is_wrong_usage(shell: Shell) -> None:
    failed = shell.run("slots", "--language", "fr")
    assert failed.status == Status.USAGE
    assert "pt-BR, en" in failed.err


@pytest.mark.parametrize(
    "line",
    [
        ["book"],
        ["book", "tomorrow"],
        ["book", "tomorrow", "10:00", "--note", "for", "Maria"],
        ["bok", "tomorrow", "10:00"],
        ["slots", "--nonsense"],
        ["slots", "someday"],
        ["slots", "31/02"],
        ["book", "tomorrow", "25:00"],
        ["bookings", "--status", "lost"],
        ["log", "--limit", "0"],
        ["log", "--limit", "many"],
        ["slots", "--server", "localhost:99999"],
        ["demo", "--clients", "1"],
        ["audit", "verify", "--since", "yesterday"],
        ["fill", "--resources", "1"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("language", ["en", "pt-BR"])
def test_a_wrong_line_is_status_2_and_one_sentence(
    capsys: pytest.CaptureFixture[str], line: list[str], language: str
) -> None:
    assert run([*line, "--language", language]) == Status.USAGE
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith({"en": "Error: ", "pt-BR": "Erro: "}[language])
    assert told.err.count("\n") == 1


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("prove --seconds 0", "--seconds takes a whole number from 3 to 86400."),
        ("prove --nodes 17", "--nodes takes a whole number from 1 to 16."),
        ("demo --clients 1", "--clients takes a whole number from 2 to 256."),
        ("serve --drain soon", "--drain takes a whole number from 0 to 3600."),
        ("fill --bookings -1", "--bookings takes a whole number from 0 on."),
    ],
)
def test_what_a_number_may_be_is_named(shell: Shell, line: str, told: str) -> None:
    assert told in shell.run(*line.split()).err


def test_words_too_many_are_named(shell: Shell) -> None:
    assert "too many words: Maria." in shell.run("book", "tomorrow", "10:00", "--note", "for", "Maria").err


def test_a_wrong_line_is_a_document_too(shell: Shell) -> None:
    failed = shell.run("book", "--json")
    assert (failed.status, failed.err) == (Status.USAGE, "")
    assert failed.document["error"]["code"] == "usage"


def test_without_a_server_the_status_is_3(tmp_path: Path) -> None:
    shell = Shell(tmp_path, AGENDA_SERVER=f"127.0.0.1:{free_port()}", AGENDA_PASSWORD="p", AGENDA_USER="maria")
    failed = shell.run("slots", "--json")
    error = failed.document["error"]
    assert (failed.status, error["code"], error["sent"]) == (Status.NO_SERVER, "disconnected", False)


def test_without_a_database_the_status_is_4(shell: Shell, tmp_path: Path) -> None:
    failed = shell.run("audit", "verify", "--json", "--data", str(tmp_path))
    assert (failed.status, failed.document["error"]["code"]) == (Status.STORE, "store_missing")


def test_nobody_to_ask_for_a_password_is_wrong_usage(shell: Shell) -> None:
    failed = shell.run("login")
    assert failed.status == Status.USAGE


@pytest.mark.parametrize("shell_name", ["bash", "zsh", "fish"])
def test_a_completion_script_is_shown(shell: Shell, shell_name: str) -> None:
    shown = shell.spawn("--show-completion", shell_name, _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert "_AGENDA_COMPLETE" in shown.out


def test_commands_are_completed(shell: Shell) -> None:
    done = shell.spawn(_AGENDA_COMPLETE="complete_bash", COMP_WORDS="agenda boo", COMP_CWORD="1")
    assert {"book", "bookings"} == set(done.out.split())


def test_there_is_no_colour_where_nobody_looks(shell: Shell, tmp_path: Path) -> None:
    assert "\x1b" not in shell("--help", FORCE_COLOR="", NO_COLOR="1")


def test_a_reader_who_has_gone_away_is_no_error(shell: Shell) -> None:
    process = subprocess.Popen(
        shell.command("--help"), env=shell.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    complaint = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), complaint) == (Status.BROKEN_PIPE, b"")


def test_the_module_is_the_command(shell: Shell) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "agenda", "--help"],
        env=shell.environment,
        capture_output=True,
        check=True,
        encoding="utf-8",
    )
    assert done.stdout == shell("--help")


def test_every_status_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "cli.md").read_text("utf-8")
    assert [status for status in Status if f"| {status.value} |" not in page] == []


def test_every_command_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "cli.md").read_text("utf-8")
    assert [command for command in ALL if f"`agenda {' '.join(command)}" not in page] == []


def test_standard_output_without_utf8_is_no_defect(shell: Shell) -> None:
    done = subprocess.run(
        shell.command("slots", "--help", "--language", "pt-BR"),
        env=shell.environment | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0
