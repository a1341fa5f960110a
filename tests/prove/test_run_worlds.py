"""What worlds offer to be broken, and the processes and URLs that they make."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from agenda.client import Client, Disconnected
from agenda.prove.lines import Lines
from agenda.prove.nodes import CAN_PAUSE, Node, NotStarted
from agenda.prove.worlds import Embedded, Outside, breakers_of_lines, reroute


@pytest.fixture
def lines() -> Iterator[Lines]:
    with Lines() as lines:
        yield lines


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """A server that answers."""
    node = Node(["--data", str(tmp_path / "data")], tmp_path / "log")
    try:
        node.start()
        yield node
    finally:
        node.kill()


def answers(node: Node, timeout: float = 30.0) -> bool:
    with Client(*node.address, timeout=timeout) as client:
        try:
            client.ping()
        except Disconnected:
            return False
        return True


def test_a_database_is_reached_through_a_line(lines: Lines) -> None:
    [way], url = reroute("postgresql://ana:secret@db.example:6000/agenda?sslmode=require", lines)
    assert way.far == ("db.example", 6000)
    assert url == f"postgresql://ana:secret@127.0.0.1:{way.port}/agenda?sslmode=require"


def test_each_host_of_a_database_is_reached_through_a_line_of_its_own(lines: Lines) -> None:
    ways, url = reroute("postgresql://one:6000,two,[::1]:6001/agenda?target_session_attrs=read-write", lines)
    assert [way.far for way in ways] == [("one", 6000), ("two", 5432), ("::1", 6001)]
    hosts = ",".join(f"127.0.0.1:{way.port}" for way in ways)
    assert url == f"postgresql://{hosts}/agenda?target_session_attrs=read-write"


def test_of_a_server_of_one_s_own_process_and_clock_can_be_broken() -> None:
    with Embedded() as world:
        kinds = Counter(breaker.kind for breaker in world.breakers)
    pauses = {"pause": 1} if CAN_PAUSE else {}
    assert kinds == {"kill": 1, "restart": 1, "clock_ahead": 1, "clock_behind": 1, **pauses}


def test_of_somebody_s_servers_nothing_can_be_broken() -> None:
    assert list(Outside([("localhost", 8888)]).breakers) == []


def test_of_lines_four_things_can_be_broken() -> None:
    kinds = [breaker.kind for breaker in breakers_of_lines([], "line_", "node 1")]
    assert kinds == ["line_cut", "line_stall", "line_deaf", "line_mute"]


def test_a_world_that_was_left_has_no_server_any_more() -> None:
    with Embedded() as world:
        [node] = world.nodes
        assert answers(node)
    assert not answers(node)


def test_a_killed_node_is_there_again_when_the_world_has_recovered() -> None:
    with Embedded() as world:
        [node] = world.nodes
        node.kill()
        world.recover()
        assert answers(node)


@pytest.mark.skipif(not CAN_PAUSE, reason="no process can be paused here")
def test_a_paused_node_does_not_answer_until_it_goes_on(node: Node) -> None:
    node.pause()
    assert not answers(node, 0.5)
    node.resume()
    assert answers(node)


def test_a_node_with_a_wrong_clock_says_so(node: Node) -> None:
    with Client(*node.address) as client:
        right = client.ping().now
    node.kill()
    node.spawn("--clock-offset", "-420")
    node.wait()
    with Client(*node.address) as client:
        assert 300 < (right - client.ping().now).total_seconds() <= 420


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    node = Node(["--data", str(tmp_path), "--no-such-option"], tmp_path / "log")
    with pytest.raises(NotStarted) as failure:
        node.start()
    assert "--no-such-option" in str(failure.value)
