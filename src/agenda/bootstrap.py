"""The only file that joins settings, store, engine and doors; runs the server until it is told to stop."""

import gc
import os
import signal
import ssl
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Thread, get_native_id
from time import monotonic
from typing import TYPE_CHECKING

from agenda.console import Console, configure_log, log_recovery, log_trouble
from agenda.domain.audit import AuditEntry
from agenda.domain.model import Catalogue, UserId
from agenda.doors.rpc.errors import log_incident
from agenda.doors.rpc.server import RpcServer
from agenda.doors.rpc.sockets import refuse_exposure, try_out
from agenda.engine.engine import Engine
from agenda.engine.health import UPKEEP
from agenda.engine.ports import Store, StoreUnavailable
from agenda.engine.timetable import utc_now
from agenda.settings import Settings, machine_zone
from agenda.storage.database import open_store
from agenda.storage.first import first_catalogue
from agenda.storage.userlogs import UserLogs
from agenda.texts import Texts, texts

if TYPE_CHECKING:
    from agenda.doors.monitor.monitor import Monitor

CHECKPOINT_SECONDS = 0.25
TIDY_SECONDS = 60.0

# A signal may reach another thread; its handler runs when this one, the first, comes round.
HEED_SECONDS = 0.2

# How many new objects there may be before cycles are looked for among them; a batch makes a few thousand.
YOUNG_OBJECTS = 50_000


@dataclass(frozen=True, slots=True)
class Log:
    """The engine's port `Log`: entries go to the readable logs of users, if there are any, defects to the console's."""

    users: UserLogs | None = None

    def entries(self, entries: Sequence[AuditEntry]) -> None:
        """See agenda.engine.ports.Log."""
        if self.users is not None:
            self.users.entries(entries)

    def erased(self, user: UserId) -> None:
        """See agenda.engine.ports.Log."""
        if self.users is not None:
            self.users.erased(user)

    def trouble(self, error: StoreUnavailable) -> None:
        """See agenda.engine.ports.Log."""
        log_trouble(error)

    def recovered(self, seconds: float) -> None:
        """See agenda.engine.ports.Log."""
        log_recovery(seconds)

    def incident(self, error: BaseException) -> str:
        """See agenda.engine.ports.Log."""
        return log_incident(error)


@contextmanager
def running(settings: Settings, console: Console) -> Iterator[RpcServer]:
    """A server that answers, within the block; at its end everything stops in reverse order of its start.

    Raises StoreUnavailable, CannotListen, ssl.SSLError, OSError: the real cause.
    """
    tls = tls_context(settings.certificate, settings.key)
    refuse_exposure(settings.host, protected=tls is not None or settings.insecure)
    with storage(settings) as (store, log):
        engine = Engine(store, log, clock=lambda: utc_now() + settings.clock_offset)
        server = RpcServer(
            engine,
            settings.host,
            settings.port,
            tls=tls,
            insecure=settings.insecure,
            proxies=settings.proxies,
            presence=console.presence,
        )
        with (
            started(engine.start, engine.stop),
            upkeep(store, engine),
            started(server.start, server.stop),
        ):
            try:
                yield server
            finally:
                engine.wind_down()


@contextmanager
def storage(settings: Settings) -> Iterator[tuple[Store, Log]]:
    """The store, and the log that goes with it; closed at the end of the block. Raises StoreUnavailable, OSError."""

    def first() -> Catalogue:
        return first_offer(texts(settings.language))

    if settings.store is not None:
        from agenda.storage.postgres_store import PostgresStore

        shared = PostgresStore(settings.store, first)
        with started(lambda: None, shared.close):
            yield shared, Log()
        return
    if not settings.data.exists():  # a first start that is refused leaves no folder behind
        try_out(settings.host, settings.port)
    store = open_store(settings.data, first, clock=lambda: utc_now() + settings.clock_offset)
    with started(lambda: None, store.close):
        logs = store.user_logs()
        with started(logs.start, logs.stop):
            yield store, Log(logs)


def first_offer(t: Texts) -> Catalogue:
    """The agenda of the first start, in the machine's time zone and the server's language."""
    names = (t("server.first.business"), t("server.first.resource"), t("server.first.service"))
    return first_catalogue(*names, timezone=machine_zone(), language=t.language)


@contextmanager
def started(start: Callable[[], None], stop: Callable[[], None]) -> Iterator[None]:
    """Start, and stop at the end of the block."""
    start()
    try:
        yield
    finally:
        stop()


@contextmanager
def upkeep(store: Store, engine: Engine) -> Iterator[None]:
    """Checkpoint beside the commits, and tidy between them, as long as the block runs."""
    done = Event()

    def work() -> None:
        step_back()
        rounds = 0
        while not done.wait(CHECKPOINT_SECONDS):
            rounds += 1
            try:
                store.checkpoint()
            except StoreUnavailable as away:
                engine.health.trouble(away, UPKEEP)
            except Exception as defect:  # noqa: BLE001  # the next round may go well, and the log must not grow for ever
                log_incident(defect)
            else:
                engine.health.ok(UPKEEP)
            if rounds % (TIDY_SECONDS // CHECKPOINT_SECONDS) == 0:
                engine.tidy()

    thread = Thread(target=work, name="upkeep", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def step_back() -> None:
    """Let other threads of the process go first, where each has a priority of its own: on Linux."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, get_native_id(), os.getpriority(os.PRIO_PROCESS, 0) + 10)


@contextmanager
def monitoring(settings: Settings, console: Console) -> "Iterator[Monitor | None]":
    """What answers probes within the block, if it is wanted; a desk does without it and what it imports.

    Raises CannotMonitor.
    """
    if settings.monitor is None:
        yield None
        return
    from agenda.doors.monitor.monitor import Monitor

    monitor = Monitor(settings.monitor)
    with started(monitor.start, monitor.stop):
        console.monitoring(settings.monitor[0], monitor.addresses[0][1])
        yield monitor


def tls_context(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """A server's TLS settings, 1.2 or newer; None without a certificate. Raises OSError, ssl.SSLError."""
    if certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context


def spare_the_collector() -> None:
    """Keep the cycle collector from walking through what lives as long as the server, batch after batch."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 50, 100)


def serve(settings: Settings) -> None:
    """Run until SIGTERM or Ctrl-C, and then as long as `settings.drain` says, or until the next of them.

    Raises what `running` and `monitoring` raise.
    """
    configure_log()
    console = Console(texts(settings.language))
    signals = SimpleQueue[int]()  # which a handler may fill whatever it interrupts
    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda number, _: signals.put(number))
    with monitoring(settings, console) as monitor, running(settings, console) as server:
        if monitor:
            monitor.watch(server)
        spare_the_collector()
        console.ready(settings.host, server.addresses[0][1])
        while not comes(signals, 3600.0):  # with a time, since a wait without one is deaf to Ctrl-C on Windows
            pass
        if monitor:
            monitor.drain()
        if settings.drain:
            console.say("server.draining", seconds=settings.drain)
            comes(signals, settings.drain)
        console.say("server.stopping")
    console.say("server.stopped")


def comes(signals: "SimpleQueue[int]", within: float) -> bool:
    """Whether a signal comes within so many seconds."""
    deadline = monotonic() + within
    while (left := deadline - monotonic()) > 0:
        with suppress(Empty):
            signals.get(timeout=min(left, HEED_SECONDS))
            return True
    return False
