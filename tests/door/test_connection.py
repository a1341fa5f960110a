"""What a client on the socket can expect: order, batches, ends, limits."""

import gc
import json
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agenda.doors.rpc.connection import Connection
from agenda.doors.rpc.gate import MOST_READS
from agenda.doors.rpc.limits import Limits
from agenda.doors.rpc.lines import MAX_LINE

from .conftest import House
from .fakes import DEADLINE, RESET, Peer

DAY = {"day": "2026-11-23"}
START = {"start": "2026-11-23T08:00:00-03:00"}
OpenHouse = Callable[..., House]


def ids(messages: list[Any]) -> list[int]:
    return sorted(message["id"] for message in messages)


def test_many_calls_may_be_sent_at_once(house: House) -> None:
    peer = house.peer()
    peer.send(*[("ping", {})] * 1000)
    assert ids([peer.read() for _ in range(1000)]) == list(range(1, 1001))


def test_calls_of_one_kind_do_not_wait_for_each_other(open_house: OpenHouse) -> None:
    house = open_house("create")
    house.peer().sign_in().send(*[("booking.create", START)] * 100)
    house.engine.wait_for(101)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("booking.create", START), ("slot.list", DAY)),
        (("slot.list", DAY), ("booking.create", START)),
        (("booking.create", START), ("session.close", {})),
        (("booking.list", {}), ("user.erase", {"password": "p"})),
        (("session.open", {"user": "bia", "password": "p"}), ("booking.list", {})),
        (("session.open", {"user": "bia", "password": "p"}), ("service.list", {})),
    ],
)
@pytest.mark.parametrize("batch", [False, True])
def test_a_call_waits_for_what_it_must_not_overtake(
    open_house: OpenHouse, first: Any, second: Any, batch: bool
) -> None:
    house = open_house()
    peer = house.peer().sign_in()
    house.engine.holds = {"create", "slots", "bookings", "open"}
    (peer.send_batch if batch else peer.send)(first, second)
    house.engine.wait_for(2)
    assert house.peer().call("ping")  # the I/O thread has been round since
    assert len(house.engine.calls) == 3  # signing in, the first, the ping
    house.engine.holds = set()
    house.engine.release()
    answers = peer.read() if batch else [peer.read(), peer.read()]
    assert [answer["id"] for answer in answers] == [2, 3]


def test_a_ping_overtakes_what_waits_for_the_disk(open_house: OpenHouse) -> None:
    house = open_house("create")
    peer = house.peer().sign_in()
    peer.send(("booking.create", START), ("ping", {}))
    assert peer.read()["id"] == 3


def test_no_more_than_so_many_calls_are_unanswered(open_house: OpenHouse) -> None:
    house = open_house("create", limits=Limits(unanswered=10, linger=0.1, stop=0.5))
    peer = house.peer().sign_in()
    peer.send(*[("booking.create", START)] * 50)
    house.engine.wait_for(11)
    house.peer().call("ping")
    assert house.engine.calls.count("create") == 10
    house.engine.holds = set()
    house.engine.release()
    assert ids([peer.read() for _ in range(50)]) == list(range(2, 52))


def test_the_answer_to_a_batch_is_one_line(house: House) -> None:
    peer = house.peer().sign_in()
    peer.send_batch(("ping", {}), ("no.such", {}), ("slot.list", DAY))
    assert [answer["id"] for answer in peer.read()] == [2, 3, 4]


def test_an_answer_that_was_awaited_before_a_batch_stays_out_of_it(open_house: OpenHouse) -> None:
    house = open_house("create")
    peer = house.peer().sign_in()
    peer.send(("booking.create", START))
    house.engine.wait_for(2)
    peer.send_batch(("ping", {}), ("slot.list", DAY))
    house.engine.release()
    assert [peer.read()["id"], [answer["id"] for answer in peer.read()]] == [2, [3, 4]]


def test_a_batch_whose_answer_grows_too_long_is_cut_short(open_house: OpenHouse) -> None:
    house = open_house(limits=Limits(batch_answer=2_000, linger=0.1, stop=0.5))
    peer = house.peer().sign_in()
    peer.send_batch(*[("slot.list", DAY)] * 100)
    answers = peer.read()
    assert len(answers) == 100
    assert answers[-1]["error"]["data"]["code"] == "unavailable"


