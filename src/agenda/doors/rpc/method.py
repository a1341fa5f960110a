"""What the door knows of a method, and when it may be called at all."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agenda.domain.errors import Invalid, NotSignedIn
from agenda.doors.rpc.caller import Caller
from agenda.doors.rpc.gate import Order
from agenda.doors.rpc.params import Params, read
from agenda.engine.ports import Reply

Serve = Callable[[Caller, Any, dict[str, Any], Reply], None]
Encode = Callable[[Caller, Any], bytes]


@dataclass(frozen=True, slots=True)
class Method:
    """`serve` gives an AgendaError or a value to its reply, at once or later; `encode` makes JSON of the value.

    `serve` gets the parameters as their shape and as sent. It is called with a session only, unless the method is
    `open_to_all`, or `outlives_session` and the call has a `request` that may have been answered before.
    """

    shape: type[Params]
    order: Order
    serve: Serve
    encode: Encode
    open_to_all: bool = False
    outlives_session: bool = False

    def start(self, caller: Caller, sent: Any, reply: Reply) -> None:
        """Serve a call with these parameters, or refuse it."""
        stranger = not self.open_to_all and caller.signed_in() is None
        if stranger and not (self.outlives_session and "request" in sent):
            reply(NotSignedIn())
            return
        wish = read(self.shape, sent, caller.zone)
        if type(wish) is Invalid:
            reply(NotSignedIn() if stranger else wish)
        else:
            self.serve(caller, wish, sent, reply)
