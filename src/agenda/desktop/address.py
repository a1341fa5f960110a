"""Where the servers are and who signs in, as typed on the first screen."""

from dataclasses import dataclass

from agenda.addresses import Address, join_addresses


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
