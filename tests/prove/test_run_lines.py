"""Lines between clients and servers: what passes, what is held back, what is cut."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from agenda.prove.lines import Line, Lines
from tests.certificates import self_signed

PATIENCE = 30.0
AT_ONCE = 0.2


class Echo:
    """A server that says in capitals what it hears, and remembers it."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._listener.getsockname()
        self.heard = b""
        self.news = threading.Condition()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                self._threads.append(threading.Thread(target=self._answer, args=(near,)))
                self._threads[-1].start()

    def _answer(self, near: socket.socket) -> None:
        with suppress(OSError), self._tls.wrap_socket(near, server_side=True) if self._tls else near as end:
            while chunk := end.recv(1000):
                with self.news:
                    self.heard += chunk
                    self.news.notify_all()
                end.sendall(chunk.upper())

    def hears(self, words: bytes, within: float = PATIENCE) -> bool:
        """Whether the words come in, in time."""
        with self.news:
            return self.news.wait_for(lambda: words in self.heard, within)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()


@pytest.fixture
def echo() -> Iterator[Echo]:
    server = Echo()
    yield server
    server.close()


@pytest.fixture
def lines(echo: Echo) -> Iterator[Lines]:
    with Lines() as lines:
        yield lines


@pytest.fixture
def line(lines: Lines, echo: Echo) -> Line:
    return lines.add(echo.address)


@pytest.fixture
def near(line: Line) -> Iterator[socket.socket]:
    """A connection over the line that works."""
    with socket.create_connection(line.address, PATIENCE) as near:
        assert said(near, b"hello") == b"HELLO"
        yield near


def said(near: socket.socket, words: bytes) -> bytes:
    near.sendall(words)
    return near.recv(1000)


def is_silent(near: socket.socket) -> bool:
    """Whether nothing comes for a moment."""
    near.settimeout(AT_ONCE)
    try:
        return not near.recv(1000)
    except TimeoutError:
        return True
    finally:
        near.settimeout(PATIENCE)


def test_what_is_said_is_passed_on_both_ways(near: socket.socket) -> None:
    assert said(near, b"words") == b"WORDS"


def test_a_side_that_has_said_all_still_gets_its_answer(near: socket.socket) -> None:
    near.sendall(b"last words")
    near.shutdown(socket.SHUT_WR)
    assert near.recv(1000) == b"LAST WORDS"
    assert near.recv(1000) == b""


def test_a_cut_line_ends_its_connections(line: Line, near: socket.socket) -> None:
    line.cut()
    with suppress(ConnectionError):
        assert near.recv(1000) == b""


def test_a_cut_line_takes_no_connection(line: Line) -> None:
    line.cut()
    with suppress(ConnectionError), socket.create_connection(line.address, PATIENCE) as near:
        assert near.recv(1000) == b""


def test_a_healed_line_takes_connections_again(line: Line) -> None:
    line.cut()
    line.heal()
    with socket.create_connection(line.address, PATIENCE) as near:
        assert said(near, b"words") == b"WORDS"


def test_over_a_stalled_line_nothing_arrives(line: Line, near: socket.socket, echo: Echo) -> None:
    line.stall()
    near.sendall(b"words")
    assert not echo.hears(b"words", AT_ONCE)


def test_over_a_deaf_line_nothing_arrives(line: Line, near: socket.socket, echo: Echo) -> None:
    line.stall(back=False)
    near.sendall(b"words")
    assert not echo.hears(b"words", AT_ONCE)


def test_over_a_mute_line_words_arrive_and_answers_do_not(line: Line, near: socket.socket, echo: Echo) -> None:
    line.stall(there=False)
    near.sendall(b"words")
    assert echo.hears(b"words")
    assert is_silent(near)


def test_what_was_held_back_arrives_when_the_line_is_healed(line: Line, near: socket.socket) -> None:
    line.stall()
    near.sendall(b"words")
    line.heal()
    assert near.recv(1000) == b"WORDS"


def test_what_was_held_back_arrives_although_its_sender_has_gone(line: Line, near: socket.socket, echo: Echo) -> None:
    line.stall()
    near.sendall(b"late words")
    assert not echo.hears(b"late words", AT_ONCE)
    near.close()
    line.heal()
    assert echo.hears(b"late words")


def test_a_line_to_nobody_ends_the_connection(lines: Lines) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        address: tuple[str, int] = gone.getsockname()
    with suppress(ConnectionError), socket.create_connection(lines.add(address).address, PATIENCE) as near:
        assert near.recv(1000) == b""


def test_a_line_speaks_tls_with_the_far_side_for_who_does_not(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path, "IP:127.0.0.1")
    theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    theirs.load_cert_chain(certificate, key)
    secret = Echo(theirs)
    with Lines() as lines:
        line = lines.add(secret.address, ssl.create_default_context(cafile=certificate))
        with socket.create_connection(line.address, PATIENCE) as near:
            assert said(near, b"words") == b"WORDS"
    secret.close()
