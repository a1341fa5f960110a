"""How the window looks now: palette, scale and fonts, and the pictures made for them."""

import sys
import tkinter as tk
from tkinter import font as tkfont

from agenda.desktop import fonts, theme
from agenda.desktop.palette import LIGHT, PALETTES, Palette
from agenda.desktop.pictures import Box, draw, stroke

ZOOMS = (0.9, 1.0, 1.15, 1.3, 1.5, 1.75, 2.0)


class Look:
    """Palette, scale and fonts of one window. Changing them tells every widget by `<<ThemeChanged>>`."""

    def __init__(self, root: tk.Tk, palette: str, zoom: float) -> None:
        self._root = root
        self.dots = screen_scale(root)
        self.palette: Palette = PALETTES[palette]
        self.zoom = zoom
        self.fonts: dict[str, tkfont.Font] = {}
        self._themes: dict[str, list[tk.PhotoImage]] = {}
        self._apply()

    @property
    def scale(self) -> float:
        """Device pixels for one pixel of the design."""
        return self.dots * self.zoom

    def px(self, length: float) -> int:
        """A length of the design in device pixels."""
        return round(length * self.scale)

    def picture(self, box: Box) -> tk.PhotoImage:
        return tk.PhotoImage(master=self._root, data=draw(box), format="png")

    def icon(self) -> tk.PhotoImage:
        """The window's picture in task bars: a tick on blue."""
        box = Box(64, 64, 15, LIGHT.accent, LIGHT.accent, "#ffffff")
        data = stroke(box, ((0.26, 0.53), (0.43, 0.70), (0.76, 0.32)), 7.0, "#ffffff")
        return tk.PhotoImage(master=self._root, data=data, format="png")

    def use_palette(self, name: str) -> None:
        self.palette = PALETTES[name]
        self._apply()

    def use_zoom(self, zoom: float) -> None:
        self.zoom = zoom
        self._apply()

    def step_zoom(self, steps: int) -> None:
        """Make everything larger or smaller by so many steps; 0 returns to the normal size."""
        nearest = min(range(len(ZOOMS)), key=lambda index: abs(ZOOMS[index] - self.zoom))
        wanted = min(len(ZOOMS) - 1, max(0, nearest + steps))
        self.use_zoom(ZOOMS[wanted] if steps else 1.0)

    def _apply(self) -> None:
        self.fonts = fonts.install(self._root, self.scale)
        name = f"agenda-{self.palette.name}-{self.scale:.3f}"
        if name not in self._themes:
            self._themes[name] = theme.create(self._root, name, self.palette, self.scale, self.fonts)
        self._root.configure(background=self.palette.window)
        theme.paint_options(self._root, self.palette)
        theme.use(self._root, name)


def screen_scale(root: tk.Tk) -> float:
    """How many times denser than 96 dpi the screen is. A Mac scales by itself."""
    if sys.platform == "darwin":
        return 1.0
    return max(1.0, root.winfo_fpixels("1i") / 96)


def prepare_screen() -> None:
    """Ask Windows for real pixels instead of a blurred enlargement; must run before the first Tk()."""
    if sys.platform == "win32":
        import ctypes

        try:
            ctypes.windll.shcore.SetProcessDpiAwareness(1)
        except OSError:
            return  # set already, by the embedding program
