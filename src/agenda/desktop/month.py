"""The month picker: a calendar on one canvas, one Tab stop, arrows move from day to day."""

import tkinter as tk
from collections.abc import Callable
from datetime import date, timedelta
from tkinter import ttk

from agenda.desktop.days import month_after, month_grid, parse_day
from agenda.desktop.look import Look
from agenda.desktop.pictures import Box
from agenda.desktop.widgets import Words, button, enable, sentence_case

_COLUMN, _ROW, _WEEKS = 31, 30, 6
_LOWEST_ROW, _NOTICEABLE = 19, 0.2
_STEPS = {"Left": -1, "Right": 1, "Up": -7, "Down": 7}


class MonthPicker(ttk.Frame):
    """Shows a month and the chosen day. `chosen(day, done)` is called; `done` is True where the user goes on."""

    def __init__(self, parent: tk.Misc, look: Look, words: Words, chosen: Callable[[date, bool], None]) -> None:
        super().__init__(parent)
        self._look, self._words, self._chosen = look, words, chosen
        self.day = self.today = date.min
        self.month = date.min
        self.marked: frozenset[date] = frozenset()
        self._pictures: list[tk.PhotoImage] = []
        self._hover: date | None = None
        self._row = float(_ROW)
        self._build_head()
        self.canvas = tk.Canvas(self, highlightthickness=0, takefocus=True, borderwidth=0)
        self.canvas.grid(row=1, column=0, columnspan=3, sticky="we")
        self._build_typing()
        self.columnconfigure(1, weight=1)
        self._bind()

    def _build_head(self) -> None:
        head = ttk.Frame(self)
        head.grid(row=0, column=0, columnspan=3, sticky="we")
        head.columnconfigure(1, weight=1)
        self.earlier = button(head, lambda: self._turn(-1), "Small.Link.TButton")
        self.title = ttk.Label(head, style="Heading.TLabel", anchor="center")
        self.later = button(head, lambda: self._turn(1), "Small.Link.TButton")
        self.earlier.configure(text="‹")
        self.later.configure(text="›")
        self.earlier.grid(row=0, column=0)
        self.title.grid(row=0, column=1, sticky="we")
        self.later.grid(row=0, column=2)

    def _build_typing(self) -> None:
        """The field for a typed day, and the way back to today."""
        self.label = ttk.Label(self, style="Muted.TLabel")
        self.field = ttk.Entry(self, font="AgendaBody", width=8)
        self.today_button = button(self, lambda: self._choose(self.today, done=True))
        self._words.say(self.label, "desktop.go_to_day", target=self.field)
        self._words.say(self.today_button, "desktop.today")
        self.label.grid(row=2, column=0, columnspan=3, sticky="w")
        self.field.grid(row=3, column=0, columnspan=2, sticky="we")
        self.today_button.grid(row=3, column=2, sticky="e")
        self.field.bind("<Return>", lambda event: self._typed())
        self.field.bind("<KP_Enter>", lambda event: self._typed())
        self.field.bind("<Key>", lambda event: self._mark(invalid=False), add="+")
        self.field.bind("<Escape>", lambda event: self._leave_field())

    def _bind(self) -> None:
        canvas = self.canvas
        for key in _STEPS:
            canvas.bind(f"<{key}>", self._step)
        canvas.bind("<Prior>", lambda event: self._choose(month_after(self.day, -1)))
        canvas.bind("<Next>", lambda event: self._choose(month_after(self.day, 1)))
        canvas.bind("<Home>", lambda event: self._choose(self.today))
        for key in ("Return", "KP_Enter", "space"):
            canvas.bind(f"<{key}>", lambda event: self._choose(self.day, done=True))
        canvas.bind("<Key>", self._begin_typing)
        canvas.bind("<Button-1>", self._clicked)
        canvas.bind("<Motion>", self._moved)
        canvas.bind("<Leave>", self._moved)
        for event in ("<FocusIn>", "<FocusOut>", "<Configure>"):
            canvas.bind(event, lambda event: self.draw(), add="+")

    def show(self, day: date, today: date, marked: frozenset[date]) -> None:
        """Show the month of the chosen day; `marked` days carry a dot."""
        if day != self.day:
            self.month = day.replace(day=1)
        if (day, today, marked) != (self.day, self.today, self.marked):
            self.day, self.today, self.marked = day, today, marked
            self.draw()

    def relook(self) -> None:
        """Take over a changed look or language."""
        px = self._look.px
        self.canvas.configure(
            width=px(_COLUMN * 7), height=px(self._row * (_WEEKS + 1)), background=self._look.palette.surface
        )
        self.canvas.grid_configure(pady=(px(8), px(10)))
        self.label.grid_configure(pady=(0, px(2)))
        self.today_button.grid_configure(padx=(px(4), 0))
        self.draw()

    def fit(self, height: int) -> None:
        """Make the weeks lower where the whole picker must fit into so many pixels."""
        others = self.winfo_reqheight() - self.canvas.winfo_reqheight()
        row = min(_ROW, max(_LOWEST_ROW, (height - others) / self._look.scale / (_WEEKS + 1)))
        if abs(row - self._row) > _NOTICEABLE:
            self._row = row
            self.canvas.configure(height=self._look.px(row * (_WEEKS + 1)))
            self.draw()

    # -- drawing ------------------------------------------------------------

    def draw(self) -> None:
        """Draw the whole month anew; it takes a few milliseconds."""
        if self.month == date.min:
            return
        texts = self._words.texts
        self.title.configure(text=sentence_case(texts.month(self.month)))
        self.canvas.delete("all")
        self._pictures.clear()
        width = self._column_width()
        for index, name in enumerate(texts.weekdays("abbreviated")):
            self.canvas.create_text(
                (index + 0.5) * width, self._look.px(self._row / 2), text=name.rstrip("."),
                font="AgendaSmall", fill=self._look.palette.muted,
            )  # fmt: skip
        for index, day in enumerate(month_grid(self.month, texts.first_weekday)):
            self._draw_day(day, (index % 7 + 0.5) * width, self._look.px((index // 7 + 1.5) * self._row))
        enable(self.earlier, self.month > date(2, 1, 1))
        enable(self.later, self.month < date(9998, 1, 1))

    def _draw_day(self, day: date, x: float, y: float) -> None:
        colours, px = self._look.palette, self._look.px
        text = colours.text if day.month == self.month.month else colours.muted
        fill, edge = colours.surface, colours.surface
        if day == self._hover:
            fill = edge = colours.hover
        if day == self.today:
            edge = colours.accent
        if day == self.day:
            fill, edge, text = colours.primary.fill, colours.primary.edge, colours.primary.text
        focused = day == self.day and self.canvas.focus_get() is self.canvas
        if (fill, edge) != (colours.surface, colours.surface):
            self._draw_box(x, y, fill, edge, focused=focused)
        font = "AgendaStrong" if day in (self.day, self.today) else "AgendaBody"
        self.canvas.create_text(x, y, text=str(day.day), font=font, fill=text)
        if day in self.marked:
            dot = px(2)
            self.canvas.create_rectangle(x - dot, y + px(7), x + dot, y + px(7) + dot, fill=text, outline=text)

    def _draw_box(self, x: float, y: float, fill: str, edge: str, *, focused: bool) -> None:
        look, colours = self._look, self._look.palette
        ring = colours.ring if focused else None
        margin, edge_width = look.px(2) + look.px(1), max(1, look.px(1.2))
        box = Box(
            look.px(_COLUMN + 1), look.px(self._row), 7 * look.scale, fill, edge, colours.surface, edge_width, ring,
            look.px(2), look.px(1), margin,
        )  # fmt: skip
        picture = look.picture(box)
        self._pictures.append(picture)
        self.canvas.create_image(x, y, image=picture)

    def _column_width(self) -> float:
        return max(self.canvas.winfo_width(), self._look.px(_COLUMN * 7)) / 7

    # -- choosing -----------------------------------------------------------

    def _choose(self, day: date, *, done: bool = False) -> str:
        self._chosen(day, done)
        return "break"

    def _step(self, event: "tk.Event[tk.Misc]") -> str:
        return self._choose(self.day + timedelta(days=_STEPS[event.keysym]))

    def _turn(self, months: int) -> None:
        """Show another month; the chosen day stays."""
        self.month = month_after(self.month, months)
        self.draw()

    def _day_at(self, event: "tk.Event[tk.Misc]") -> date | None:
        row = int(event.y // self._look.px(self._row)) - 1
        column = int(event.x // self._column_width())
        inside = 0 <= row < _WEEKS and 0 <= column < 7  # noqa: PLR2004 - days of a week
        days = month_grid(self.month, self._words.texts.first_weekday)
        return days[row * 7 + column] if inside else None

    def _clicked(self, event: "tk.Event[tk.Misc]") -> None:
        self.canvas.focus_set()
        if day := self._day_at(event):
            self._choose(day)

    def _moved(self, event: "tk.Event[tk.Misc]") -> None:
        hover = None if str(event.type) == "Leave" else self._day_at(event)
        if hover != self._hover:
            self._hover = hover
            self.draw()

    # -- typing a day -------------------------------------------------------

    def _begin_typing(self, event: "tk.Event[tk.Misc]") -> str | None:
        """A digit typed on the calendar begins a day in the field below."""
        if event.char.isdigit() or event.char == "+":
            self.field.delete(0, "end")
            self.field.insert(0, event.char)
            self.field.focus_set()
            self.field.icursor("end")
            return "break"
        return None

    def _typed(self) -> str:
        day = parse_day(self.field.get(), self.today, self._words.texts.language)
        self._mark(invalid=day is None)
        if day is None:
            self.field.selection_range(0, "end")
        else:
            self.field.delete(0, "end")
            self._choose(day, done=True)
        return "break"

    def _leave_field(self) -> str:
        self.field.delete(0, "end")
        self._mark(invalid=False)
        self.canvas.focus_set()
        return "break"

    def _mark(self, *, invalid: bool) -> None:
        """Say above the field that what was typed is no day, or say it no longer."""
        if invalid != self.field.instate(["invalid"]):
            self.field.state(["invalid" if invalid else "!invalid"])
            self.label.configure(style="Invalid.TLabel" if invalid else "Muted.TLabel")
            self._words.say(self.label, "desktop.no_such_day" if invalid else "desktop.go_to_day", target=self.field)
