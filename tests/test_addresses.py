"""Addresses of servers as people write them."""

import pytest

from agenda.addresses import Address, BadAddress, join_addresses, parse_addresses


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("localhost", [("localhost", 8888)]),
        (" casa.example:9000 ", [("casa.example", 9000)]),
        ("[::1]:9000", [("::1", 9000)]),
        ("[::1]", [("::1", 8888)]),
        ("::1", [("::1", 8888)]),
        ("casa:", [("casa", 8888)]),
        ("a:8888,b:8888", [("a", 8888), ("b", 8888)]),
        ("a, [::1]:9000 , b:1", [("a", 8888), ("::1", 9000), ("b", 1)]),
        ("a,b,a:8888", [("a", 8888), ("b", 8888)]),
    ],
)
def test_addresses_are_read_as_people_write_them_and_written_so_that_they_can_be_read(
    typed: str, meant: list[Address]
) -> None:
    assert parse_addresses(typed) == tuple(meant)
    assert parse_addresses(join_addresses(meant)) == tuple(meant)


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        ("", ""),
        (":9000", ":9000"),
        ("casa:x", "casa:x"),
        ("casa:0", "casa:0"),
        ("casa:70000", "casa:70000"),
        ("casa:\u0663", "casa:\u0663"),
        ("a b", "a b"),
        ("[::1", "[::1"),
        ("[::1]x", "[::1]x"),
        ("a, casa:x , b", "casa:x"),
        ("a,,b", ""),
    ],
)
def test_the_one_address_that_is_wrong_is_named(typed: str, wrong: str) -> None:
    with pytest.raises(BadAddress) as error:
        parse_addresses(typed)
    assert str(error.value) == wrong
