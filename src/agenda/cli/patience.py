"""Tells whoever waits at a terminal why nothing comes: the server is there, and its data are not."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agenda.cli.address import Address
    from agenda.cli.terminal import Terminal
    from agenda.client import Client

SOON = 2.0
"""Seconds after which somebody who waits wonders."""
_LOOK = 0.2


@contextmanager
def explained(client: Client, address: Address, terminal: Terminal) -> Iterator[None]:
    """While the block waits for data that are away, say so once, on standard error, if a person sees it."""
    if terminal.json or not sys.stderr.isatty():
        yield
        return
    over = Event()
    watcher = Thread(target=_watch, args=(client, address, terminal, over), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _watch(client: Client, address: Address, terminal: Terminal, over: Event) -> None:
    began = monotonic()
    while not over.wait(_LOOK):
        if client.refused and monotonic() - began >= SOON:
            sentence = terminal.t("cli.waiting.data", address=address, seconds=f"{client.timeout:.0f}")
            sys.stderr.write(f"{sentence}\n")
            sys.stderr.flush()
            return
