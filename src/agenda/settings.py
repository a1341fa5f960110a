"""What a server is told at its start; everything has a default that suits one desk."""

from dataclasses import dataclass, field
from pathlib import Path

from platformdirs import user_data_path

DEFAULT_HOST = "localhost"
DEFAULT_PORT = 8888


def default_data_folder() -> Path:
    """Where this platform keeps the data of programs: `~/.local/share/agenda` on Linux."""
    return user_data_path("agenda", appauthor=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """`certificate` and `key` are PEM files, both or none; `language` is that of the console and of a new business."""

    data: Path = field(default_factory=default_data_folder)
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    certificate: Path | None = None
    key: Path | None = None
    insecure: bool = False
    language: str = "pt-BR"
