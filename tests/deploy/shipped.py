"""What is shipped in deploy/, as the tests look at it."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
CONTAINER = DEPLOY / "container"
BIN = Path(sys.prefix) / "bin"  # programs that Python packages bring


def of(folder: str, pattern: str) -> list[Path]:
    """Files of deploy/folder, at least one."""
    found = sorted((DEPLOY / folder).glob(pattern))
    assert found, f"nothing in {folder} is called {pattern}"
    return found


def read(path: Path) -> dict[str, Any]:
    """The one document of a YAML file."""
    document: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return document


def strings(value: object) -> Iterator[str]:
    """All strings within a document."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from strings(part)
