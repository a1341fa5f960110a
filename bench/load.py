"""The load generator: many connections, one request in flight on each, lines built before the clock runs."""

import contextlib
import gc
import select
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bench.processes import LOAD_CORE, on_core

OK = b'"result":'
SECOND = 1_000_000_000


@dataclass
class Measured:
    """What came back within the measured window."""

    seconds: float = 0.0
    acknowledged: int = 0
    refused: int = 0
    refusal: bytes = b""
    """The last one."""
    latencies: list[int] = field(default_factory=list)
    """Nanoseconds from sending to the end of the answer, one for each answer."""

    @property
    def answers_per_second(self) -> float:
        return (self.acknowledged + self.refused) / self.seconds

    @property
    def acknowledged_per_second(self) -> float:
        return self.acknowledged / self.seconds

    @property
    def longest(self) -> float:
        """The longest latency, in milliseconds."""
        return max(self.latencies) / 1e6

    def milliseconds(self, share: float) -> float:
        """The latency that this share of the answers did not exceed."""
        ordered = sorted(self.latencies)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] / 1e6


class _Caller:
    """One connection and what it still has to ask."""

    __slots__ = ("begun", "lines", "recv", "send", "sent")

    def __init__(self, sock: socket.socket, lines: Iterator[bytes]) -> None:
        self.recv = sock.recv
        self.send = sock.send
        self.lines = lines
        self.sent = 0
        self.begun = b""  # the first piece of an answer that came in pieces


def drive(
    sockets: Sequence[socket.socket],
    lines: Sequence[Sequence[bytes]],
    *,
    seconds: float,
    warm_up: float = 0.5,
    pinned: bool = True,
) -> Measured:
    """Send each connection its own lines, one after the other, for `warm_up`, then for `seconds`.

    The load has its own core if it is `pinned`, else all there are.
    Ends earlier when all lines are used up; then the window ends with the last answer. Raises ConnectionError
    when the server closes a connection and TimeoutError when nothing arrives for 30 seconds.
    """
    callers = {sock.fileno(): _Caller(sock, iter(own)) for sock, own in zip(sockets, lines, strict=True)}
    poll = select.epoll(len(sockets) + 1)
    for sock in sockets:
        sock.setblocking(False)
        poll.register(sock.fileno(), select.EPOLLIN)
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        with on_core(LOAD_CORE) if pinned else contextlib.nullcontext():
            return _run(poll, callers, int(warm_up * SECOND), int(seconds * SECOND))
    finally:
        gc.enable()
        gc.unfreeze()
        poll.close()
        for sock in sockets:
            sock.settimeout(60)


def _run(poll: select.epoll, callers: dict[int, _Caller], warm_up: int, window: int) -> Measured:
    measured = Measured()
    latencies = measured.latencies
    clock = time.perf_counter_ns
    begin = clock() + warm_up
    end = begin + window
    in_flight = 0
    for caller in callers.values():
        in_flight += _ask(caller, clock())
    now = begin
    while in_flight:
        events = poll.poll(30)
        if not events:
            raise TimeoutError(f"{in_flight} requests without an answer")
        for number, _ in events:
            caller = callers[number]
            data = caller.recv(65536)
            now = clock()
            if not data.endswith(b"\n"):
                if not data:
                    raise ConnectionError("closed by the server")
                caller.begun = caller.begun or data
                continue
            if begin <= now < end:
                latencies.append(now - caller.sent)
                if OK in (caller.begun or data):
                    measured.acknowledged += 1
                else:
                    measured.refused += 1
                    measured.refusal = caller.begun or data
            caller.begun = b""
            in_flight -= 1
            if now < end:
                in_flight += _ask(caller, now)
    measured.seconds = (min(now, end) - begin) / SECOND
    return measured


def _ask(caller: _Caller, now: int) -> int:
    """Send the next line; how many requests that put in flight."""
    line = next(caller.lines, None)
    if line is None:
        return 0
    caller.sent = now
    caller.send(line)
    return 1
