"""Build the preloaded library of `plug.c`, run a process on a disk that it watches, and pull the plug."""

import shutil
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("plug.c")


def build(folder: Path) -> Path:
    """The library, compiled into `folder`."""
    library = folder / "plug.so"
    subprocess.run(
        [
            "gcc",
            "-shared",
            "-fPIC",
            "-O2",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-o",
            str(library),
            str(SOURCE),
            "-ldl",
        ],
        check=True,
    )
    return library


class Plug:
    """The disk below one folder; `scratch` is a folder beside it for what the library keeps."""

    def __init__(self, library: Path, folder: Path, scratch: Path) -> None:
        self._library = library
        self._folder = folder.resolve()
        self._durable = scratch / "durable"
        self._broken = scratch / "broken"
        self._count = scratch / "count"

    def environment(self) -> dict[str, str]:
        """What a process needs in its environment to live on this disk."""
        return {
            "LD_PRELOAD": str(self._library),
            "PLUG_FOLDER": str(self._folder),
            "PLUG_DURABLE": str(self._durable),
            "PLUG_BROKEN": str(self._broken),
            "PLUG_COUNT": str(self._count),
        }

    def pull(self) -> None:
        """Give the folder what the disk holds without all that was not synced; its processes must be dead.

        Who may read a file is not taken back: file systems that keep a journal write that in order, without a sync.
        """
        modes = {path.relative_to(self._folder): path.stat().st_mode for path in self._folder.rglob("*")}
        shutil.rmtree(self._folder)
        shutil.copytree(self._durable / "names", self._folder)
        for path in self._folder.rglob("*"):
            path.chmod(modes.get(path.relative_to(self._folder), path.stat().st_mode))
        shutil.rmtree(self._durable)

    def took_over(self) -> bool:
        """Whether a process has begun on this disk; a kill may come before that."""
        return (self._durable / "names").exists()

    def break_syncs(self) -> None:
        """From now on each sync fails with an input/output error."""
        self._broken.touch()

    def mend_syncs(self) -> None:
        self._broken.unlink()

    def syncs(self) -> int:
        """How many syncs were asked for so far."""
        return self._count.stat().st_size if self._count.exists() else 0
