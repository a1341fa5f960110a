"""Whether this node works, whether clients should come to it, and what it counts: /healthz, /readyz, /metrics."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from agenda.doors.monitor.http import HttpServer, Page
from agenda.doors.monitor.metrics import CONTENT_TYPE, Metrics, Reading
from agenda.doors.rpc.errors import log_incident
from agenda.doors.rpc.server import RpcServer
from agenda.doors.rpc.sockets import CannotListen, PortInUse

PATIENCE: Final = 0.8  # seconds for the I/O thread to come round; probes themselves mostly wait for one


class CannotMonitor(OSError):
    """The monitor's address cannot be listened on; its text says why, `__cause__` is the system's error."""


class MonitorPortInUse(CannotMonitor):
    """Another program listens there already."""


class Monitor:
    """Answers from `start` to `stop`, which stand around the life of the server; any thread may call its methods.

    `address` is a host and a port, of which 0 is any that is free. There is no TLS and no password: what it tells is
    for whoever runs the node.
    """

    def __init__(self, address: tuple[str, int], *, incident: Callable[[BaseException], str] = log_incident) -> None:
        self._door: RpcServer | None = None
        self._draining = False
        self._metrics = Metrics(self._reading)
        pages = {"/healthz": self._healthz, "/readyz": self._readyz, "/metrics": self._page_of_metrics}
        self._http = HttpServer(pages, *address, incident)

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Where it listens, once it is started."""
        return self._http.addresses

    def start(self) -> None:
        """Return when the port answers: with `starting`. Raises MonitorPortInUse, CannotMonitor."""
        try:
            self._http.start()
        except CannotListen as error:
            kind = MonitorPortInUse if isinstance(error, PortInUse) else CannotMonitor
            raise kind(str(error)) from error.__cause__

    def stop(self) -> None:
        """Answer no more."""
        self._http.stop()

    def watch(self, door: RpcServer) -> None:
        """The server is at work from now on."""
        self._door = door

    def drain(self) -> None:
        """New clients should go elsewhere from now on."""
        self._draining = True

    async def _healthz(self) -> Page:
        return _verdict(await self._fault())

    async def _readyz(self) -> Page:
        return _verdict("draining" if self._draining else await self._fault() or self._hindrance())

    async def _page_of_metrics(self) -> Page:
        return Page(HTTPStatus.OK, self._metrics.page(), CONTENT_TYPE)

    async def _fault(self) -> str:
        """Which thread does not work, if any; before the server is at work none has to."""
        if self._door is None:
            return ""
        vitals = self._door.engine.vitals()
        if not (vitals.committing and vitals.following):
            return "following" if vitals.committing else "committer"
        return "" if await asyncio.to_thread(self._door.answers, PATIENCE) else "io"

    def _hindrance(self) -> str:
        """Why a server without fault cannot serve, if it cannot."""
        if self._door is None:
            return "starting"
        return "" if self._door.engine.health.available else "store_away"

    def _reading(self) -> Reading | None:
        door = self._door
        if door is None:
            return None
        engine = door.engine
        return Reading(engine.meter, engine.vitals(), engine.health.available, door.connections)


def _verdict(trouble: str) -> Page:
    status = HTTPStatus.SERVICE_UNAVAILABLE if trouble else HTTPStatus.OK
    return Page(status, f"{trouble or 'ok'}\n".encode())
