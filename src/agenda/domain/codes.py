"""Booking codes: short, in no guessable order, and unique without an index, since each number has exactly one."""

# No vowels (no words by accident), and none of 0 O, 1 I L, 5 S, 2 Z, 8 B, which are mixed up on the telephone.
ALPHABET = "34679CDFGHJKMNPQRTVWXY"
LENGTH = 6
SPACE: int = len(ALPHABET) ** LENGTH  # 113,379,904

# Multiplying by a number that has no factor in common with SPACE permutes 0 .. SPACE - 1.
_FACTOR = 70_072_637
_SHIFT = 31_415_927

_PAIRS = [ALPHABET[pair % len(ALPHABET)] + ALPHABET[pair // len(ALPHABET)] for pair in range(len(ALPHABET) ** 2)]


def code(number: int) -> str:
    """The code of booking number `number` (from 1): six characters as `K7M-4QX`, seven or more after 113 million."""
    rounds, place = divmod(number, SPACE)
    scattered = (place * _FACTOR + _SHIFT) % SPACE
    rest, first = divmod(scattered, len(_PAIRS))
    last, middle = divmod(rest, len(_PAIRS))
    letters = _PAIRS[first] + _PAIRS[middle] + _PAIRS[last]
    while rounds:
        rounds, digit = divmod(rounds - 1, len(ALPHABET))
        letters += ALPHABET[digit]
    return f"{letters[:3]}-{letters[3:]}"


_PLACES = str.maketrans(ALPHABET, "0123456789ABCDEFGHIJKL")
_BACK = pow(_FACTOR, -1, SPACE)


def number(code: str) -> int:
    """The number of a booking from a code that `code` made for it."""
    letters = code.replace("-", "").translate(_PLACES)
    scattered = int(letters[LENGTH - 1 :: -1], len(ALPHABET))
    place = (scattered - _SHIFT) * _BACK % SPACE
    rounds = 0
    for letter in reversed(letters[LENGTH:]):
        rounds = rounds * len(ALPHABET) + int(letter, len(ALPHABET)) + 1
    return rounds * SPACE + place
