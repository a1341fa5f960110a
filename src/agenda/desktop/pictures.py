"""Pictures drawn in memory as PNG: rounded boxes and dots with smooth edges, at any scale."""

import math
import struct
import zlib
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
    """The box as a PNG file. Only one corner is computed; the rest are its mirror images and plain runs."""
    corner = min(box.corner(), box.width // 2, box.height // 2)
    rows = [[_pixel(box, x + 0.5, y + 0.5) for x in range(corner)] for y in range(corner)]
    edge = [_pixel(box, box.width / 2, y + 0.5) for y in range(corner)]
    side = [_pixel(box, x + 0.5, box.height / 2) for x in range(corner)]
    middle = _pixel(box, box.width / 2, box.height / 2)
    across, down = box.width - 2 * corner, box.height - 2 * corner

    def line(left: list[_Pixel], centre: _Pixel) -> bytes:
        half = b"".join(bytes(pixel) for pixel in left)
        mirrored = b"".join(bytes(pixel) for pixel in reversed(left))
        return b"\0" + half + bytes(centre) * across + mirrored

    top = [line(row, centre) for row, centre in zip(rows, edge, strict=True)]
    return _png(box.width, box.height, b"".join((*top, line(side, middle) * down, *reversed(top))))


def _pixel(box: Box, x: float, y: float) -> _Pixel:
    """The colour at one point, from its signed distance to the outline (negative inside)."""
    distance = _distance(x, y, box)
    colour = rgb(box.ground)
    if box.ring is not None:
        reach = box.gap + box.ring_width
        colour = _mix(colour, rgb(box.ring), _cover(distance - reach))
        colour = _mix(colour, rgb(box.ground), _cover(distance - box.gap))
    colour = _mix(colour, rgb(box.edge), _cover(distance))
    return _mix(colour, rgb(box.fill), _cover(distance + box.edge_width))


@lru_cache(maxsize=64)
def stroke(box: Box, points: tuple[_Point, ...], width: float, colour: str) -> bytes:
    """The box with a line of round ends drawn through `points`, which are shares of its size, as a PNG file."""
    line = [(x * box.width, y * box.height) for x, y in points]
    raw = bytearray()
    for row in range(box.height):
        raw.append(0)
        for column in range(box.width):
            x, y = column + 0.5, row + 0.5
            near = min(_to_segment((x, y), start, end) for start, end in pairwise(line))
            raw.extend(_mix(_pixel(box, x, y), rgb(colour), _cover(near - width / 2)))
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
