"""Ids that sort by the time at which they were made: UUIDv7 of RFC 9562, as 32 hexadecimal digits."""

import random
import re
from collections.abc import Callable, Iterator
from time import time_ns

_FORM = re.compile(r"[0-9a-f]{32}\Z")
NIL = "0" * 32


def new_ids(clock: Callable[[], int] = time_ns, bits: Callable[[int], int] = random.getrandbits) -> Iterator[str]:
    """Ever rising ids; within a millisecond a random 74-bit field counts up (RFC 9562, method 2). One thread only.

    They are no secrets: whoever knows one still has to be signed in as its owner.
    """
    last, tail = 0, 0
    while True:
        now = clock() // 1_000_000
        if now > last:
            last, tail = now, bits(73)
        else:
            tail += bits(32) + 1
            if tail >> 74:  # used up: borrow the next millisecond
                last, tail = last + 1, bits(73)
        yield f"{last << 80 | 0x7 << 76 | (tail >> 62) << 64 | 0b10 << 62 | tail & (1 << 62) - 1:032x}"


def known_form(text: str) -> str:
    """The id itself, or NIL, which nothing has, for a text that cannot be an id."""
    return text if _FORM.match(text) else NIL
