"""Makes JSON of any depth shallow enough for a decoder that recurses."""

import json
import re
from typing import Final, NoReturn

DEEPEST: Final = 200  # levels that are left; nothing that means anything lies so deep
_MARKS: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def flattened(text: str) -> str:
    """The same JSON with 0 in place of every array and object that lies too deep.

    Raises ValueError if one of those is no JSON; the rest is not looked at.
    """
    parts: list[list[str]] = [[]]  # the text so far, and that of each container that will be replaced
    depth = taken = 0
    for mark in _MARKS.finditer(text):
        sign = mark[0]
        if sign in "[{":
            depth += 1
            if depth % DEEPEST == 0:
                parts[-1].append(text[taken : mark.start()])
                parts.append([])
                taken = mark.start()
        elif sign in "]}":
            if depth and depth % DEEPEST == 0:
                inner = "".join([*parts.pop(), text[taken : mark.end()]])
                json.loads(inner, parse_constant=_refuse, parse_int=len)  # to convert long digits takes long
                parts[-1].append("0")
                taken = mark.end()
            depth -= 1
            if depth < 0:
                raise ValueError("closed but not open")
    if len(parts) > 1:
        raise ValueError("open but not closed")
    return "".join([*parts[0], text[taken:]])
