"""The commands that docs/deployment.md shows, taken from the page itself."""

import re

from tests.deploy.shipped import ROOT

_SECTION = re.compile(r"^#+ (.+)$", re.MULTILINE)
_COMMANDS = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands(heading: str) -> list[str]:
    """The blocks of commands below a heading, up to the next one."""
    _, *parts = _SECTION.split((ROOT / "docs" / "deployment.md").read_text("utf-8"))
    sections = dict(zip(parts[::2], parts[1::2], strict=True))
    return _COMMANDS.findall(sections[heading])
