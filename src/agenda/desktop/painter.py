"""What each part of the theme is made with: pictures at the right scale, elements, layouts."""

import tkinter as tk
from collections.abc import Mapping
from tkinter import ttk
from typing import Any

from agenda.desktop.palette import Palette, Tone
from agenda.desktop.pictures import Box, draw

WIDE = 120  # ttk tiles the middle of a picture: a narrow one would be painted hundreds of times
_TALL = 44


class Painter:
    """What each part of the theme needs: a style to fill, the palette, and a place for pictures."""

    def __init__(self, root: tk.Tk, style: ttk.Style, palette: Palette, scale: float) -> None:
        self.root, self.style, self.palette, self.scale = root, style, palette, scale
        self.kept: list[tk.PhotoImage] = []

    def px(self, length: float) -> int:
        return round(length * self.scale)

    def keep(self, data: bytes) -> tk.PhotoImage:
        picture = tk.PhotoImage(master=self.root, data=data, format="png")
        self.kept.append(picture)
        return picture

    def box(self, tone: Tone, ground: str, *, radius: float = 8, focus: bool = False) -> Box:
        """A control's picture: room for the focus ring all round, and the ring itself if it has the focus."""
        return Box(
            self.px(WIDE),
            self.px(_TALL),
            radius * self.scale,
            tone.fill,
            tone.edge,
            ground,
            edge_width=max(1.0, self.px(1)),
            ring=self.palette.ring if focus else None,
            ring_width=self.px(2),
            gap=self.px(1),
            margin=self.px(2) + self.px(1),
        )

    def panel(self, tone: Tone, ground: str, radius: float) -> Box:
        edge = max(1.0, self.px(1))
        return Box(self.px(240), self.px(96), radius * self.scale, tone.fill, tone.edge, ground, edge_width=edge)

    def element(self, name: str, default: Box, states: Mapping[str, Box]) -> None:
        """An image element; `states` maps "focus", "disabled" or several words to other pictures."""
        pictures: list[Any] = [(*state.split(), self.keep(draw(box))) for state, box in states.items()]
        corner = default.corner()
        minimum = 2 * corner
        self.style.element_create(
            name,
            "image",
            self.keep(draw(default)),
            *pictures,
            border=corner,
            padding=0,
            sticky="nswe",
            width=minimum,
            height=minimum,
        )

    def lay(self, name: str, parts: list[Any]) -> None:
        """Say of which elements a widget consists, in ttk's own notation."""
        self.style.layout(name, parts)

    def layout(self, name: str, part: tuple[Any, ...]) -> None:
        """The same for elements one inside the other, each as (element, sides it sticks to, inner one)."""
        self.lay(name, [_nested(part)])


def _nested(part: tuple[Any, ...]) -> tuple[str, dict[str, Any]]:
    name, sticky, *inner = part
    children = {"children": [_nested(each) for each in inner]} if inner else {}
    return name, {"sticky": sticky, **children}
