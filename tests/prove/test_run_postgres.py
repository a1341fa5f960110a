"""Nodes on a PostgreSQL that lets bookings overlap, and that do not look themselves, are found out by the command."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from agenda.cli.exits import Status
from agenda.prove.nodes import Node
from agenda.texts import LANGUAGES
from tests.cli.conftest import Result, Shell
from tests.postgres import database_of
from tests.prove.test_run import BROKEN_SERVER
from tests.storage.node import rows

pytestmark = [pytest.mark.slow, pytest.mark.faults]

DEFECTS = "blind+trusting"
CLIENTS = 24
"""Who hold more bookings at the end than there are slots to race for."""


class Tried(NamedTuple):
    """What the command said, and the file in which it kept what had happened."""

    result: Result
    history: str

    def findings(self, check: str) -> list[dict[str, Any]]:
        """What was found against a promise."""
        [found] = [each["findings"] for each in self.result.document["checks"] if each["name"] == check]
        return list(found)


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Tried:
    """Two nodes without the check and without the rule, tried for some seconds."""
    folder = tmp_path_factory.mktemp("broken")
    url, history = database_of(folder), str(folder / "history.jsonl")
    with broken_nodes(folder, url, 2) as nodes:
        rows(url, "ALTER TABLE claim DROP CONSTRAINT claim_no_overlap")
        servers = ",".join(f"127.0.0.1:{node.port}" for node in nodes)
        race = ("--seconds", "3", "--seed", "5", "--clients", str(CLIENTS))
        said = Shell(folder / "home").run("prove", "--server", servers, *race, "--history", history, "--json")
        return Tried(said, history)


@contextmanager
def broken_nodes(folder: Path, url: str, count: int) -> Iterator[list[Node]]:
    with ExitStack() as stack:
        nodes = []
        for number in range(count):
            program = [sys.executable, str(BROKEN_SERVER), DEFECTS]
            nodes.append(Node(["--store", url], folder / f"{number}.txt", program=program))
            stack.callback(nodes[-1].kill)
            nodes[-1].start()
        yield nodes


def test_the_status_says_that_a_promise_is_broken(tried: Tried) -> None:
    assert (tried.result.status, tried.result.document["judgement"]) == (Status.REFUSED, "broken")


def test_the_double_bookings_are_found(tried: Tried) -> None:
    assert "double" in {finding["code"] for finding in tried.findings("single")}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_double_booking_is_told_by_name(tried: Tried, tmp_path: Path, language: str) -> None:
    double = next(finding for finding in tried.findings("single") if finding["code"] == "double")
    told = Shell(tmp_path).run("prove", "--judge", tried.history, "--language", language)
    assert [booking[-8:] in told.out for booking in double["bookings"]] == [True] * len(double["bookings"])


def test_what_clients_were_told_is_found_to_have_no_order(tried: Tried) -> None:
    assert tried.findings("order")
