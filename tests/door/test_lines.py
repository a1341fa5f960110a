"""A stream of bytes as lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agenda.doors.rpc.lines import MAX_LINE, LineBuffer, LineTooLong


def take_all(buffer: LineBuffer) -> list[bytes]:
    lines = []
    while (line := buffer.take()) is not None:
        lines.append(line)
    return lines


def test_a_line_may_arrive_in_pieces() -> None:
    buffer = LineBuffer()
    taken = []
    for piece in (b"one", b" li", b"ne\ntwo\nthr", b"ee\n"):
        buffer.feed(piece)
        taken += take_all(buffer)
    assert taken == [b"one line", b"two", b"three"]


@given(st.lists(st.binary().map(lambda line: line.replace(b"\n", b"")), min_size=1), st.integers(1, 7))
def test_lines_are_the_same_however_they_were_cut(lines: list[bytes], piece: int) -> None:
    stream = b"".join(line + b"\n" for line in lines)
    buffer = LineBuffer()
    taken = []
    for start in range(0, len(stream), piece):
        buffer.feed(stream[start : start + piece])
        taken += take_all(buffer)
    assert taken == lines


def test_a_line_of_the_greatest_length_is_taken() -> None:
    buffer = LineBuffer()
    buffer.feed(b"x" * MAX_LINE + b"\n")
    assert buffer.take() == b"x" * MAX_LINE


def test_a_line_longer_by_one_byte_is_not() -> None:
    buffer = LineBuffer()
    buffer.feed(b"x" * (MAX_LINE + 1) + b"\n")
    with pytest.raises(LineTooLong):
        buffer.take()


def test_a_line_is_known_to_be_too_long_before_it_ends() -> None:
    buffer = LineBuffer()
    buffer.feed(b"x" * MAX_LINE)
    assert buffer.take() is None
    buffer.feed(b"x")
    with pytest.raises(LineTooLong):
        buffer.take()


def test_lines_before_one_that_is_too_long_are_taken() -> None:
    buffer = LineBuffer()
    buffer.feed(b"short\n" + b"x" * (MAX_LINE + 1))
    assert buffer.take() == b"short"


def test_the_end_of_the_stream_ends_the_last_line() -> None:
    buffer = LineBuffer()
    buffer.feed(b"one\ntwo")
    assert [buffer.take_rest(), buffer.take_rest(), buffer.take_rest()] == [b"one", b"two", None]
