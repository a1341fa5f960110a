"""How nodes call each other: never in a booking's transaction, which would keep all others waiting for its commit."""

import re
from collections import defaultdict
from collections.abc import Iterator

import pytest

from tests.nodes.town import nodes
from tests.postgres import database_of, server
from tests.storage.node import rows
from tests.waiting import until

BOOKINGS = 5
STATEMENT = re.compile(r"\[(\d+)\] agenda LOG:  (?:execute \w+|statement): (\w+(?: INTO \w+)?)")
"""In the server's log: whose process it is, and how a statement begins."""
WITHIN = re.compile(r"BEGIN (?:(?!COMMIT|ROLLBACK)\S+ )*NOTIFY")
"""A call in a transaction, among the beginnings of statements."""


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What each connection executed, in its order, while a node made some bookings and called the others."""
    folder = tmp_path_factory.mktemp("town")
    url, said = database_of(folder), len(server().log.read_bytes())
    rows(url, f"ALTER DATABASE {url.rpartition('/')[2]} SET log_statement = 'all'")
    with nodes(folder, 1) as [node]:
        booker, day = node.customer(), node.day()
        for hour in range(8, 8 + BOOKINGS):
            booker.call("booking.create", start=node.at(day, hour))
        until(lambda: "NOTIFY" in [word for _, word in statements(said)])
    by_connection = defaultdict[str, list[str]](list)
    for process, word in statements(said):
        by_connection[process].append(word)
    return by_connection


def statements(since: int) -> Iterator[tuple[str, str]]:
    """What the log tells after so many bytes."""
    log = server().log.read_bytes()[since:].decode(errors="replace")
    return ((found[1], found[2]) for found in STATEMENT.finditer(log))


def those_with(executed: dict[str, list[str]], word: str) -> set[str]:
    """The connections that executed such a statement."""
    return {process for process, words in executed.items() if word in words}


def test_all_bookings_are_written_on_one_connection(executed: dict[str, list[str]]) -> None:
    [writer] = those_with(executed, "INSERT INTO booking")
    assert executed[writer].count("INSERT INTO booking") == BOOKINGS


def test_no_connection_that_writes_bookings_calls_other_nodes(executed: dict[str, list[str]]) -> None:
    callers, writers = those_with(executed, "NOTIFY"), those_with(executed, "INSERT INTO booking")
    assert (len(callers), callers & writers) == (1, set())


def test_a_call_stands_in_no_transaction(executed: dict[str, list[str]]) -> None:
    callers = those_with(executed, "NOTIFY")
    assert [WITHIN.findall(" ".join(executed[caller])) for caller in callers] == [[]]
