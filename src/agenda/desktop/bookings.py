"""One's own bookings: a list, and the chosen one in full with its code in large type."""

import tkinter as tk
from collections.abc import Callable
from datetime import datetime
from tkinter import ttk

from agenda.desktop.look import Look
from agenda.desktop.state import Model
from agenda.desktop.widgets import Words, button, copy, enable, flash, sentence_case
from agenda.wire import Booking

_COLUMNS = {"day": 74, "time": 92, "code": 72}
_MOST_ROWS = 500  # nobody scrolls further; the days show them all


class BookingsPanel(ttk.Frame):
    """Calls `chosen(booking)` when the selection moves, `move` and `cancel` on their buttons and keys."""

    def __init__(
        self, parent: tk.Misc, look: Look, words: Words, *,
        chosen: Callable[[Booking], None], move: Callable[[], None], cancel: Callable[[], None],
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._look, self._words, self._chosen = look, words, chosen
        self._rows: list[tuple[str, str, str, str]] = []
        self._bookings: dict[str, Booking] = {}
        self.title = ttk.Label(self, style="Heading.TLabel")
        self.count = ttk.Label(self, style="Muted.TLabel")
        self.tree = ttk.Treeview(self, columns=tuple(_COLUMNS), show="headings", selectmode="browse", height=4)
        self.bar = ttk.Scrollbar(self, orient="vertical", command=self.tree.yview)
        self.tree.configure(yscrollcommand=self._scrolled)
        self.title.grid(row=0, column=0, sticky="w")
        self.count.grid(row=1, column=0, columnspan=2, sticky="w")
        self.tree.grid(row=2, column=0, sticky="nswe")
        self.columnconfigure(0, weight=1)
        self.rowconfigure(2, weight=1)
        self.tree.bind("<<TreeviewSelect>>", lambda event: self._selected())
        for key in ("Return", "KP_Enter", "space"):
            self.tree.bind(f"<{key}>", lambda event: move())
        self.tree.bind("<Delete>", lambda event: cancel())
        self.tree.bind("<BackSpace>", lambda event: cancel())
        self.tree.bind("<FocusIn>", lambda event: self._entered())
        self._words.say(self.title, "desktop.my_bookings", target=self.tree)
        self._build_detail(move, cancel)

    def _build_detail(self, move: Callable[[], None], cancel: Callable[[], None]) -> None:
        self.detail = ttk.Frame(self)
        self.line = ttk.Frame(self.detail, style="Line.TFrame", height=1)
        self.when = ttk.Label(self.detail, style="Strong.TLabel", justify="left")
        self.what = ttk.Label(self.detail, style="Muted.TLabel", justify="left")
        self.code_name = ttk.Label(self.detail, style="Muted.TLabel")
        self.code = ttk.Label(self.detail, style="Code.TLabel")
        self.copy = button(self.detail, self._copy)
        self.move = button(self.detail, move)
        self.cancel = button(self.detail, cancel)
        self.line.grid(row=0, column=0, columnspan=2, sticky="we")
        self.when.grid(row=1, column=0, columnspan=2, sticky="w")
        self.what.grid(row=2, column=0, columnspan=2, sticky="w")
        self.code_name.grid(row=3, column=0, columnspan=2, sticky="w")
        self.code.grid(row=4, column=0, sticky="w")
        self.copy.grid(row=4, column=1, sticky="e")
        self.move.grid(row=5, column=0, columnspan=2, sticky="we")
        self.cancel.grid(row=6, column=0, columnspan=2, sticky="we")
        self.detail.columnconfigure(0, weight=1)
        for widget, msgid in (
            (self.code_name, "desktop.code"), (self.copy, "desktop.copy_code"),
            (self.move, "desktop.move_button"), (self.cancel, "desktop.cancel_button"),
        ):  # fmt: skip
            self._words.say(widget, msgid)
        self.bind("<Configure>", lambda event: self._wrap())

    def show(self, model: Model, now: datetime) -> None:
        """Show the model's bookings; selection and scroll stay where they are."""
        texts, bookings = self._words.texts, model.upcoming(now)
        self._bookings = {booking.id: booking for booking in bookings}
        rows = [
            (each.id, f"{each.start:%d/%m/%y}", f"{texts.time(each.start)}–{texts.time(each.end)}", each.code)
            for each in bookings[:_MOST_ROWS]
        ]
        if rows != self._rows:
            self._fill(rows)
        count = texts.plural("desktop.bookings_count", len(bookings))
        self.count.configure(text=count if bookings else texts("desktop.no_bookings"))
        wanted = (model.selected,) if model.selected in self._bookings else ()
        if self.tree.selection() != wanted:
            self.tree.selection_set(wanted)
            if wanted:
                self.tree.focus(wanted[0])
                self.tree.see(wanted[0])
        self._show_detail(model)

    def _fill(self, rows: list[tuple[str, str, str, str]]) -> None:
        self._rows = rows
        self.tree.delete(*self.tree.get_children())
        for id_, *values in rows:
            self.tree.insert("", "end", iid=id_, values=values)

    def _show_detail(self, model: Model) -> None:
        booking = model.booking(model.selected)
        if booking is None:
            self.detail.grid_remove()
            return
        texts = self._words.texts
        self.when.configure(text=f"{sentence_case(texts.day(booking.start.date(), 'full'))}\n"
                                 f"{texts.time(booking.start)}–{texts.time(booking.end)}")  # fmt: skip
        names = [
            next((each.name for each in each_of if each.id == id_), "")
            for each_of, id_ in ((model.services, booking.service), (model.resources, booking.resource))
        ]
        self.what.configure(text="\n".join(line for line in (" · ".join(names), booking.note) if line))
        self.code.configure(text=booking.code)
        waiting = model.is_pending(booking.id)
        enable(self.move, not waiting and model.moving is None)
        enable(self.cancel, not waiting and model.moving is None)
        self.detail.grid(row=3, column=0, columnspan=2, sticky="we")

    def relook(self) -> None:
        """Take over a changed look or language."""
        px, texts = self._look.px, self._words.texts
        for name, width in _COLUMNS.items():
            self.tree.heading(name, text=texts(f"desktop.column_{name}"), anchor="w")
            self.tree.column(name, width=px(width), minwidth=px(40), anchor="w")
        self.count.grid_configure(pady=(px(2), px(6)))
        self.line.grid_configure(pady=(px(8), px(10)))
        self.what.grid_configure(pady=(px(2), px(6)))
        self.copy.grid_configure(padx=(px(6), 0))
        self.move.grid_configure(pady=(px(8), 0))

    def _selected(self) -> None:
        chosen = self.tree.selection()
        if chosen and chosen[0] in self._bookings:
            self._chosen(self._bookings[chosen[0]])

    def _entered(self) -> None:
        """Coming in by Tab with nothing chosen, choose the first, so that arrows have a start."""
        children = self.tree.get_children()
        if children and not self.tree.selection():
            self.tree.selection_set(children[0])
            self.tree.focus(children[0])

    def _copy(self) -> None:
        copy(self, str(self.code.cget("text")))
        flash(self.copy, self._words, "desktop.copied", "desktop.copy_code")

    def _wrap(self) -> None:
        px = self._look.px
        for label in (self.count, self.when, self.what):
            label.configure(wraplength=max(px(120), self.winfo_width() - px(4)))

    def _scrolled(self, first: float, last: float) -> None:
        self.bar.set(first, last)
        if float(first) <= 0 and float(last) >= 1:
            self.bar.grid_remove()
        else:
            self.bar.grid(row=2, column=1, sticky="ns")
