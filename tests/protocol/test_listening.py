"""TLS, and who may listen beyond loopback."""

import json
import socket
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.certificates import self_signed

from .peer import DEADLINE, Peer
from .server import Server

Run = Callable[..., Server]
EVERYWHERE = "0.0.0.0"  # noqa: S104 - that the server refuses it is what is tested


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for localhost that signs itself, and its key."""
    return self_signed(tmp_path_factory.mktemp("tls"))


def tls_options(certificate: tuple[Path, Path]) -> tuple[str, ...]:
    cert, key = certificate
    return ("--tls-cert", str(cert), "--tls-key", str(key))


def test_with_a_certificate_the_port_speaks_tls(run_server: Run, certificate: tuple[Path, Path]) -> None:
    server = run_server(options=tls_options(certificate))
    context = ssl.create_default_context(cafile=str(certificate[0]))
    with Peer(server.address, tls=context) as peer:
        peer.sign_up("Ana")
        day = server.day()
        peer.call("slot.watch", day=day)
        booked = peer.call("booking.create", start=f"{day}T10:00")
        assert peer.change()["slots"][0]["start"] == booked["start"]


def test_with_a_certificate_the_port_speaks_nothing_else(run_server: Run, certificate: tuple[Path, Path]) -> None:
    server = run_server(options=tls_options(certificate))
    with socket.create_connection(server.address, DEADLINE) as plain:
        plain.sendall(b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
        heard = b""
        try:
            while data := plain.recv(65536):
                heard += data
        except ConnectionResetError:
            pass
    assert b"jsonrpc" not in heard
    with Peer(server.address, tls=ssl.create_default_context(cafile=str(certificate[0]))) as peer:
        assert peer.call("ping")


def test_old_versions_of_tls_are_not_spoken(run_server: Run, certificate: tuple[Path, Path]) -> None:
    server = run_server(options=tls_options(certificate))
    done = subprocess.run(
        ["openssl", "s_client", "-tls1_1", "-cipher", "ALL@SECLEVEL=0", "-connect", "{}:{}".format(*server.address)],
        input=b"",
        capture_output=True,
        check=False,
    )
    assert done.returncode != 0


@pytest.mark.parametrize("host", [EVERYWHERE, "::", "own"])
def test_without_a_certificate_the_server_refuses_to_listen_beyond_loopback(
    run_server: Run, own_address: str, host: str
) -> None:
    server = run_server(started=False, host=own_address if host == "own" else host).launch()
    assert server.wait_for_exit() not in {0, -9}
    assert any("--insecure" in line for line in server.lines)
    assert not any("Traceback" in line for line in server.lines)


def test_told_insecure_it_listens_beyond_loopback(run_server: Run, own_address: str) -> None:
    server = run_server(host=own_address, options=("--insecure",))
    assert server.peer().call("ping")


def test_with_a_certificate_it_listens_beyond_loopback(
    run_server: Run, own_address: str, certificate: tuple[Path, Path]
) -> None:
    server = run_server(host=own_address, options=tls_options(certificate))
    with Peer(server.address, tls=ssl.create_default_context(cafile=str(certificate[0]))) as peer:
        assert peer.call("ping")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_loopback_needs_no_certificate(run_server: Run, host: str) -> None:
    if host == "::1" and not Path("/proc/net/if_inet6").exists():
        pytest.skip("no IPv6 here")
    server = run_server(host=host)
    with socket.create_connection(server.address, DEADLINE) as plain:
        plain.sendall(b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
        assert json.loads(plain.makefile().readline())["id"] == 1


def test_localhost_and_port_8888_are_the_default(run_server: Run) -> None:
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", 8888)) == 0:
            pytest.skip("something else listens on port 8888")
    server = run_server(host=None)
    with Peer(("127.0.0.1", 8888)) as peer:
        assert peer.call("ping")
    assert any("8888" in line for line in server.lines)


def test_a_certificate_that_cannot_be_read_is_said_in_a_sentence(run_server: Run, tmp_path: Path) -> None:
    nothing = tmp_path / "no.pem"
    server = run_server(started=False, options=tls_options((nothing, nothing))).launch()
    assert server.wait_for_exit() not in {0, -9}
    assert not any("Traceback" in line for line in server.lines)
