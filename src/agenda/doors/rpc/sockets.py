"""Listening sockets: where a host name leads, whether that is this machine alone, and who else has the port."""

import errno
import os
import socket
from ipaddress import ip_address
from typing import Final

BACKLOG: Final = 4096  # the system may allow less
_TRIES: Final = 20  # to find a port that is free on every address, where any will do


class CannotListen(OSError):
    """The address cannot be listened on; its text says why, `__cause__` is the system's error."""


class PortInUse(CannotListen):
    """Another program listens there already."""


class NotPrivate(CannotListen):
    """The address can be reached from other machines, and there is no TLS."""


Address = tuple[socket.AddressFamily, str]


def resolve(host: str) -> list[Address]:
    """The addresses that `host` stands for; localhost is both loopbacks. Raises CannotListen."""
    if host == "localhost":
        return [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]
    try:
        found = socket.getaddrinfo(host or None, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise CannotListen(f"{host}: no such address on this machine") from error
    return list(dict.fromkeys((family, str(address[0])) for family, _, _, _, address in found))


def is_private(addresses: list[Address]) -> bool:
    """Whether none of them can be reached from another machine."""
    return all(ip_address(address.partition("%")[0]).is_loopback for _, address in addresses)


def refuse_exposure(host: str, *, protected: bool) -> None:
    """Raises NotPrivate where other machines can reach `host` and neither TLS nor the owner's word protects it.

    Raises CannotListen if it is no address.
    """
    if not (protected or is_private(resolve(host))):
        raise NotPrivate(f"{host} can be reached from other machines: give a certificate, or say --insecure")


def try_out(host: str, port: int) -> None:
    """Listen for a moment, to know early whether it can be done. Raises what `listen` raises."""
    for listener in listen(host, port):
        listener.close()


def listen(host: str, port: int) -> list[socket.socket]:
    """Sockets that listen on every address of `host`, all on one port; 0 stands for one that is free.

    Of localhost's two addresses one may be missing on this machine. Raises PortInUse, CannotListen.
    """
    addresses = resolve(host)
    for tries_left in reversed(range(_TRIES)):
        try:
            return _listen(addresses, port, optional=host == "localhost")
        except PortInUse:
            if port or not tries_left:
                raise
    raise AssertionError


def _listen(addresses: list[Address], port: int, *, optional: bool) -> list[socket.socket]:
    sockets: list[socket.socket] = []
    missing: OSError | None = None
    try:
        for family, address in addresses:
            try:
                sockets.append(_listener(family, address, port))
            except OSError as error:
                if not optional or error.errno not in _MISSING:
                    raise
                missing = error
            else:
                port = sockets[-1].getsockname()[1]
        if not sockets:
            raise CannotListen(f"no loopback address: {missing}") from missing
    except OSError as error:
        for opened in sockets:
            opened.close()
        if isinstance(error, CannotListen):
            raise
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(f"port {port} is in use by another program") from error
        raise CannotListen(f"cannot listen on {address}, port {port}: {error.strerror}") from error
    return sockets


_MISSING: Final = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT}


def _listener(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        elif hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        _keep_alive(listener)
        listener.bind((address, port))
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


# A peer that vanished without a word is found out after 60 + 4 * 15 s.
_KEEPALIVE: Final = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}


def _keep_alive(listener: socket.socket) -> None:
    """Let the system find out when a client has vanished, however long both are silent; connections inherit this."""
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE.items():
        if hasattr(socket, name):
            listener.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def allow_open_files(wanted: int) -> int:
    """Raise this process's limit of open files towards `wanted`, as far as the system lets it; the limit that holds."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        except (OSError, ValueError):
            return soft
        return most
    return wanted if soft == resource.RLIM_INFINITY else soft
