"""The monitor's HTTP: what is no GET or HEAD of a page, and clients that are slow, many or malformed."""

import contextlib
import socket
from collections.abc import Iterator
from http import HTTPStatus
from time import monotonic

import pytest

from agenda.doors.monitor import http
from agenda.doors.monitor.http import MOST_CONNECTIONS, HttpServer, Page
from agenda.doors.rpc.sockets import PortInUse

from .fakes import DEADLINE
from .probing import get, send

WHOLE = b"GET /here HTTP/1.1\r\n\r\n"


class Site:
    """A server with one page that is there and one that breaks."""

    def __init__(self) -> None:
        self.incidents: list[BaseException] = []
        pages = {"/here": self._here, "/broken": self._broken}
        self.server = HttpServer(pages, "127.0.0.1", 0, self._incident)
        self.server.start()
        self.address = self.server.addresses[0]

    async def _here(self) -> Page:
        return Page(HTTPStatus.OK, b"here\n")

    async def _broken(self) -> Page:
        raise ZeroDivisionError("a secret")

    def _incident(self, error: BaseException) -> str:
        self.incidents.append(error)
        return "f00d"


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.server.stop()


def test_a_page_is_answered_as_it_is(site: Site) -> None:
    assert get(site.address, "/here").told == (200, "here")


def test_what_follows_a_question_mark_is_of_no_matter(site: Site) -> None:
    assert get(site.address, "/here?name=value").told == (200, "here")


def test_head_gets_the_same_head_and_no_body(site: Site) -> None:
    asked, whole = get(site.address, "/here", "HEAD"), get(site.address, "/here")
    assert (asked.status, asked.headers, asked.body) == (whole.status, whole.headers, b"")


def test_another_path_is_not_found(site: Site) -> None:
    assert get(site.address, "/there").told == (404, "not found")


def test_another_method_is_told_which_there_are(site: Site) -> None:
    answer = send(site.address, b"POST /here HTTP/1.1\r\nContent-Length: 70000\r\n\r\n" + b"x" * 70_000)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


def test_a_page_that_breaks_tells_the_log_and_nobody_else(site: Site) -> None:
    answer = get(site.address, "/broken")
    assert answer.told == (500, "internal server error")
    assert [type(error) for error in site.incidents] == [ZeroDivisionError]


@pytest.mark.parametrize(
    "request_",
    [
        b"\r\n\r\n",
        b"GET /here\r\n\r\n",
        b"GET /here HTTP/2.0\r\n\r\n",
        b"GET /here now HTTP/1.1\r\n\r\n",
        b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n\n',
        b"\x16\x03\x01\x02\x00\x01\xfc\x00\n\n",
        b"\x00\xff\n\n",
        b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /here HTTP/1.1\r\nX: " + b"x" * 20_000 + b"\r\n\r\n",
        b"GET /here HTTP/1.1\r\n" + b"X: x\r\n" * 100 + b"\r\n",
    ],
)
def test_what_is_no_request_is_a_bad_request(site: Site, request_: bytes) -> None:
    assert send(site.address, request_).told == (400, "bad request")


@pytest.mark.parametrize("request_", [b"GET /here HTTP/1.0\n\n", b"GET /here HTTP/1.1"])
def test_a_person_at_a_shell_is_understood(site: Site, request_: bytes) -> None:
    assert send(site.address, request_, end=True).told == (200, "here")


@pytest.mark.parametrize("begun", [b"", b"GET /here HT", b"GET /here HTTP/1.1\r\nHost: probe\r\n"])
def test_who_is_not_done_in_time_is_cut(site: Site, monkeypatch: pytest.MonkeyPatch, begun: bytes) -> None:
    monkeypatch.setattr(http, "DEADLINE", 0.1)
    assert send(site.address, begun).status == 0


def test_who_never_hangs_up_is_cut(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "DEADLINE", 0.1)
    with socket.create_connection(site.address, DEADLINE) as peer:
        peer.sendall(WHOLE)
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            while True:
                peer.sendall(b"x" * 1000)


def test_idle_connections_never_bar_a_probe(site: Site) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(MOST_CONNECTIONS * 3):
            stack.enter_context(socket.create_connection(site.address, DEADLINE))
        assert get(site.address, "/here").told == (200, "here")


def test_connections_are_bounded(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "DEADLINE", 2 * DEADLINE)
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(socket.create_connection(site.address, DEADLINE))
        for _ in range(MOST_CONNECTIONS):
            stack.enter_context(socket.create_connection(site.address, DEADLINE))
        assert closed(first)


def closed(peer: socket.socket) -> bool:
    """Whether the server cuts it, long before the deadline; else TimeoutError."""
    peer.settimeout(DEADLINE)
    try:
        return peer.recv(1) == b""
    except ConnectionResetError:
        return True


def test_a_port_that_is_taken_is_said_to_be(site: Site) -> None:
    second = HttpServer({}, *site.address, site._incident)
    with pytest.raises(PortInUse):
        second.start()


def test_stopping_waits_for_nobody_and_closes_the_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "DEADLINE", 2 * DEADLINE)
    site = Site()
    with socket.create_connection(site.address, DEADLINE):
        assert get(site.address, "/here").status == 200  # so the other one has been let in
        began = monotonic()
        site.server.stop()
        assert monotonic() - began < DEADLINE
    with pytest.raises(OSError):
        get(site.address, "/here")


def test_a_server_that_never_started_can_be_stopped() -> None:
    HttpServer({}, "127.0.0.1", 0, str).stop()


def test_who_asks_in_a_hurry_is_answered_at_a_bounded_pace(site: Site) -> None:
    began = monotonic()
    for _ in range(11):
        get(site.address, "/nowhere")
    assert monotonic() - began >= 10 * http.PACE
