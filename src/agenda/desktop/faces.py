"""How each state of a slot is told: a mark, and colours that repeat it."""

from collections.abc import Mapping

from agenda.desktop.palette import Palette, Tone
from agenda.desktop.state import Face

MARKS = {
    Face.FREE: "○",
    Face.MINE: "✓",
    Face.TAKEN: "✕",
    Face.PAST: "–",
    Face.PENDING: "…",
    Face.TARGET: "→",
}


def tones(palette: Palette) -> Mapping[Face, tuple[Tone, Tone]]:
    """The colours of each face, at rest and under the pointer."""
    return {
        Face.FREE: (palette.free, palette.free_hover),
        Face.MINE: (palette.mine, palette.mine_hover),
        Face.TAKEN: (palette.taken, palette.taken),
        Face.PAST: (palette.past, palette.past),
        Face.PENDING: (palette.pending, palette.pending),
        Face.TARGET: (palette.target, palette.target),
    }
