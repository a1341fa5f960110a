"""What is remembered from one command to the next, in the user's state folder, for his eyes only.

Sessions that `agenda login` opened, one per set of servers; and which of several servers worked last, for some minutes.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from platformdirs import user_state_path

LATELY = 300.0
"""Seconds for which the server that worked last is tried first."""

_SESSIONS, _WORKED = "sessions.json", "servers.json"
_TLS = "tls://"


@dataclass(frozen=True)
class Kept:
    """A session, the name that it is kept under, and those of its servers that were asked for."""

    name: str
    servers: frozenset[str]
    token: str


def name_of(servers: Collection[str], *, secure: bool) -> str:
    """The name of a set of servers (`host:port`), in whatever order. A token that came by TLS never travels without."""
    return (_TLS if secure else "") + ",".join(sorted(servers))


def session(name: str, user: str | None) -> Kept | None:
    """The session to go on with at these servers, if there is one of that user's (any user's for None).

    Where none is kept for exactly this set, one for a part of it will do, or for more: at the servers that both have.
    """
    asked, sessions = _servers(name), _read(_SESSIONS)
    fitting: list[tuple[str, Kept]] = []
    for other, kept in sessions.items():
        theirs = _servers(other)
        fits = other == name or asked <= theirs or theirs <= asked
        if fits and _is_secure(name) is _is_secure(other) and user in {None, kept.get("user")}:
            fitting.append((str(kept.get("user")), Kept(other, asked & theirs, str(kept.get("token")))))
    exact = [kept for _, kept in fitting if kept.name == name]
    if exact or len({owner for owner, _ in fitting}) != 1:  # whose it is must not be guessed
        return exact[0] if exact else None
    return max((kept for _, kept in fitting), key=lambda kept: len(kept.servers))


def elsewhere(name: str) -> list[str]:
    """Where there are sessions, as `--server` takes it, that came as safely as they would travel to these servers."""
    return [other.removeprefix(_TLS) for other in _read(_SESSIONS) if _is_secure(other) is _is_secure(name)]


def remember(name: str, user: str, token: str) -> None:
    """Keep the session instead of the one that was kept for these servers."""
    _write(_SESSIONS, _read(_SESSIONS) | {name: {"user": user, "token": token}})


def forget(name: str) -> None:
    """Keep no session under this name."""
    sessions = _read(_SESSIONS)
    if sessions.pop(name, None):
        _write(_SESSIONS, sessions)


def worked_lately(name: str) -> str | None:
    """Which of these servers was the last to work, where that is not long ago."""
    note = _read(_WORKED).get(name, {})
    return note.get("server") if _is_fresh(note) else None


def has_worked(name: str, server: str) -> None:
    """Note that of these servers this one works."""
    fresh = {other: note for other, note in _read(_WORKED).items() if _is_fresh(note)}
    _write(_WORKED, fresh | {name: {"server": server, "at": time.time()}})


def _is_fresh(note: dict[str, Any]) -> bool:
    at = note.get("at")
    return isinstance(at, float) and 0.0 <= time.time() - at < LATELY


def _servers(name: str) -> frozenset[str]:
    return frozenset(name.removeprefix(_TLS).split(","))


def _is_secure(name: str) -> bool:
    return name.startswith(_TLS)


def folder() -> Path:
    """Where it is kept."""
    return user_state_path("agenda", appauthor=False)


def _path(file: str) -> Path:
    return folder() / file


def _read(file: str) -> dict[str, Any]:
    try:
        notes = json.loads(_path(file).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return {name: note for name, note in notes.items() if isinstance(note, dict)} if isinstance(notes, dict) else {}


def _write(file: str, notes: dict[str, Any]) -> None:
    """Written beside and renamed, so that a reader never meets half a file; mode 0600 from the first byte on."""
    path = _path(file)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = path.with_suffix(f".{os.getpid()}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as target:
        json.dump(notes, target)
    beside.replace(path)