def test_a_client_that_shuts_its_sending_side_gets_every_answer(open_house: OpenHouse) -> None:
    house = open_house("create")
    peer = house.peer().sign_in()
    peer.send(("booking.create", START), ("slot.list", DAY), ("ping", {}))
    peer.end()
    house.engine.wait_for(2)
    house.engine.release()
    assert ids(peer.read_all()) == [2, 3, 4]


def test_the_end_of_the_stream_ends_the_last_line(house: House) -> None:
    peer = house.peer()
    peer.write(b'{"jsonrpc":"2.0","id":1,"method":"ping"}')
    peer.end()
    assert ids(peer.read_all()) == [1]


def test_a_client_that_says_nothing_and_ends_is_let_go(house: House) -> None:
    peer = house.peer()
    peer.end()
    assert peer.read_all() == []


@pytest.mark.parametrize("extra", [1, 1_000_000])
@pytest.mark.parametrize("newline", [b"\n", b""])
def test_a_line_that_is_too_long_ends_the_connection(house: House, extra: int, newline: bytes) -> None:
    peer = house.peer()
    with suppress(OSError):
        peer.write(b" " * (MAX_LINE + extra) + newline)
    (answer,) = peer.read_all()
    assert (answer["id"], answer["error"]["code"]) == (None, -32600)


def test_what_was_asked_before_a_line_that_is_too_long_is_answered_first(open_house: OpenHouse) -> None:
    house = open_house("create")
    peer = house.peer().sign_in()
    peer.send(("booking.create", START))
    peer.write(b" " * (MAX_LINE + 1))
    peer.send(("booking.create", START))
    house.engine.wait_for(2)
    house.engine.release()
    assert [message["id"] for message in peer.read_all()] == [2, None]
    assert house.engine.calls.count("create") == 1


def send_for_ever(peer: Peer) -> NoReturn:
    while True:
        peer.send(*[("booking.create", START)] * 100)


def test_a_client_that_does_not_read_is_not_served_further(open_house: OpenHouse) -> None:
    house = open_house(limits=Limits(write_buffer=4096, linger=0.1, stop=0.5))
    peer = house.peer(receive_buffer=4096).sign_in()
    house.engine.note = "x" * 2000
    peer.socket.settimeout(1)
    with pytest.raises(TimeoutError):  # what is read from it ends when what is sent to it does
        send_for_ever(peer)
    served = house.engine.calls.count("create")
    assert house.peer().call("ping")
    assert house.engine.calls.count("create") == served


def test_answers_that_come_at_once_are_no_more_than_the_buffer_holds(open_house: OpenHouse) -> None:
    house = open_house(limits=Limits(write_buffer=4096, calls_in_a_row=10_000, linger=0.1, stop=0.5))
    peer = house.peer(receive_buffer=4096).sign_in()
    house.engine.note = "x" * 2000
    with suppress(TimeoutError):
        peer.socket.settimeout(1)
        send_for_ever(peer)
    assert house.peer().call("ping")
    (served,) = {connection._transport.get_write_buffer_size() for connection in house.server._connections} - {0}
    assert served < 10_000


def test_no_more_than_a_few_long_answers_are_under_way(open_house: OpenHouse) -> None:
    house = open_house("bookings")
    house.peer().sign_in().send(*[("booking.list", {})] * 100)
    house.engine.wait_for(1 + MOST_READS)
    assert house.peer().call("ping")  # the I/O thread has been round since
    assert house.engine.calls.count("bookings") == MOST_READS < 10


def test_a_client_that_reads_again_is_served_again(open_house: OpenHouse) -> None:
    house = open_house(limits=Limits(write_buffer=4096, linger=0.1, stop=0.5))
    peer = house.peer(receive_buffer=4096).sign_in()
    house.engine.note = "x" * 2000
    peer.send(*[("booking.create", START)] * 400)
    assert ids([peer.read() for _ in range(400)]) == list(range(2, 402))


def test_a_client_that_does_not_read_for_long_is_cut(open_house: OpenHouse) -> None:
    house = open_house(limits=Limits(write_buffer=4096, stalled=0.2, check=0.05, linger=0.1, stop=0.5))
    peer = house.peer(receive_buffer=4096).sign_in()
    house.engine.note = "x" * 2000
    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        send_for_ever(peer)


