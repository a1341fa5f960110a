"""The worlds of `agenda prove`: somebody's servers, an embedded agenda of one's own, nodes on PostgreSQL."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit, urlunsplit

from agenda.prove.lines import Line, Lines
from agenda.prove.nodes import AGENDA, CAN_PAUSE, Node
from agenda.prove.postgres import Postgres
from agenda.prove.world import Breaker

CLOCK_OFF = 7 * 60
"""Seconds by which a clock is wrong."""
POSTGRES_PORT = 5432


class Outside:
    """Servers that somebody else runs: there is nothing of them to break but the lines to them."""

    kind = "outside"
    lasting = True
    breakers: Sequence[Breaker] = ()
    logs: Sequence[Path] = ()

    def __init__(self, addresses: Sequence[tuple[str, int]]) -> None:
        self.addresses = addresses

    def recover(self) -> None:
        """See World."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


class OwnWorld:
    """What the worlds have in common that start their servers themselves."""

    kind = ""
    lasting = False

    def __init__(self, *, language: str = "en", program: Sequence[str] = AGENDA) -> None:
        """`language` is that of the agenda's first names, `program` what stands in the place of `agenda`."""
        self.nodes: list[Node] = []
        self.breakers: list[Breaker] = []
        self.stack = ExitStack()
        self._language = language
        self._program = program

    @property
    def addresses(self) -> Sequence[tuple[str, int]]:
        """See World."""
        return [node.address for node in self.nodes]

    @property
    def logs(self) -> Sequence[Path]:
        """The files with what the nodes wrote; they go when the world is left."""
        return [node.log for node in self.nodes]

    def recover(self) -> None:
        """See World. A node that has ended is started once more, as an operator's system would."""
        for node in self.nodes:
            node.spawn()
        for node in self.nodes:
            node.wait()

    def build(self, folder: Path) -> None:
        """Make nodes and breakers; what has to be ended goes on the stack."""
        raise NotImplementedError

    def add_node(self, folder: Path, *options: str, **secrets: str) -> str:
        """A node that is not started yet; the name by which it is a target."""
        name = f"node {len(self.nodes) + 1}"
        log = folder / f"{name}.log"
        node = Node(options, log, secrets=secrets, language=self._language, program=self._program)
        self.stack.callback(node.kill)
        self.nodes.append(node)
        self.breakers += breakers_of(node, name)
        return name

    def __enter__(self) -> Self:
        with self.stack as stack:
            folder = stack.enter_context(TemporaryDirectory("", "agenda-prove-", ignore_cleanup_errors=True))
            self.build(Path(folder))
            self.recover()
            self.stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stack.close()


class Embedded(OwnWorld):
    """One server on the embedded database, with data that is thrown away."""

    kind = "embedded"

    def build(self, folder: Path) -> None:
        """See OwnWorld."""
        self.add_node(folder, "--data", str(folder / "data"))


class OnPostgres(OwnWorld):
    """Some nodes on one PostgreSQL: that of `url`, which is somebody's, or one of its own, which is thrown away."""

    kind = "postgres"

    def __init__(
        self, count: int = 3, url: str | None = None, *, language: str = "en", program: Sequence[str] = AGENDA
    ) -> None:
        super().__init__(language=language, program=program)
        self.lasting = url is not None
        self._count = count
        self._url = url
        self._database: Postgres | None = None

    def build(self, folder: Path) -> None:
        """See OwnWorld."""
        lines = self.stack.enter_context(Lines())
        url = self._url or self._own_database(folder)
        for _ in range(self._count):
            ways, through = reroute(url, lines)
            name = self.add_node(folder, AGENDA_STORE=through)
            self.breakers += breakers_of_lines(ways, "database_", name)

    def recover(self) -> None:
        """See World: first the database, then the nodes."""
        if self._database:
            self._database.start()
        super().recover()

    def _own_database(self, folder: Path) -> str:
        """Start a PostgreSQL and give its URL."""
        self._database = database = Postgres(folder / "postgres")
        self.stack.callback(database.stop)
        database.start()
        self.breakers.append(Breaker("database_kill", "database", database.kill, database.spawn, 0.1, 2.0))
        return database.url


def breakers_of(node: Node, name: str) -> list[Breaker]:
    """What can be done to a process: kill it, end it, let it stand still, give it a wrong clock."""

    def restart(*options: str) -> None:
        node.kill()
        node.spawn(*options)

    def ill_timed(kind: str, offset: int) -> Breaker:
        return Breaker(kind, name, partial(restart, "--clock-offset", str(offset)), restart, 2.0, 5.0)

    clocks = [ill_timed("clock_ahead", CLOCK_OFF), ill_timed("clock_behind", -CLOCK_OFF)]
    pauses = [Breaker("pause", name, node.pause, node.resume, 0.5, 4.0)] if CAN_PAUSE else []
    ends = [
        Breaker("kill", name, node.kill, node.spawn, 0.1, 2.0),
        Breaker("restart", name, node.end, restart, 1.0, 3.0),
    ]
    return [*ends, *pauses, *clocks]


def breakers_of_lines(lines: Sequence[Line], prefix: str, name: str) -> list[Breaker]:
    """What can be done to lines, all of them at once: cut them, stall them, or stall one direction only."""
    acts: dict[str, Callable[[Line], None]] = {
        "cut": Line.cut,
        "stall": Line.stall,
        "deaf": lambda line: line.stall(back=False),
        "mute": lambda line: line.stall(there=False),
    }

    def on_all(act: Callable[[Line], None]) -> Callable[[], None]:
        def do() -> None:
            for line in lines:
                act(line)

        return do

    return [Breaker(f"{prefix}{way}", name, on_all(act), on_all(Line.heal), 0.2, 3.0) for way, act in acts.items()]


def reroute(url: str, lines: Lines) -> tuple[list[Line], str]:
    """New lines to the hosts of a database's URL, and the URL that leads through them."""
    parts = urlsplit(url)
    who, at, hosts = parts.netloc.rpartition("@")
    ways = []
    for host in hosts.split(","):
        name, colon, port = host.rpartition(":")
        far = (name, int(port)) if colon and port.isdecimal() else (host, POSTGRES_PORT)
        ways.append(lines.add((far[0].strip("[]") or "localhost", far[1])))
    near = ",".join(f"127.0.0.1:{way.port}" for way in ways)
    return ways, urlunsplit(parts._replace(netloc=f"{who}{at}{near}"))
