"""The middle of the window: the day's title, what it is looked at for, messages, the grid, and the action below it."""

import tkinter as tk
from collections.abc import Callable
from datetime import datetime
from tkinter import ttk

from agenda.desktop.desk import Desk
from agenda.desktop.grid import SlotGrid
from agenda.desktop.look import Look
from agenda.desktop.message import message
from agenda.desktop.state import Cell, Face
from agenda.desktop.widgets import Strip, Words, button, enable, sentence_case
from agenda.wire import Booking

_LOW = 420  # pixels of the design


class DayPanel(ttk.Frame):
    """Shows the chosen day and acts on the slot under the cursor. `cancel(booking)` asks before giving it back."""

    def __init__(
        self, parent: tk.Misc, look: Look, words: Words, desk: Desk, *,
        changed: Callable[[], None], cancel: Callable[[Booking], None],
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._look, self._words, self._desk = look, words, desk
        self._changed, self._cancel = changed, cancel
        self._cell: Cell | None = None
        self.title = ttk.Label(self, style="Heading.TLabel")
        self.subtitle = ttk.Label(self, style="Muted.TLabel")
        self.filters = ttk.Frame(self)
        self.strip = Strip(self, look, words)
        self.grid_ = SlotGrid(self, look, words, self._moved, lambda cell: self.act())
        self._build_filters()
        self._build_foot()
        for row, widget in enumerate((self.title, self.subtitle, self.filters, self.strip, self.grid_, self.foot)):
            widget.grid(row=row, column=0, sticky="nswe")
        self.columnconfigure(0, weight=1)
        self.rowconfigure(4, weight=1)
        for sized in (self, self.strip):
            sized.bind("<Configure>", lambda event: self._fit(), add="+")
        self.grid_.canvas.bind("<Delete>", lambda event: self._ask_cancel())

    # -- building -----------------------------------------------------------

    def _build_filters(self) -> None:
        self.labels: list[ttk.Label] = []
        self.service = ttk.Combobox(self.filters, state="readonly", font="AgendaBody", width=18)
        self.resource = ttk.Combobox(self.filters, state="readonly", font="AgendaBody", width=18)
        for column, (box, msgid) in enumerate(((self.service, "desktop.service"), (self.resource, "desktop.resource"))):
            label = self._words.say(ttk.Label(self.filters, style="Muted.TLabel"), msgid, target=box)
            label.grid(row=0, column=column, sticky="w")
            self.labels.append(label)
            box.grid(row=1, column=column, sticky="we")
            box.bind("<<ComboboxSelected>>", lambda event: self._filtered())
            self.filters.columnconfigure(column, weight=1)

    def _build_foot(self) -> None:
        self.foot = ttk.Frame(self)
        self.chosen = ttk.Label(self.foot, style="Strong.TLabel")
        self.note_label = ttk.Label(self.foot, style="Muted.TLabel")
        self.note = ttk.Entry(self.foot, font="AgendaBody", width=12)
        self.second = button(self.foot, self._second)
        self.action = button(self.foot, self.act, "Primary.TButton")
        self._words.say(self.note_label, "desktop.note", target=self.note)
        self.chosen.grid(row=0, column=0, sticky="w")
        self.note_label.grid(row=1, column=0, sticky="w")
        for column, widget in enumerate((self.note, self.second, self.action), start=1):
            widget.grid(row=0, column=column, rowspan=2, sticky="we")
        self.foot.columnconfigure(1, weight=1)
        self.foot.rowconfigure((0, 1), weight=1)
        self.note.bind("<Return>", lambda event: self.act())
        self.note.bind("<KP_Enter>", lambda event: self.act())
        self.note.bind("<Escape>", lambda event: self.grid_.canvas.focus_set())

    def relook(self) -> None:
        """Take over a changed look or language."""
        px = self._look.px
        self.title.grid_configure(padx=px(6))
        self.subtitle.grid_configure(padx=px(6))
        self.filters.grid_configure(pady=(px(8), 0), padx=px(3))
        self.strip.grid_configure(pady=(px(10), px(6)), padx=px(6))
        self.foot.grid_configure(pady=(px(6), 0), padx=(px(6), px(3)))
        for label in self.labels:
            label.grid_configure(padx=px(4))
        self.note.grid_configure(padx=(px(12), 0))
        self.second.grid_configure(padx=(px(6), 0))
        self.action.grid_configure(padx=(px(6), 0))
        self.grid_.relook()

    # -- showing ------------------------------------------------------------

    def show(self) -> None:
        """Show the model as it is now."""
        model, texts = self._desk.model, self._words.texts
        cells = model.cells(self._desk.now())
        self._cell = model.cursor_cell(cells)
        self._show_title()
        self.subtitle.configure(text=self._subtitle(cells))
        self._show_filters()
        self._show_strip()
        names = {each.id: each.name for each in model.resources} if model.resource is None else {}
        empty = texts("desktop.no_slots" if model.picture else self._waiting())
        self.grid_.show(cells, self._cell.key if self._cell else None, names, empty)
        self._show_foot()
        self._put_note_back()

    def _fit(self) -> None:
        if self._desk.model.session:
            self._show_title()
            self._show_strip()

    def _show_title(self) -> None:
        """Name the day as fully as there is room for."""
        texts, day, font = self._words.texts, self._desk.model.day, self._look.fonts["Heading"]
        names = [sentence_case(texts.day(day, width)) for width in ("full", "yearless", "medium")]
        room = self.winfo_width() - self._look.px(16)
        self.title.configure(text=next((name for name in names if font.measure(name) <= room), names[-1]))

    def _show_strip(self) -> None:
        """Show the message; a mere hint gives its room to the grid where the window is low."""
        notice = message(self._desk.model, self._cell.face if self._cell else None, self._words.texts)
        self.strip.show(notice, self._words.texts)
        low = self.winfo_height() < self._look.px(_LOW)
        self.strip.grid_remove() if low and notice.kind == "hint" else self.strip.grid()
        self.rowconfigure(3, minsize=0 if low else self.strip.usual_height + self._look.px(16))

    def _waiting(self) -> str:
        return "desktop.loading" if self._desk.model.online else "desktop.day_unknown"

    def _subtitle(self, cells: list[Cell]) -> str:
        texts, model = self._words.texts, self._desk.model
        if not model.picture:
            return ""
        free = sum(cell.face in (Face.FREE, Face.TARGET) for cell in cells)
        count = texts.plural("desktop.free_count", free)
        if model.online:
            return count
        return f"{count} · {texts('desktop.as_of', time=self._clock(model.picture.seen))}"

    def _clock(self, moment: datetime) -> str:
        return f"{moment:%H:%M:%S}"

    def _show_filters(self) -> None:
        model, everyone = self._desk.model, self._words.texts("desktop.all_resources")
        choices = (
            (self.service, [each.name for each in model.services], self._called(model.services, model.service)),
            (
                self.resource,
                [*(each.name for each in model.resources), everyone],
                self._called(model.resources, model.resource) or everyone,
            ),
        )
        many = (len(model.services) > 1, len(model.resources) > 1)
        for (box, values, value), label, shown in zip(choices, self.labels, many, strict=True):
            if list(box["values"]) != values:
                box.configure(values=values)
            if box.get() != value:
                box.set(value)
            self.filters.columnconfigure(self.labels.index(label), weight=int(shown))
            for widget in (box, label):
                widget.grid() if shown else widget.grid_remove()
        self.filters.grid() if any(many) else self.filters.grid_remove()

    @staticmethod
    def _called(things: tuple[object, ...], id_: str | None) -> str:
        return next((str(getattr(each, "name", "")) for each in things if getattr(each, "id", "") == id_), "")

    def _show_foot(self) -> None:
        """What the cursor is on, and what can be done with it."""
        cell, texts, say = self._cell, self._words.texts, self._words.say
        face = cell.face if cell else None
        span = f"{texts.time(cell.slot.start)}–{texts.time(cell.slot.end)}" if cell else ""
        model = self._desk.model
        if cell and model.resource is None:
            span += f"\n{self._called(model.resources, cell.slot.resource)}"
        self.chosen.configure(text=span or texts("desktop.nothing_chosen"))
        main, second = {
            Face.FREE: ("desktop.book", ""),
            Face.TARGET: ("desktop.move_here", ""),
            Face.MINE: ("desktop.move_button_grid", "desktop.cancel_button_grid"),
            Face.PENDING: ("desktop.face_pending", ""),
            Face.TAKEN: ("desktop.face_taken", ""),
            Face.PAST: ("desktop.face_past", ""),
            None: ("desktop.book", ""),
        }[face]
        if self._desk.model.moving:
            second = "desktop.stop_moving"
            main = "desktop.move_here" if face is not Face.PENDING else main
        say(self.action, main)
        enable(self.action, face in self._ready())
        if second:
            say(self.second, second)
        self.second.grid() if second else self.second.grid_remove()
        for widget in (self.note_label, self.note):
            widget.grid() if face is Face.FREE else widget.grid_remove()
        self.chosen.grid_configure(rowspan=1 if face is Face.FREE else 2)

    def _put_note_back(self) -> None:
        """The note of a booking that was refused serves for the next one, unless another is being typed."""
        model = self._desk.model
        if model.note and not self.note.get():
            self.note.insert(0, model.note)
        model.note = ""

    def _ready(self) -> tuple[Face, ...]:
        return (Face.TARGET,) if self._desk.model.moving else (Face.FREE, Face.MINE)

    # -- acting -------------------------------------------------------------

    def _moved(self, cell: Cell) -> None:
        """The cursor moved: with it goes the selection of one's own booking."""
        model = self._desk.model
        model.cursor = cell.key
        if not model.moving and (booking := model.booking_at(cell.slot)):
            model.selected = booking.id
        if model.notice and model.notice.kind in ("success", "hint"):
            model.notice = None
        self._changed()

    def act(self) -> str:
        """Do what the main button says."""
        cell, model = self._cell, self._desk.model
        if cell is None or cell.face not in self._ready():
            return "break"
        model.cursor = cell.key
        booking = model.booking(model.moving) if model.moving else model.booking_at(cell.slot)
        if cell.face is Face.FREE:
            self._desk.book(cell.slot, self.note.get().strip() or None)
            self.note.delete(0, "end")
            self.grid_.canvas.focus_set()
        elif cell.face is Face.TARGET and booking:
            self._desk.move(booking, cell.slot)
        elif cell.face is Face.MINE and booking:
            self.start_moving(booking)
        return "break"

    def start_moving(self, booking: Booking) -> None:
        """From now on a free slot is where this booking goes, until it has moved or Esc is pressed."""
        model = self._desk.model
        if not model.is_pending(booking.id):
            model.moving, model.selected, model.notice = booking.id, booking.id, None
            self.grid_.canvas.focus_set()
            self._changed()

    def stop(self) -> None:
        """Esc: leave what is going on, else put the message away."""
        model = self._desk.model
        if model.moving:
            model.moving = None
        else:
            model.notice = None
        self._changed()

    def _second(self) -> None:
        if self._desk.model.moving:
            self.stop()
            self.grid_.canvas.focus_set()
        else:
            self._ask_cancel()

    def _ask_cancel(self) -> None:
        booking = self._desk.model.booking_at(self._cell.slot) if self._cell else None
        if booking and not self._desk.model.moving and not self._desk.model.is_pending(booking.id):
            self._cancel(booking)

    def _filtered(self) -> None:
        model = self._desk.model
        service, resource = self.service.current(), self.resource.current()
        several = len(model.resources) > 1
        everyone = several and resource >= len(model.resources)
        self._desk.choose(
            service=model.services[service].id if service >= 0 else None,
            resource=None if everyone else model.resources[resource].id if resource >= 0 else "",
        )
