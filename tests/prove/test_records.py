"""A history comes back from its file as it was, and a file that holds none says so."""

from pathlib import Path

import pytest

from agenda.prove.history import Fault, History
from agenda.prove.records import NotAHistory, read, write
from tests.prove.simulated import Shape, simulated
from tests.prove.story import ELEVEN, TEN


@pytest.fixture
def history() -> History:
    history = simulated(5, Shape(groups=2, calls=60, lost=0.2))
    history.faults = [Fault("kill", "node 1", 1.0, 2.5)]
    history.pictures[0].seen.pop(history.places[0])
    history.about = {"world": "embedded", "version": "ação"}
    return history


def test_a_history_comes_back_as_it_was(history: History, tmp_path: Path) -> None:
    write(history, tmp_path / "history.jsonl")
    assert read(tmp_path / "history.jsonl") == history


def test_a_history_is_lines_of_json_that_begin_with_what_they_hold(history: History, tmp_path: Path) -> None:
    write(history, tmp_path / "history.jsonl")
    kinds = {line.split('"')[1] for line in (tmp_path / "history.jsonl").read_text("utf-8").splitlines()}
    assert kinds == {"run", "calls", "repeats", "faults", "held", "pictures"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not JSON\n",
        "{}\n",
        '["calls",{}]\n',
        '["run",[2,1,[],{}]]\n',
        '["run",[1,1,[],{}]]\n["calls",{"client":"one"}]\n',
        '["run",[1,1,[],{}]]\n["about",1]\n',
        "\x80",
    ],
)
def test_what_is_no_history_is_said_to_be_none(text: str, tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_text(text, "latin-1")
    with pytest.raises(NotAHistory):
        read(path)


def test_the_line_that_is_wrong_is_named(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    write(History(1, [[TEN, ELEVEN]]), path)
    with path.open("a") as file:
        file.write("[]\n")
    with pytest.raises(NotAHistory, match="line 2"):
        read(path)
