"""Where the servers are and who signs in, as typed on the first screen."""

from dataclasses import dataclass

from agenda.addresses import Address, join_address, join_addresses


@dataclass(frozen=True)
class SignIn:
    """What is needed to open a session, at any of the servers; with `create` an unknown name becomes an account."""

    servers: tuple[Address, ...]
    user: str
    password: str
    create: bool
    tls: bool

    @property
    def server(self) -> str:
        """As it is typed."""
        return join_addresses(self.servers)

    @property
    def shortly(self) -> str:
        """The first server, and how many more there are."""
        first, more = join_address(*self.servers[0]), len(self.servers) - 1
        return f"{first} +{more}" if more else first
