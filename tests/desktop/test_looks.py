"""Colours that can be read, and pictures that are what they say."""

import itertools
import zlib

import pytest

from agenda.desktop.faces import MARKS
from agenda.desktop.palette import PALETTES, Palette, contrast
from agenda.desktop.pictures import Box, draw, stroke
from agenda.desktop.state import Face

EACH = pytest.mark.parametrize("palette", PALETTES.values(), ids=PALETTES.keys())
READABLE, VISIBLE = 4.5, 3.0


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@EACH
def test_every_text_is_readable_on_what_it_stands_on(palette: Palette) -> None:
    pairs = [(tone.text, tone.fill) for tone in palette.tones().values()]
    grounds = (palette.window, palette.surface, palette.hover, palette.pressed)
    pairs += itertools.product((palette.text,), grounds)
    pairs += itertools.product((palette.muted, palette.accent, palette.problem.text), (palette.surface, palette.window))
    pairs += [(palette.text, palette.problem.fill), (palette.success.text, palette.surface)]
    assert [(pair, contrast(*pair)) for pair in pairs if contrast(*pair) < READABLE] == []


@EACH
def test_what_can_be_operated_and_the_focus_stand_out(palette: Palette) -> None:
    edges = [
        palette.control,
        palette.ring,
        palette.field.edge,
        palette.free.edge,
        palette.mine.edge,
        palette.target.edge,
    ]
    grounds = (palette.surface, palette.window)
    assert [pair for pair in itertools.product(edges, grounds) if contrast(*pair) < VISIBLE] == []


def test_each_state_of_a_slot_has_a_mark_of_its_own() -> None:
    assert set(MARKS) == set(Face)
    assert len(set(MARKS.values())) == len(Face)


def pixels(png: bytes) -> list[bytes]:
    """The rows of a picture as raw bytes, three a pixel."""
    width = int.from_bytes(png[16:20], "big")
    start = png.index(b"IDAT")
    raw = zlib.decompress(png[start + 4 : start + 4 + int.from_bytes(png[start - 4 : start], "big")])
    return [raw[at + 1 : at + 1 + 3 * width] for at in range(0, len(raw), 1 + 3 * width)]


def test_a_box_is_filled_framed_and_rounded() -> None:
    rows = pixels(draw(Box(40, 30, 8, "#ff0000", "#00ff00", "#0000ff")))
    assert len(rows) == 30
    assert {len(row) for row in rows} == {3 * 40}
    assert rows[15][60:63] == b"\xff\x00\x00"
    assert rows[15][:3] == b"\x00\xff\x00"
    assert rows[0][:3] == b"\x00\x00\xff"


def test_a_box_is_the_same_from_all_sides() -> None:
    rows = pixels(draw(Box(41, 31, 8, "#ff0000", "#00ff00", "#0000ff", 1.5, "#ffffff", 2, 1, 4)))
    assert rows == rows[::-1]
    assert all(row == b"".join(row[at : at + 3] for at in range(len(row) - 3, -1, -3)) for row in rows)


def test_a_ring_lies_outside_the_box_with_a_gap() -> None:
    row = pixels(draw(Box(60, 60, 8, "#ff0000", "#ff0000", "#0000ff", 1, "#ffffff", 2, 1, 4)))[30]
    assert [row[3 * x : 3 * x + 3] for x in range(6)] == [
        b"\x00\x00\xff", b"\xff\xff\xff", b"\xff\xff\xff", b"\x00\x00\xff", b"\xff\x00\x00", b"\xff\x00\x00",
    ]  # fmt: skip


def test_a_stroke_passes_through_its_points() -> None:
    box = Box(20, 20, 4, "#ffffff", "#ffffff", "#ffffff")
    rows = pixels(stroke(box, ((0.25, 0.5), (0.75, 0.5)), 3, "#000000"))
    assert rows[10][30:33] == b"\x00\x00\x00"
    assert rows[3][30:33] == b"\xff\xff\xff"
