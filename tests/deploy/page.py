"""The commands that docs/deployment.md shows, taken from the page itself and run as they stand there."""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from agenda.prove.prefixes import not_as_root
from tests.deploy.shipped import ROOT

_SECTION = re.compile(r"^##+ (.+)$", re.MULTILINE)
_COMMANDS = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands(heading: str) -> list[str]:
    """The blocks of commands below a heading, up to the next one."""
    _, *parts = _SECTION.split((ROOT / "docs" / "deployment.md").read_text("utf-8"))
    sections = dict(zip(parts[::2], parts[1::2], strict=True))
    return _COMMANDS.findall(sections[heading])


def run(block: str, folder: Path, values: Mapping[str, str], replaced: Mapping[str, str]) -> str:
    """Run a block in `folder`; what it printed. `values` stand for what the page exports, which are examples.

    `replaced` are words of the page that mean another thing on this machine. Raises RuntimeError.
    """
    script = "\n".join(line for line in block.splitlines() if not line.startswith("export "))
    for word, other in replaced.items():
        script = script.replace(word, other)
    done = subprocess.run(
        [*not_as_root(), "bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env={**{key: value for key, value in os.environ.items() if not key.startswith(("PG", "AGENDA_"))}, **values},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{script}\n{done.stdout}")
    return done.stdout
