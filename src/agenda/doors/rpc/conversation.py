"""The calls of one client: which is next, when it may start, and how its answer is written."""

from collections import deque
from typing import Any, Final, Protocol

from agenda.domain.errors import AgendaError, Internal, Invalid, Unavailable
from agenda.doors.rpc import errors, jsonrpc
from agenda.doors.rpc.caller import Caller
from agenda.doors.rpc.gate import Gate, Order
from agenda.doors.rpc.jsonrpc import Batch, Call
from agenda.doors.rpc.limits import Limits
from agenda.doors.rpc.lines import LineBuffer, LineTooLong
from agenda.doors.rpc.method import Method
from agenda.doors.rpc.methods import METHODS

_FREE: Final = Order.FREE


class Line(Protocol):
    """The connection that carries a conversation; not `writable` while too much is there that was not yet read."""

    writable: bool

    def send(self, message: bytes) -> None:
        """Put a message on the wire; the newline is added here."""

    def go_on(self) -> None:
        """Something was answered while more is there, or the end is near: more may start now, or all be over."""

    def incident(self, error: BaseException) -> str:
        """Log a defect; the id under which it can be found."""


class Conversation:
    """Bytes in, messages out. Lines behind a call that must wait stay bytes; one batch is served at a time.

    `stopping` refuses what has not started yet. `last_words` is set after a line that is too long: what to say before
    hanging up; nothing after it is looked at. `ending` says that it is over once all is answered.
    """

    __slots__ = (
        "_batch",
        "_ended",
        "_gate",
        "_limits",
        "_line",
        "_members",
        "_notices",
        "caller",
        "closed",
        "ending",
        "last_words",
        "lines",
        "lines_taken",
        "stopping",
    )

    def __init__(self, caller: Caller, line: Line, limits: Limits) -> None:
        self.caller = caller
        self.lines = LineBuffer()
        self.lines_taken = 0
        self.last_words: bytes | None = None
        self.stopping = self.closed = self.ending = False
        self._line = line
        self._limits = limits
        self._gate = Gate()
        self._members: deque[Call] = deque()  # of the line that was read last, not yet started
        self._batch: _OpenBatch | None = None
        self._notices: list[bytes] = []  # held back while a batch is served: its answer may be what announces them
        self._ended = False

    def end_of_input(self) -> None:
        """Nothing more will come: what is there is the last line."""
        self._ended = self.ending = True

    def stop(self) -> None:
        """Refuse what has not started yet."""
        self.stopping = self.ending = True

    @property
    def started(self) -> int:
        """How many calls are with the engine."""
        return self._gate.started

    @property
    def at_rest(self) -> bool:
        """Whether everything that was taken is answered."""
        return not self._gate.started and not self._members and self._batch is None

    def advance(self, most: int) -> int:
        """Start calls while they may start, at most so many; how many it were, blank lines included.

        Answers may come before it returns.
        """
        gate, members = self._gate, self._members
        for done in range(most):
            if not self.stopping and (gate.started >= self._limits.unanswered or not self._line.writable):
                return done
            if not members:
                if not (self.lines.length and self._read_line()):
                    return done
                if not members:
                    continue  # a blank line
            call = members[0]
            method = METHODS.get(call.method) if call.fault is None else None
            order = _FREE if method is None or self.stopping else method.order
            if not gate.enter(order):
                return done
            members.popleft()
            self._start(call, method, order)
        return most

    def _read_line(self) -> bool:
        """Take the calls of the next line; False if there is none, or a batch must be answered first."""
        if self._batch is not None or self.last_words is not None:
            return False
        try:
            line = self.lines.take_rest() if self._ended else self.lines.take()
        except LineTooLong:
            self.lines.clear()
            self.ending = True
            self.last_words = jsonrpc.refusal(b"null", errors.too_long(self.caller.language))
            return False
        if line is None:
            return False
        self.lines_taken += 1
        asked = jsonrpc.decode(line)
        if type(asked) is Call:
            self._members.append(asked)
        elif type(asked) is Batch:
            self._batch = _OpenBatch(len(asked.calls))
            self._members.extend(asked.calls)
        return True

    def _start(self, call: Call, method: Method | None, order: Order) -> None:
        if method is None:
            answer = None if call.id is None else jsonrpc.refusal(call.id, self._fault(call))
            self.answered(order, self._batch, answer)
            return
        pending = _Pending(self, call.id, method, order, self._batch)
        if self.stopping or (self._batch is not None and self._batch.size > self._limits.batch_answer):
            pending(Unavailable(self._limits.retry_after))
        else:
            try:
                method.start(self.caller, call.params, pending)
            except Exception as error:  # noqa: BLE001  # a defect must not end the other calls
                pending(Internal(self._line.incident(error)))

    def _fault(self, call: Call) -> bytes:
        """The `error` member for a call that cannot be served whatever its parameters."""
        if call.fault == jsonrpc.INVALID_PARAMS:
            return self.refused(Invalid("id", "text" if (call.id or b"").startswith(b'"') else "out_of_range"))
        return errors.faulty(call.fault or jsonrpc.METHOD_NOT_FOUND, self.caller.language)

    def refused(self, error: AgendaError) -> bytes:
        """The `error` member for a refusal, in this client's language."""
        return errors.refused(error, self.caller.language, self.caller.zone)

    def answer(self, call_id: bytes, method: Method, result: Any) -> bytes:
        """The answer that a call gets for what the engine replied."""
        if isinstance(result, AgendaError):
            return jsonrpc.refusal(call_id, self.refused(result))
        try:
            return jsonrpc.answer(call_id, method.encode(self.caller, result))
        except Exception as error:  # noqa: BLE001  # nor must a value that has no JSON
            return jsonrpc.refusal(call_id, self.refused(Internal(self._line.incident(error))))

    def answered(self, order: Order, batch: "_OpenBatch | None", answer: bytes | None) -> None:
        """A call is over: send its answer, alone or with its batch; None for a notification."""
        self._gate.leave(order)
        if batch is not None:
            if batch.answered(answer):
                self._end_batch(batch)
        elif answer is not None:
            self._line.send(answer)
        if self._members or self.lines.length or self.ending:
            self._line.go_on()

    def _end_batch(self, batch: "_OpenBatch") -> None:
        """Send the answers of a batch, then what its answer had to precede."""
        self._batch = None
        if batch.answers:
            self._line.send(jsonrpc.batch_answer(batch.answers))
        notices, self._notices = self._notices, []
        for notice in notices:
            self._line.send(notice)

    def notify(self, notice: bytes) -> None:
        """Send a notification, after the answer to the batch that is being served."""
        if self._batch is None:
            self._line.send(notice)
        else:
            self._notices.append(notice)

    def close(self) -> None:
        """The client is gone or will be: start nothing more, watch nothing more, answer nothing more."""
        self.closed = True
        self.lines.clear()
        self._members.clear()
        self._notices.clear()
        self.caller.leave()


class _OpenBatch:
    """A batch that is being served: how many members are unanswered, and the answers so far."""

    __slots__ = ("answers", "left", "size")

    def __init__(self, members: int) -> None:
        self.left = members
        self.answers: list[bytes] = []
        self.size = 0

    def answered(self, answer: bytes | None) -> bool:
        """Take a member's answer; whether it was the last one."""
        self.left -= 1
        if answer is not None:
            self.answers.append(answer)
            self.size += len(answer)
        return not self.left


class _Pending:
    """A call that was started: called with the engine's reply, once; what comes after that is ignored."""

    __slots__ = ("_batch", "_conversation", "_id", "_method", "_order")

    def __init__(
        self,
        conversation: Conversation,
        call_id: bytes | None,
        method: Method,
        order: Order,
        batch: _OpenBatch | None,
    ) -> None:
        self._conversation: Conversation | None = conversation  # until it is answered
        self._id = call_id
        self._method = method
        self._order = order
        self._batch = batch

    def __call__(self, result: Any) -> None:
        conversation, call_id = self._conversation, self._id
        self._conversation = None
        if conversation is None or conversation.closed:
            return
        answer = None if call_id is None else conversation.answer(call_id, self._method, result)
        conversation.answered(self._order, self._batch, answer)
