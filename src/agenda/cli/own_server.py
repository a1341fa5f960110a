"""A server of one's own for a demonstration, on data that is thrown away."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from agenda.cli.exits import Failure, Status
from agenda.prove.nodes import Node, NotStarted
from agenda.texts import Texts


@contextmanager
def own_server(t: Texts) -> Iterator[int]:
    """Start it and give the port once it answers; it is stopped and its data deleted when the block ends."""
    with TemporaryDirectory(prefix="agenda-demo-", ignore_cleanup_errors=True) as folder:
        node = Node(["--data", f"{folder}/data"], Path(folder) / "server.txt", language=t.language)
        try:
            node.start()
            yield node.port
        except NotStarted as error:
            raise Failure(Status.NO_SERVER, "no_server", t("cli.demo.no_start", said=error)) from error
        finally:
            node.stop()