def test_a_watcher_that_does_not_read_is_cut(open_house: OpenHouse) -> None:
    house = open_house(limits=Limits(write_buffer=4096, unread=20_000, linger=0.1, stop=0.5))
    peer = house.peer(receive_buffer=4096).sign_in()
    watch = peer.call("slot.watch", **DAY)["result"]["watch"]
    for version in range(100_000):
        if watch not in house.engine.watches:
            break
        house.engine.change(watch, version)
        if not version % 100:
            house.peer().call("ping")
    assert not house.engine.watches


def test_a_line_that_is_never_finished_ends_the_connection(open_house: OpenHouse) -> None:
    house = open_house(limits=Limits(unfinished_line=0.1, check=0.05, linger=0.1, stop=0.5))
    peer = house.peer().sign_in()
    peer.write(b'{"jsonrpc":')
    assert peer.read_all() == []


def test_who_never_signs_in_and_says_nothing_is_let_go(open_house: OpenHouse) -> None:
    house = open_house(limits=Limits(signed_out=0.1, check=0.05, linger=0.1, stop=0.5))
    assert house.peer().read_all() == []


def test_who_is_signed_in_may_be_silent(house: House) -> None:
    quiet, stranger = house.peer().sign_in(), house.peer()
    assert "result" in stranger.call("ping")  # so it has been let in
    house.later(Limits().signed_out + 1)
    assert stranger.read_all() == []
    assert "result" in quiet.call("booking.list")


def test_one_connection_too_many_is_told_so(open_house: OpenHouse) -> None:
    house = open_house(limits=Limits(connections=2, linger=0.1, stop=0.5))
    first, _ = house.peer().sign_in(), house.peer().sign_in()
    (answer,) = house.peer().read_all()
    assert (answer["id"], answer["error"]["data"]["code"]) == (None, "unavailable")
    first.close()
    house.engine.wait_until(lambda: True)
    assert_soon_welcome(house)


def assert_soon_welcome(house: House) -> None:
    """There is room for another one as soon as the server has seen that one has left."""
    for _ in range(100):
        peer = house.peer()
        try:
            if "result" in peer.call("ping"):
                return
        except OSError:
            pass
    pytest.fail("no room again")


def test_coming_and_going_is_shown(house: House) -> None:
    peer = house.peer()
    peer.call("ping")
    peer.end()
    peer.read_all()
    assert [house.presence.get(timeout=DEADLINE) for _ in range(2)] == [("connected", 1), ("disconnected", 0)]


def test_a_reset_in_the_middle_of_a_call_hurts_nobody(open_house: OpenHouse) -> None:
    house = open_house("create")
    peer = house.peer().sign_in()
    peer.send(("booking.create", START))
    house.engine.wait_for(2)
    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    peer.close()
    house.engine.release()
    assert house.peer().call("ping")["id"] == 1
    assert not house.incidents


messages = st.binary(max_size=200) | st.dictionaries(
    st.sampled_from(["jsonrpc", "id", "method", "params"]),
    st.sampled_from(
        ["2.0", 1, None, "booking.create", "slot.list", "ping", "session.open", {}, [], START, DAY, {"user": 1}]
    ),
).map(lambda value: json.dumps(value).encode())


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(messages, max_size=20))
def test_whatever_is_sent_every_answer_is_json_and_the_connection_goes_on(house: House, sent: list[bytes]) -> None:
    peer = Peer(house.server.addresses[0])
    try:
        peer.write(b"\n".join(sent) + b"\n")
        peer.write(b'{"jsonrpc":"2.0","id":"last","method":"ping"}\n')
        peer.end()
        received = peer.read_all()
    finally:
        peer.close()
    assert any(isinstance(message, dict) and message["id"] == "last" and "result" in message for message in received)
    assert not house.incidents


def test_a_connection_that_is_over_does_not_wait_for_the_collector(open_house: OpenHouse) -> None:
    house = open_house(limits=Limits(linger=0.01, stop=0.5))
    peer = house.peer().sign_in()
    (name,) = (one.peer for one in house.server._connections)
    gc.collect()
    gc.disable()
    try:
        peer.close()
        assert [house.presence.get(timeout=DEADLINE)[0] for _ in range(2)] == ["connected", "disconnected"]
        house.peer().call("ping")  # the I/O thread has been round since
        assert name not in [one.peer for one in gc.get_objects() if isinstance(one, Connection)]
    finally:
        gc.enable()
