"""The `agenda` command: a client of the socket door, or beside the store; knows no rule of the agenda."""

import sys
from typing import NoReturn


def main(args: list[str] | None = None) -> NoReturn:
    """Run one command line (by default this process's) and end with its exit status (agenda.cli.exits)."""
    from agenda.cli.app import run

    sys.exit(run(sys.argv[1:] if args is None else args))
