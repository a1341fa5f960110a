"""Passwords and tokens: argon2id for what people choose, SHA-256 for what we draw at random."""

from functools import cache
from hashlib import sha256
from secrets import token_urlsafe

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# 19 MiB, two passes, one lane: the OWASP Password Storage Cheat Sheet's first choice for argon2id.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


@cache
def _nobody() -> str:
    """Verified against when there is no such user, so that the time taken tells nothing."""
    return _HASHER.hash(token_urlsafe())


def hash_password(password: str) -> str:
    """The password's hash in PHC string format; about 25 ms and 19 MiB."""
    return _HASHER.hash(password.encode("utf-8"))


def matches(password: str, password_hash: str | None) -> bool:
    """Whether it is the password; None stands for a user who does not exist, and takes as long."""
    try:
        return _HASHER.verify(password_hash or _nobody(), password.encode("utf-8")) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


def new_token() -> str:
    """A session token of 256 random bits."""
    return token_urlsafe(32)


def token_digest(token: str) -> bytes:
    """What is stored of a token."""
    return sha256(token.encode("utf-8", "surrogatepass")).digest()
