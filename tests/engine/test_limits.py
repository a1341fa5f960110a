"""Limits on guessing passwords and making accounts, by a clock that the test moves."""

import pytest

from agenda.domain.errors import RateLimited
from agenda.engine.limits import ACCOUNTS_PER_HOUR, TRIES_PER_ADDRESS, TRIES_PER_NAME, Limits

HERE, THERE = "192.0.2.1", "192.0.2.2"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def guessed(limits: Limits, times: int, name: str = "ana", address: str = HERE) -> None:
    for number in range(times):
        limits.wrong_password(name if times < TRIES_PER_ADDRESS else f"{name}{number}", address)


def test_after_ten_wrong_passwords_the_name_is_refused_from_that_address_for_a_minute() -> None:
    clock = Clock()
    limits = Limits(clock)
    guessed(limits, TRIES_PER_NAME)
    with pytest.raises(RateLimited) as refused:
        limits.check_password_try("ana", HERE)
    assert refused.value.retry_after == 60
    clock.now += 60
    limits.check_password_try("ana", HERE)


def test_nine_wrong_passwords_are_forgiven() -> None:
    limits = Limits(Clock())
    guessed(limits, TRIES_PER_NAME - 1)
    limits.check_password_try("ana", HERE)


def test_others_and_other_addresses_are_not_refused() -> None:
    limits = Limits(Clock())
    guessed(limits, TRIES_PER_NAME)
    limits.check_password_try("bia", HERE)
    limits.check_password_try("ana", THERE)


def test_wrong_passwords_of_a_quarter_of_an_hour_ago_no_longer_count() -> None:
    clock = Clock()
    limits = Limits(clock)
    guessed(limits, TRIES_PER_NAME - 1)
    clock.now += 15 * 60
    guessed(limits, 1)
    limits.check_password_try("ana", HERE)


def test_a_hundred_wrong_passwords_for_many_names_refuse_the_address() -> None:
    limits = Limits(Clock())
    guessed(limits, TRIES_PER_ADDRESS)
    with pytest.raises(RateLimited):
        limits.check_password_try("somebody else", HERE)


def test_twenty_accounts_an_hour_from_one_address_and_no_more() -> None:
    clock = Clock()
    limits = Limits(clock)
    for _ in range(ACCOUNTS_PER_HOUR):
        limits.check_account(HERE)
        limits.account_made(HERE)
    with pytest.raises(RateLimited):
        limits.check_account(HERE)
    clock.now += 3601
    limits.check_account(HERE)


@pytest.mark.parametrize("loopback", ["127.0.0.1", "127.8.8.8", "::1"])
def test_accounts_made_on_this_machine_do_not_count(loopback: str) -> None:
    limits = Limits(Clock())
    for _ in range(2 * ACCOUNTS_PER_HOUR):
        limits.account_made(loopback)
    limits.check_account(loopback)


def test_accounts_made_on_a_balancer_s_own_machine_count() -> None:
    limits = Limits(Clock())
    for _ in range(ACCOUNTS_PER_HOUR):
        limits.account_made("127.0.0.1 via 10.0.0.5")
    with pytest.raises(RateLimited):
        limits.check_account("127.0.0.1 via 10.0.0.5")
