"""Cuts a stream of bytes into lines of bounded length."""

MAX_LINE = 65_536


class LineTooLong(Exception):
    """A line is longer than MAX_LINE bytes without its newline; nothing after it can be trusted."""


class LineBuffer:
    """What has arrived and is not yet taken; never looks at the same byte twice."""

    __slots__ = ("_data", "_looked_at")

    def __init__(self) -> None:
        self._data = bytearray()
        self._looked_at = 0

    def __len__(self) -> int:
        return len(self._data)

    def feed(self, data: bytes) -> None:
        """Add what arrived."""
        self._data += data

    def take(self) -> bytes | None:
        """The next whole line without its newline, or None. Raises LineTooLong, again at every later call."""
        end = self._data.find(b"\n", self._looked_at)
        length = len(self._data) if end < 0 else end
        if length > MAX_LINE:
            raise LineTooLong
        if end < 0:
            self._looked_at = length
            return None
        line = bytes(self._data[:end])
        del self._data[: end + 1]
        self._looked_at = 0
        return line

    def take_rest(self) -> bytes | None:
        """The next line, where the end of the stream ends the last one too."""
        line = self.take()
        if line is None and self._data:
            line = bytes(self._data)
            self._data.clear()
            self._looked_at = 0
        return line

    def clear(self) -> None:
        """Forget everything."""
        self._data.clear()
        self._looked_at = 0
