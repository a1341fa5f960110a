"""Where the server is and who signs in, as typed on the first screen."""

from dataclasses import dataclass

DEFAULT_PORT = 8888
_LAST_PORT = 65535


@dataclass(frozen=True)
class SignIn:
    """What is needed to open a session; with `create` an unknown name becomes an account."""

    host: str
    port: int
    user: str
    password: str
    create: bool
    tls: bool

    @property
    def server(self) -> str:
        return join_address(self.host, self.port)


def join_address(host: str, port: int) -> str:
    """The way `parse_address` reads it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def parse_address(text: str) -> tuple[str, int] | None:
    """Host and port of "host", "host:port", "[::1]:port"; None where that is not what it is."""
    text = text.strip()
    host, port = text, ""
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    if not host or (port and not (port.isascii() and port.isdigit())):
        return None
    number = int(port or DEFAULT_PORT)
    return (host, number) if 0 < number <= _LAST_PORT else None
