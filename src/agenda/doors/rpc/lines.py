"""Cuts a stream of bytes into lines of bounded length."""

MAX_LINE = 65_536


class LineTooLong(Exception):
    """A line is longer than MAX_LINE bytes without its newline; nothing after it can be trusted."""


class LineBuffer:
    """What has arrived and is not yet taken, `length` bytes; never looks at the same byte twice.

    What arrives as whole lines is cut from the bytes as they came; only what arrives in pieces is put together.
    """

    __slots__ = ("_data", "_looked_at", "_taken", "length")

    def __init__(self) -> None:
        self._data: bytes | bytearray = b""
        self._taken = self._looked_at = self.length = 0

    def feed(self, data: bytes) -> None:
        """Add what arrived."""
        if self.length:
            if type(self._data) is not bytearray:
                self._data = bytearray(self._data)
            del self._data[: self._taken]
            self._data += data
            self._looked_at -= self._taken
            self._taken = 0
        else:
            self._data = data
        self.length += len(data)

    def take(self) -> bytes | None:
        """The next whole line without its newline, or None. Raises LineTooLong, again at every later call."""
        end = self._data.find(b"\n", self._looked_at)
        length = self.length if end < 0 else end - self._taken
        if length > MAX_LINE:
            raise LineTooLong
        if end < 0:
            self._looked_at = len(self._data)
            return None
        line = bytes(self._data[self._taken : end])
        if length + 1 == self.length:
            self.clear()
        else:
            self._taken = self._looked_at = end + 1
            self.length -= length + 1
        return line

    def take_rest(self) -> bytes | None:
        """The next line, where the end of the stream ends the last one too."""
        line = self.take()
        if line is None and self.length:
            line = bytes(self._data[self._taken :])
            self.clear()
        return line

    def clear(self) -> None:
        """Forget everything."""
        self._data = b""
        self._taken = self._looked_at = self.length = 0
