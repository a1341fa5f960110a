"""A server behind a balancer: whoever the balancer brings is counted by an address of his own."""

from collections.abc import Callable

import pytest

from .peer import Peer
from .server import Server, unused_name

BALANCER = "127.0.0.9"
ACCOUNTS_PER_HOUR = 20


@pytest.fixture
def behind(run_server: Callable[..., Server]) -> Server:
    """A server that believes a balancer, which is a network of one address."""
    return run_server(environment={"AGENDA_PROXIES": f"192.0.2.0/24, {BALANCER}"})


def brought(server: Server, client: str) -> Peer:
    """A connection that the balancer makes for a client."""
    peer = Peer(server.address, source=BALANCER)
    peer.write(f"PROXY TCP4 {client} 203.0.113.1 40000 8888\r\n".encode())
    return peer


def sign_up(peer: Peer) -> str:
    """`ok` or the code of the refusal."""
    with peer:
        answer = peer.answer(peer.post("session.open", user=unused_name(), password="p", create=True))
    return "ok" if "result" in answer else str(answer["error"]["data"]["code"])


@pytest.mark.parametrize("client", ["203.0.113.7", "127.0.0.1"])
def test_the_accounts_of_one_client_are_counted_and_keep_nobody_else_out(behind: Server, client: str) -> None:
    made = [sign_up(brought(behind, client)) for _ in range(ACCOUNTS_PER_HOUR + 1)]
    assert made == ["ok"] * ACCOUNTS_PER_HOUR + ["rate_limited"]
    assert sign_up(brought(behind, "203.0.113.8")) == "ok"


def test_wrong_passwords_of_one_client_keep_nobody_else_out(behind: Server) -> None:
    name = behind.customer().user
    with brought(behind, "203.0.113.7") as guessing:
        codes = [guessing.refusal("session.open", user=name, password="wrong")["code"] for _ in range(11)]
    assert codes == ["bad_credentials"] * 10 + ["rate_limited"]
    with brought(behind, "203.0.113.8") as other:
        assert other.call("session.open", user=name, password="a password")["user"]["name"] == name


def test_a_balancer_that_does_not_say_for_whom_it_comes_is_cut(behind: Server) -> None:
    with Peer(behind.address, source=BALANCER) as peer:
        peer.send({"jsonrpc": "2.0", "id": 1, "method": "ping"})
        assert peer.is_closed_by_server()


def test_nobody_else_is_believed(behind: Server) -> None:
    with Peer(behind.address, source="127.0.0.8") as peer:
        peer.write(b"PROXY TCP4 203.0.113.7 203.0.113.1 40000 8888\r\n")
        assert peer.read()["error"]["code"] == -32700
