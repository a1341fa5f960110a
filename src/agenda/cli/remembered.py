"""Sessions that `agenda login` remembers: one per set of servers, in the user's state folder, for his eyes only."""

import json
import os
from pathlib import Path
from typing import Any

from platformdirs import user_state_path


def token(server: str, user: str | None) -> str | None:
    """The token of the session on this server, if it is that user's (any user's for None)."""
    session = _read().get(server, {})
    return session.get("token") if user in {None, session.get("user")} else None


def remember(server: str, user: str, token: str) -> None:
    """Keep the session instead of the one that was kept for this server."""
    _write(_read() | {server: {"user": user, "token": token}})


def forget(server: str) -> None:
    """Keep no session for this server."""
    sessions = _read()
    if sessions.pop(server, None):
        _write(sessions)


def _path() -> Path:
    return user_state_path("agenda", appauthor=False) / "sessions.json"


def _read() -> dict[str, Any]:
    try:
        sessions = json.loads(_path().read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return sessions if isinstance(sessions, dict) else {}


def _write(sessions: dict[str, Any]) -> None:
    """Written beside and renamed, so that a reader never meets half a file; mode 0600 from the first byte on."""
    path = _path()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = path.with_suffix(f".{os.getpid()}")
    file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(file, "w", encoding="utf-8") as target:
        json.dump(sessions, target)
    beside.replace(path)
