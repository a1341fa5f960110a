"""Pictures drawn in memory as PNG: rounded boxes and dots with smooth edges, at any scale."""

import math
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from agenda.desktop.palette import rgb

_Pixel = tuple[int, int, int]
_Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A rounded rectangle on a plain ground; lengths are device pixels, colours `#rrggbb`.

    `ring` draws a frame of `ring_width` round the outside, `gap` pixels away from the box: the keyboard focus.
    """

    width: int
    height: int
    radius: float
    fill: str
    edge: str
    ground: str
    edge_width: float = 1.0
    ring: str | None = None
    ring_width: float = 0.0
    gap: float = 0.0
    margin: float = 0.0  # room left free all round, which a ring uses

    def corner(self) -> int:
        """How many pixels from each side belong to the corners and must not be stretched."""
        return int(self.radius + self.margin + self.edge_width) + 2


@lru_cache(maxsize=512)
def draw(box: Box) -> bytes:
    """The box as a PNG file. Half of one corner is computed; the rest are mirror images and plain runs."""
    corner = min(box.corner(), box.width // 2, box.height // 2)
    shade = _shades(box)
    rows = [[b""] * corner for _ in range(corner)]
    for y in range(corner):
        for x in range(y + 1):
            rows[y][x] = rows[x][y] = shade(_distance(x + 0.5, y + 0.5, box))
    edge = [shade(_distance(box.width / 2, y + 0.5, box)) for y in range(corner)]
    middle = shade(_distance(box.width / 2, box.height / 2, box))
    across, down = box.width - 2 * corner, box.height - 2 * corner

    def line(left: list[bytes], centre: bytes) -> bytes:
        return b"".join((b"\0", *left, centre * across, *reversed(left)))

    top = [line(row, centre) for row, centre in zip(rows, edge, strict=True)]
    return _png(box.width, box.height, b"".join((*top, line(edge, middle) * down, *reversed(top))))


def _shades(box: Box) -> Callable[[float], bytes]:
    """The colour at a signed distance from the outline (negative inside), as three bytes.

    Distances are taken to a thirty-second of a pixel, so that each colour is mixed once.
    """
    ground, edge, fill = rgb(box.ground), rgb(box.edge), rgb(box.fill)
    ring = rgb(box.ring) if box.ring else ground
    known: dict[int, bytes] = {}

    def shade(distance: float) -> bytes:
        key = round(distance * 32)
        if key not in known:
            distance = key / 32
            colour = _mix(ground, ring, _cover(distance - box.gap - box.ring_width))
            colour = _mix(colour, ground, _cover(distance - box.gap))
            colour = _mix(colour, edge, _cover(distance))
            known[key] = bytes(_mix(colour, fill, _cover(distance + box.edge_width)))
        return known[key]

    return shade


@lru_cache(maxsize=64)
def stroke(box: Box, points: tuple[_Point, ...], width: float, colour: str) -> bytes:
    """The box with a line of round ends drawn through `points`, which are shares of its size, as a PNG file."""
    line = [(x * box.width, y * box.height) for x, y in points]
    raw, shade, over = bytearray(), _shades(box), rgb(colour)
    for row in range(box.height):
        raw.append(0)
        for column in range(box.width):
            x, y = column + 0.5, row + 0.5
            near = min(_to_segment((x, y), start, end) for start, end in pairwise(line))
            red, green, blue = shade(_distance(x, y, box))
            raw.extend(_mix((red, green, blue), over, _cover(near - width / 2)))
    return _png(box.width, box.height, bytes(raw))


def _to_segment(point: _Point, start: _Point, end: _Point) -> float:
    """The distance from a point to a line segment."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    x, y = point[0] - start[0], point[1] - start[1]
    along = min(1.0, max(0.0, (x * dx + y * dy) / (dx * dx + dy * dy)))
    return math.hypot(x - along * dx, y - along * dy)


def _distance(x: float, y: float, box: Box) -> float:
    """Signed distance from a point to the box's outline, which lies `margin` inside its size."""
    half_width, half_height = box.width / 2 - box.margin, box.height / 2 - box.margin
    radius = min(box.radius, half_width, half_height)
    dx = abs(x - box.width / 2) - (half_width - radius)
    dy = abs(y - box.height / 2) - (half_height - radius)
    return math.hypot(max(dx, 0.0), max(dy, 0.0)) + min(max(dx, dy), 0.0) - radius


def _cover(distance: float) -> float:
    """How much of a pixel lies inside an outline that passes `distance` pixels from its centre."""
    return min(1.0, max(0.0, 0.5 - distance))


def _mix(under: _Pixel, over: _Pixel, share: float) -> _Pixel:
    if share <= 0:
        return under
    if share >= 1:
        return over
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(under, over, strict=True))
    return red, green, blue


def _png(width: int, height: int, raw: bytes) -> bytes:
    """A truecolour PNG file of rows that each start with filter byte 0 (RFC 2083)."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw, 1)) + chunk(b"IEND", b"")
