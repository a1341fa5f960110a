"""The day's slots: a scrolling grid drawn on one canvas, one Tab stop, arrows move the cursor."""

import tkinter as tk
from collections.abc import Callable, Mapping, Sequence
from tkinter import ttk

from agenda.desktop.faces import MARKS, tones
from agenda.desktop.look import Look
from agenda.desktop.palette import Tone
from agenda.desktop.pictures import Box
from agenda.desktop.state import Cell, Key
from agenda.desktop.widgets import Words

_NARROWEST, _WIDEST, _LOWEST, _HIGHEST, _GAP = 112, 240, 58, 100, 12
_MOST_COLUMNS = 8
_FORGET_DIGITS = 1200  # milliseconds


class SlotGrid(ttk.Frame):
    """Draws only the rows that are seen, so that a day may have thousands of slots.

    `moved(cell)` is called when the cursor moves, `pressed(cell)` on Return, Space and a double click.
    """

    def __init__(
        self, parent: tk.Misc, look: Look, words: Words,
        moved: Callable[[Cell], None], pressed: Callable[[Cell], object],
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._look, self._words, self._moved, self._pressed = look, words, moved, pressed
        self.cells: Sequence[Cell] = ()
        self.cursor: Key | None = None
        self._names: Mapping[str, str] = {}
        self._empty = ""
        self._hover: Key | None = None
        self._pictures: dict[Box, tk.PhotoImage] = {}
        self._digits = ""
        self._forget: str | None = None
        self._scheduled: str | None = None
        self.canvas = tk.Canvas(self, highlightthickness=0, borderwidth=0, takefocus=True, width=1, height=1)
        self.bar = ttk.Scrollbar(self, orient="vertical", command=self._scroll)
        self.canvas.configure(yscrollcommand=self._scrolled)
        self.canvas.grid(row=0, column=0, sticky="nswe")
        self.columnconfigure(0, weight=1)
        self.rowconfigure(0, weight=1)
        self._bind()

    def _bind(self) -> None:
        canvas = self.canvas
        for key, step in {"Left": (-1, 0), "Right": (1, 0), "Up": (0, -1), "Down": (0, 1)}.items():
            canvas.bind(f"<{key}>", lambda event, step=step: self._step(*step))  # type: ignore[misc]
        canvas.bind("<Prior>", lambda event: self._step(0, -self._rows_seen()))
        canvas.bind("<Next>", lambda event: self._step(0, self._rows_seen()))
        canvas.bind("<Home>", lambda event: self._go(0))
        canvas.bind("<End>", lambda event: self._go(len(self.cells) - 1))
        for key in ("Return", "KP_Enter", "space"):
            canvas.bind(f"<{key}>", lambda event: self._press())
        canvas.bind("<Key>", self._typed)
        canvas.bind("<Button-1>", self._clicked)
        canvas.bind("<Double-Button-1>", self._double)
        canvas.bind("<Motion>", self._pointed)
        canvas.bind("<Leave>", self._pointed)
        canvas.bind("<Button-4>", lambda event: self._wheel(-1))
        canvas.bind("<Button-5>", lambda event: self._wheel(1))
        canvas.bind("<MouseWheel>", lambda event: self._wheel(-1 if event.delta > 0 else 1))
        for event in ("<FocusIn>", "<FocusOut>"):
            canvas.bind(event, lambda event: self.draw(), add="+")
        canvas.bind("<Configure>", lambda event: self._resized(), add="+")

    def show(self, cells: Sequence[Cell], cursor: Key | None, names: Mapping[str, str], empty: str) -> None:
        """Show these slots; `names` are those of the resources, where the grid must tell them apart."""
        moved = cursor != self.cursor
        if (cells, cursor, names, empty) == (self.cells, self.cursor, self._names, self._empty):
            return
        self.cells, self.cursor, self._names, self._empty = cells, cursor, names, empty
        self._layout()
        if moved:
            self._reveal()
        self.draw()

    def relook(self) -> None:
        """Take over a changed look or language."""
        self.canvas.configure(background=self._look.palette.surface)
        self._pictures.clear()
        self._layout()
        self._reveal()
        self.draw()

    # -- geometry -----------------------------------------------------------

    def _layout(self) -> None:
        """Find columns and sizes for the room there is: as few rows as fit, cells neither tiny nor huge."""
        px, count = self._look.px, max(1, len(self.cells))
        room, height = self.canvas.winfo_width(), self.canvas.winfo_height()
        if room < px(_GAP):
            return  # not on the screen yet
        lowest = px(_LOWEST + (16 if self._names else 0))
        most = max(1, min(_MOST_COLUMNS, room // px(_NARROWEST)))
        fitting = [n for n in range(min(3, most), most + 1) if -(-count // n) * (lowest + px(_GAP)) <= height]
        wide_enough = min(most, -(-room // px(_WIDEST)))
        self.columns = max(fitting[0], wide_enough) if fitting else most
        rows = -(-count // self.columns)
        self.wide = max(1, room // self.columns)
        self.tall = max(lowest + px(_GAP), min(px(_HIGHEST + _GAP), height // rows))
        self.canvas.configure(scrollregion=(0, 0, room, max(rows * self.tall, 1)))
        self._show_bar(rows * self.tall > height)

    columns, wide, tall = 1, 1, 1

    def _show_bar(self, needed: bool) -> None:  # noqa: FBT001 - a switch
        if needed and not self.bar.winfo_manager():
            self.bar.grid(row=0, column=1, sticky="ns", padx=(self._look.px(4), 0))
        elif not needed and self.bar.winfo_manager():
            self.bar.grid_remove()
            self.canvas.yview_moveto(0)

    def _resized(self) -> None:
        """Lay out anew, once, when the size has settled for a moment."""
        if self._scheduled is None:
            self._scheduled = self.after_idle(self._settle)

    def _settle(self) -> None:
        self._scheduled = None
        self._pictures.clear()
        self._layout()
        self._reveal()
        self.draw()

    def _index(self) -> int:
        return next((n for n, cell in enumerate(self.cells) if cell.key == self.cursor), 0)

    def _rows_seen(self) -> int:
        return max(1, self.canvas.winfo_height() // self.tall)

    def _reveal(self) -> None:
        """Scroll so that the cursor is seen."""
        top = self._index() // self.columns * self.tall
        height, whole = self.canvas.winfo_height(), -(-len(self.cells) // self.columns) * self.tall
        seen = self.canvas.canvasy(0)
        if whole > height and not seen <= top <= seen + height - self.tall:
            wanted = top if top < seen else top + self.tall - height
            self.canvas.yview_moveto(wanted / whole)

    # -- drawing ------------------------------------------------------------

    def draw(self) -> None:
        """Draw the rows that are seen."""
        canvas = self.canvas
        canvas.delete("all")
        if canvas.winfo_width() < self._look.px(_GAP):
            return  # not laid out yet
        if not self.cells:
            canvas.create_text(
                canvas.winfo_width() / 2, canvas.winfo_height() / 2, text=self._empty, justify="center",
                width=canvas.winfo_width() * 0.8, font="AgendaBody", fill=self._look.palette.muted,
            )  # fmt: skip
            return
        first = max(0, int(canvas.canvasy(0) // self.tall)) * self.columns
        last = first + (self._rows_seen() + 2) * self.columns
        for index in range(first, min(last, len(self.cells))):
            self._draw_cell(index, self.cells[index])

    def _draw_cell(self, index: int, cell: Cell) -> None:
        row, column = divmod(index, self.columns)
        x, y = (column + 0.5) * self.wide, (row + 0.5) * self.tall
        rest, hover = tones(self._look.palette)[cell.face]
        tone = hover if cell.key == self._hover else rest
        chosen = cell.key == self.cursor
        self.canvas.create_image(x, y, image=self._picture(tone, chosen=chosen))
        texts = self._words.texts
        word = f"{MARKS[cell.face]} {texts(f'desktop.face_{cell.face.value}')}"
        lines = [(texts.time(cell.slot.start), "AgendaSlot"), (word, "AgendaStrong")]
        if self._names:
            lines.append((self._short(self._names.get(cell.slot.resource, "")), "AgendaSmall"))
        step = self._look.px(19)
        for number, (line, font) in enumerate(lines):
            offset = (number - (len(lines) - 1) / 2) * step
            self.canvas.create_text(x, y + offset, text=line, font=font, fill=tone.text, width=0, anchor="center")

    def _short(self, name: str) -> str:
        """The name, cut where it is wider than a cell."""
        font, room = self._look.fonts["Small"], self.wide - self._look.px(_GAP * 2)
        if font.measure(name) <= room:
            return name
        while name and font.measure(name + "…") > room:
            name = name[:-1]
        return name + "…"

    def _picture(self, tone: Tone, *, chosen: bool) -> tk.PhotoImage:
        """A cell's box. The cursor is a frame: strong where the grid has the focus, thin where it has not."""
        look, ring, width = self._look, None, 0.0
        if chosen:
            focused = self.canvas.focus_get() is self.canvas
            ring = look.palette.ring if focused else look.palette.control
            width = look.px(2.6 if focused else 1.2)
        box = Box(
            self.wide - look.px(_GAP - 9), self.tall - look.px(_GAP - 9), 9 * look.scale, tone.fill, tone.edge,
            look.palette.surface, max(1, look.px(1.2)), ring, width, look.px(1.6), look.px(1.6) + look.px(2.6),
        )  # fmt: skip
        if box not in self._pictures:
            self._pictures[box] = look.picture(box)
        return self._pictures[box]

    # -- keys and pointer ---------------------------------------------------

    def _go(self, index: int) -> str:
        if self.cells:
            cell = self.cells[min(len(self.cells) - 1, max(0, index))]
            self.cursor = cell.key
            self._reveal()
            self.draw()
            self._moved(cell)
        return "break"

    def _step(self, across: int, down: int) -> str:
        index = self._index() + across + down * self.columns
        inside = 0 <= index < len(self.cells)
        return self._go(index) if inside or abs(down) > 1 else "break"

    def _press(self) -> str:
        self._digits = ""
        if self.cells:
            self._pressed(self.cells[self._index()])
        return "break"

    def _typed(self, event: "tk.Event[tk.Misc]") -> str | None:
        """Digits go to a time: "14", "1430"."""
        if not event.char.isdigit():
            return None
        if self._forget:
            self.after_cancel(self._forget)
        self._forget = self.after(_FORGET_DIGITS, self._forget_digits)
        for digits in (self._digits + event.char, event.char):
            for index, cell in enumerate(self.cells):
                time = f"{cell.slot.start:%H%M}"
                if time.startswith(digits) or time.lstrip("0").startswith(digits):
                    self._digits = digits
                    return self._go(index)
        return "break"

    def _forget_digits(self) -> None:
        self._digits, self._forget = "", None

    def _cell_at(self, event: "tk.Event[tk.Misc]") -> int | None:
        column = int(event.x // self.wide)
        index = int(self.canvas.canvasy(event.y) // self.tall) * self.columns + column
        return index if column < self.columns and 0 <= index < len(self.cells) else None

    def _clicked(self, event: "tk.Event[tk.Misc]") -> None:
        self.canvas.focus_set()
        index = self._cell_at(event)
        if index is not None:
            self._go(index)

    def _double(self, event: "tk.Event[tk.Misc]") -> None:
        if self._cell_at(event) is not None:
            self._press()

    def _pointed(self, event: "tk.Event[tk.Misc]") -> None:
        index = None if str(event.type) == "Leave" else self._cell_at(event)
        hover = None if index is None else self.cells[index].key
        if hover != self._hover:
            self._hover = hover
            self.draw()

    def _wheel(self, steps: int) -> str:
        if self.bar.winfo_manager():
            self.canvas.yview_scroll(steps * 2, "units")
            self.draw()
        return "break"

    def _scroll(self, *args: str) -> None:
        self.canvas.yview(*args)
        self.draw()

    def _scrolled(self, first: float, last: float) -> None:
        self.bar.set(first, last)
