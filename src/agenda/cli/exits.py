"""Exit statuses, and the failure that carries one to the end of the program."""

from enum import IntEnum
from typing import Any


class Status(IntEnum):
    """What a command ends with; docs/cli.md says the same."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    NO_SERVER = 3
    STORE = 4
    FOUND = 5
    INTERRUPTED = 130  # 128 + SIGINT, as shells count
    BROKEN_PIPE = 141  # 128 + SIGPIPE


class Failure(Exception):
    """A command ends here: `status`, a stable `code`, a sentence for a person, and facts for a program."""

    def __init__(self, status: Status, code: str, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.facts = facts
