"""Limits on guessing passwords and on making accounts, per address; kept in memory by the I/O thread alone."""

from collections import deque
from collections.abc import Callable, Hashable
from ipaddress import ip_address
from math import ceil
from time import monotonic

from agenda.domain.errors import RateLimited

WINDOW = 15 * 60.0
REFUSED = 60.0
TRIES_PER_NAME = 10
TRIES_PER_ADDRESS = 100
ACCOUNTS_PER_HOUR = 20
HOUR = 3600.0
REMEMBERED = 100_000  # keys; beyond it the oldest are forgotten


class _Tries:
    """The times of the last tries of each key; at `limit` within `window` seconds the key is refused for a while."""

    def __init__(self, limit: int, window: float, refused: float | None, clock: Callable[[], float]) -> None:
        self._limit, self._window, self._refused, self._clock = limit, window, refused, clock
        self._times: dict[Hashable, deque[float]] = {}
        self._until: dict[Hashable, float] = {}

    def wait(self, key: Hashable) -> float:
        """Seconds for which the key is still refused; 0 if it is not."""
        return max(self._until.get(key, 0.0) - self._clock(), 0.0)

    def count(self, key: Hashable) -> None:
        now = self._clock()
        times = self._times.pop(key, None) or deque(maxlen=self._limit)
        times.append(now)
        self._times[key] = times
        if len(times) == self._limit and times[0] > now - self._window:
            self._until[key] = times[0] + self._window if self._refused is None else now + self._refused
        if len(self._times) > REMEMBERED:
            oldest = next(iter(self._times))
            del self._times[oldest]
            self._until.pop(oldest, None)


class Limits:
    """Who may try to sign in or to make an account now; a method that refuses raises RateLimited."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._names = _Tries(TRIES_PER_NAME, WINDOW, REFUSED, clock)
        self._addresses = _Tries(TRIES_PER_ADDRESS, WINDOW, REFUSED, clock)
        self._accounts = _Tries(ACCOUNTS_PER_HOUR, HOUR, None, clock)

    def check_password_try(self, name: str, address: str) -> None:
        """Raise if passwords for `name` from `address` are refused at the moment, right ones too."""
        _refuse_for(max(self._names.wait((name, address)), self._addresses.wait(address)))

    def wrong_password(self, name: str, address: str) -> None:
        """Count a wrong password; right ones never count."""
        self._names.count((name, address))
        self._addresses.count(address)

    def check_account(self, address: str) -> None:
        """Raise if `address` has made too many accounts within the hour."""
        _refuse_for(self._accounts.wait(address))

    def account_made(self, address: str) -> None:
        """Count a new account; those made on this very machine do not count."""
        if not _is_loopback(address):
            self._accounts.count(address)


def _is_loopback(address: str) -> bool:
    """Whether it is one of this machine's own; a place that is told in other words is elsewhere."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _refuse_for(seconds: float) -> None:
    if seconds > 0:
        raise RateLimited(ceil(seconds))
