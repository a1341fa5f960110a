"""What the window remembers between runs: servers, name, language, theme, sizes. Never a password or a token."""

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import platformdirs

from agenda.texts import LANGUAGES, machine_language

_SMALLEST, _LARGEST = 0.5, 3.0


@dataclass(frozen=True)
class Preferences:
    """`zoom` is the size of text and controls, 1.0 as designed; `size` the window's, in pixels, "" at first.

    `tls` is whether the connection is encrypted, `ca` a PEM file of certificates to trust instead of the system's.
    """

    server: str = "localhost:8888"
    user: str = ""
    language: str = "pt-BR"
    palette: str = "light"
    zoom: float = 1.0
    size: str = ""
    tls: bool = False
    ca: str = ""


def default_path() -> Path:
    """Where this user's preferences lie; AGENDA_CONFIG names another folder."""
    folder = os.environ.get("AGENDA_CONFIG") or platformdirs.user_config_dir("agenda", appauthor=False)
    return Path(folder) / "desktop.json"


def load(path: Path) -> Preferences:
    """The stored preferences; what is missing, damaged or unknown is as at the first start."""
    first = Preferences(language=machine_language())
    try:
        stored: Any = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return first
    if not isinstance(stored, dict):
        return first
    known = {each.name: type(getattr(first, each.name)) for each in fields(first)}
    kept = {name: value for name, value in stored.items() if type(value) is known.get(name)}
    return _sane(replace(first, **kept), first)


def save(path: Path, preferences: Preferences) -> None:
    """Write them in one step, readable by this user alone. A disk that refuses is not worth an interruption."""
    beside = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside.touch(mode=0o600)
        beside.write_text(json.dumps(asdict(preferences), indent=2) + "\n", "utf-8")
        beside.replace(path)
    except OSError:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def _sane(read: Preferences, first: Preferences) -> Preferences:
    if read.language not in LANGUAGES:
        read = replace(read, language=first.language)
    if read.palette not in ("light", "dark"):
        read = replace(read, palette=first.palette)
    if not _SMALLEST <= read.zoom <= _LARGEST:
        read = replace(read, zoom=first.zoom)
    return read
