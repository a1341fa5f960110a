"""A site as a world of `agenda prove`, with the clients on a machine of their own."""

from collections.abc import Collection, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from agenda.prove.world import Breaker
from tests.ha.faults import breakers
from tests.ha.site import Site


class HighlyAvailable:
    """A World on a site that somebody else started and ends; `kinds` are the faults to try, all where None.

    The thread that enters it, and what that thread starts, sees the network as the clients' machine does. The machine
    is new each time it is entered, since nodes take only so many new accounts from one address.
    """

    kind = "highly available"
    lasting = False

    def __init__(self, site: Site, kinds: Collection[str] | None = None) -> None:
        self._site = site
        self._stack = ExitStack()
        self.breakers: Sequence[Breaker] = [
            breaker for breaker in breakers(site) if kinds is None or breaker.kind in kinds
        ]

    @property
    def addresses(self) -> Sequence[tuple[str, int]]:
        """See World."""
        return [node.address for node in self._site.nodes]

    def recover(self) -> None:
        """See World."""
        try:
            self._site.recover()
        except TimeoutError as error:
            raise RuntimeError(str(error)) from error

    def __enter__(self) -> Self:
        self._stack.enter_context(self._site.client_machine().inside())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
