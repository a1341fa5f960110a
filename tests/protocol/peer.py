"""A stranger with a socket: sends lines to the port and reads what comes back."""

import itertools
import json
import socket
import ssl
from collections import deque
from types import TracebackType
from typing import Any, Self

from .conform import read_line

Address = tuple[str, int]
PASSWORD = "a password"
DEADLINE = 30.0
"""Seconds within which every awaited line must come; only a hang ever lasts so long."""


class RefusedError(Exception):
    """An error that the server answered: its outer `code`, its `message` and its `data`."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error)
        self.code: int = error["code"]
        self.message: str = error["message"]
        self.data: dict[str, Any] = error.get("data", {})


class Peer:
    """One connection. `source` is the address to come from, `tls` the context to speak TLS with."""

    def __init__(
        self,
        address: Address,
        *,
        source: str | None = None,
        tls: ssl.SSLContext | None = None,
        receive_buffer: int | None = None,
    ) -> None:
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        plain = socket.socket(family)
        plain.settimeout(DEADLINE)
        if receive_buffer is not None:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if source is not None:
            plain.bind((source, 0))
        plain.connect(address)
        self.socket = tls.wrap_socket(plain, server_hostname="localhost") if tls else plain
        self.user, self.password, self.token = "", "", ""
        self._ids = itertools.count(1)
        self._arrived = bytearray()
        self._answers: dict[Any, dict[str, Any]] = {}
        self._changes: deque[dict[str, Any]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, e: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    # -- lines

    def write(self, data: bytes) -> None:
        self.socket.sendall(data)

    def send(self, message: Any) -> None:
        self.write(json.dumps(message).encode() + b"\n")

    def end(self) -> None:
        """Shut the sending side."""
        self.socket.shutdown(socket.SHUT_WR)

    def read(self) -> Any:
        """The next line, whatever it is; EOFError when the server has closed the connection."""
        while b"\n" not in self._arrived:
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:
                data = b""
            if not data:
                if self._arrived:
                    raise AssertionError(f"cut off: {bytes(self._arrived[-80:])!r}")
                raise EOFError
            self._arrived += data
        line, _, rest = self._arrived.partition(b"\n")
        self._arrived = rest
        return read_line(bytes(line) + b"\n")

    def read_all(self) -> list[Any]:
        """Every line until the server closes the connection."""
        lines = []
        while True:
            try:
                lines.append(self.read())
            except EOFError:
                return lines

    def is_closed_by_server(self) -> bool:
        return self.read_all() == []

    # -- requests

    def post(self, method: str, /, **params: Any) -> int:
        """Sends a request without waiting; returns its id."""
        number = next(self._ids)
        self.send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        return number

    def post_all(self, *requests: tuple[str, dict[str, Any]]) -> list[int]:
        """Sends many requests with a single write; returns their ids."""
        numbers = [next(self._ids) for _ in requests]
        self.write(
            b"".join(
                json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode() + b"\n"
                for number, (method, params) in zip(numbers, requests, strict=True)
            )
        )
        return numbers

    def answer(self, number: Any) -> dict[str, Any]:
        """The whole answer with this id; notifications and other answers met meanwhile are kept."""
        while number not in self._answers:
            self._keep(self.read())
        return self._answers.pop(number)

    def answers(self, numbers: list[int]) -> list[dict[str, Any]]:
        return [self.answer(number) for number in numbers]

    def call(self, method: str, /, **params: Any) -> Any:
        """The result; RefusedError for an error."""
        answer = self.answer(self.post(method, **params))
        if "error" in answer:
            raise RefusedError(answer["error"])
        return answer["result"]

    def refusal(self, method: str, /, **params: Any) -> dict[str, Any]:
        """The `data` of the error that this call must meet."""
        answer = self.answer(self.post(method, **params))
        assert "error" in answer, f"{method} was not refused: {answer}"
        data: dict[str, Any] = answer["error"].get("data", {})
        return data

    def batch(self, *requests: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
        """The answers to a batch, in the order of the requests."""
        numbers = [next(self._ids) for _ in requests]
        self.send(
            [
                {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
                for number, (method, params) in zip(numbers, requests, strict=True)
            ]
        )
        while not isinstance(message := self.read(), list):
            self._keep(message)
        by_id = {answer["id"]: answer for answer in message}
        assert sorted(by_id) == numbers
        return [by_id[number] for number in numbers]

    def change(self) -> dict[str, Any]:
        """The parameters of the next `slot.changed`."""
        while not self._changes:
            self._keep(self.read())
        return self._changes.popleft()

    def arrived_changes(self) -> list[dict[str, Any]]:
        """Every `slot.changed` that came so far and was not read yet."""
        changes = list(self._changes)
        self._changes.clear()
        return changes

    def _keep(self, message: dict[str, Any]) -> None:
        if "method" in message:
            if message["method"] in {"server.stopping", "store.changed"}:
                return
            assert message["method"] == "slot.changed", message
            assert message["params"].keys() == {"watch", "version", "slots"}, message
            self._changes.append(message["params"])
        else:
            self._answers[message["id"]] = message

    # -- what tests do all the time

    def sign_up(self, user: str, password: str = PASSWORD, language: str = "pt-BR") -> Self:
        opened = self.call("session.open", user=user, password=password, create=True, language=language)
        self.user, self.password, self.token = opened["user"]["name"], password, opened["token"]
        return self

    def states(self, day: str) -> list[str]:
        return [slot["state"] for slot in self.call("slot.list", day=day)["slots"]]

    def log(self) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self.call("audit.list", limit=100)["entries"]
        return entries
