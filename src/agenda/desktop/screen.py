"""The window of a signed-in user: head, month, day, bookings, status."""

import tkinter as tk
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from tkinter import ttk

from agenda.addresses import Address
from agenda.desktop.bookings import BookingsPanel
from agenda.desktop.day import DayPanel
from agenda.desktop.desk import Desk
from agenda.desktop.dialogs import CancelDialog
from agenda.desktop.faces import MARKS
from agenda.desktop.look import Look
from agenda.desktop.month import MonthPicker
from agenda.desktop.state import Face
from agenda.desktop.status import StatusBar
from agenda.desktop.widgets import Words, button, split_mnemonic
from agenda.wire import Booking

_LEFT, _RIGHT = 262, 300  # widths of the outer cards in pixels of the design; the middle takes the rest
_NARROW = 900  # pixels of the design: below, bookings share the middle with the grid
_LEGEND = ((Face.FREE, "Free.TLabel"), (Face.MINE, "Mine.TLabel"), (Face.TAKEN, "TLabel"))
_LOW = 560  # pixels of the design: below, there is no room for the legend


class MainScreen(ttk.Frame):
    """Puts the panels together and passes between them what concerns more than one."""

    def __init__(
        self,
        window: tk.Tk,
        look: Look,
        words: Words,
        desk: Desk,
        *,
        servers: Sequence[Address],
        commands: dict[str, Callable[[], None]],
    ) -> None:
        super().__init__(window, style="Window.TFrame")
        self._window, self._look, self._words, self._desk = window, look, words, desk
        self._narrow, self._bookings_first = False, False
        self._fitting: str | None = None
        self._build_head(commands)
        self.left, self.middle, self.right = (ttk.Frame(self, style="Card.TFrame") for _ in range(3))
        self.month = MonthPicker(self.left, look, words, self._chose_day)
        self.day = DayPanel(self.middle, look, words, desk, changed=self.show, cancel=self.ask_cancel)
        self.bookings = BookingsPanel(
            self.right, look, words, chosen=self._chose_booking, move=self._move, cancel=self._cancel
        )
        self.legend = self._build_legend()
        self.status = StatusBar(self, look, words, servers)
        self.head.grid(row=0, column=0, columnspan=3, sticky="we")
        self.status.grid(row=2, column=0, columnspan=3, sticky="we")
        self.rowconfigure(1, weight=1)
        for card, panel in ((self.left, self.month), (self.middle, self.day), (self.right, self.bookings)):
            panel.grid(row=0, column=0, sticky="nswe")
            card.columnconfigure(0, weight=1)
        self.middle.rowconfigure(0, weight=1)
        self.right.rowconfigure(0, weight=1)
        self.left.rowconfigure(2, weight=1)
        self.bind("<Configure>", self._resized)
        self.left.bind("<Configure>", lambda event: self._fit_soon())

    def _build_head(self, commands: dict[str, Callable[[], None]]) -> None:
        self.head = ttk.Frame(self, style="Window.TFrame")
        self.brand = ttk.Label(self.head, text="Agenda", style="Window.Title.TLabel")
        self.hello = ttk.Label(self.head, style="Window.Muted.TLabel")
        self.swap = button(self.head, self._swap_panels, "Quiet.TButton")
        self.brand.grid(row=0, column=0, sticky="w")
        self.hello.grid(row=0, column=1, sticky="sw")
        self.head.columnconfigure(1, weight=1)
        self.swap.grid(row=0, column=2)
        self.menu = {}
        for column, (name, command) in enumerate(commands.items(), start=3):
            self.menu[name] = self._words.say(button(self.head, command, "Quiet.TButton"), f"desktop.{name}")
            self.menu[name].grid(row=0, column=column)

        self.more = self._words.say(button(self.head, self._post_menu, "Quiet.TButton"), "desktop.menu")
        self.more.grid(row=0, column=3 + len(commands), sticky="e")
        self.more.grid_remove()
        self._commands = commands

    def _fit_head(self) -> None:
        """Where the head's buttons do not fit side by side, one button opens them as a menu."""
        whole = sum(each.winfo_reqwidth() for each in self.menu.values())
        whole += self.brand.winfo_reqwidth() + (self.swap.winfo_reqwidth() if self._narrow else 0)
        crowded = whole + self._look.px(60) > self.winfo_width()
        for each in self.menu.values():
            each.grid_remove() if crowded else each.grid()
        self.more.grid() if crowded else self.more.grid_remove()

    def _fit_soon(self) -> None:
        """Fit head and month once all requested sizes are known."""
        if self._fitting is None:
            self._fitting = self.after_idle(self._fit)

    def _fit(self) -> None:
        self._fitting = None
        self.legend.grid() if self.winfo_height() >= self._look.px(_LOW) else self.legend.grid_remove()
        self._fit_head()
        self.month.fit(self.left.winfo_height() - self._look.px(36))

    def _post_menu(self) -> None:
        colours = self._look.palette
        menu = tk.Menu(
            self, tearoff=False, font="AgendaBody", background=colours.surface, foreground=colours.text,
            activebackground=colours.primary.fill, activeforeground=colours.primary.text, borderwidth=1,
        )  # fmt: skip
        for name, command in self._commands.items():
            text, _, underline = split_mnemonic(self._words.texts(f"desktop.{name}"))
            menu.add_command(label=text, underline=underline, command=command)
        menu.update_idletasks()
        x = self.more.winfo_rootx() + self.more.winfo_width() - menu.winfo_reqwidth()
        menu.tk_popup(x, self.more.winfo_rooty() + self.more.winfo_height(), 0)

    def _build_legend(self) -> ttk.Frame:
        frame = ttk.Frame(self.left)
        title = self._words.say(ttk.Label(frame, style="Muted.TLabel"), "desktop.legend")
        title.grid(row=0, column=0, columnspan=2, sticky="w")
        for row, (face, style) in enumerate(_LEGEND, start=1):
            ttk.Label(frame, text=MARKS[face], style=style).grid(row=row, column=0)
            label = self._words.say(ttk.Label(frame), f"desktop.face_{face.value}")
            label.grid(row=row, column=1, sticky="w")
        return frame

    # -- look and room ------------------------------------------------------

    def relook(self) -> None:
        """Take over a changed look or language."""
        px = self._look.px
        self.head.grid_configure(padx=px(20), pady=(px(12), px(8)))
        self.hello.grid_configure(padx=px(14), pady=(0, px(5)))
        for panel in (self.month, self.day, self.bookings):
            panel.grid_configure(padx=px(12 if panel is self.day else 16), pady=px(16))
            panel.relook()
        self.legend.grid_configure(row=1, column=0, sticky="we", padx=px(18), pady=(0, px(14)))
        for mark in self.legend.grid_slaves(column=0):
            mark.grid_configure(padx=(0, px(10)), pady=px(3))
        self.status.relook()
        self._arrange()
        self._fit_soon()
        self.show()

    def _resized(self, event: "tk.Event[tk.Misc]") -> None:
        narrow = event.width < self._look.px(_NARROW)
        if event.widget is self and narrow != self._narrow:
            self._arrange()
        if event.widget is self:
            self._fit_soon()

    def _arrange(self) -> None:
        """Three columns where they fit, else two; then a button swaps grid and bookings."""
        px = self._look.px
        self._narrow = self.winfo_width() < px(_NARROW)
        edge, gap = px(20), px(8)
        shown = [self.left, self.middle, self.right]
        if self._narrow:
            shown.remove(self.middle if self._bookings_first else self.right)
        for card in (self.left, self.middle, self.right):
            card.grid_remove()
        for number, card in enumerate(shown):
            left = edge if number == 0 else gap
            right = edge if card is shown[-1] else gap
            column = min(number, 1) if self._narrow else number
            card.grid(row=1, column=column, sticky="nswe", padx=(left, right), pady=(0, px(16)))
        for card, width in ((self.left, _LEFT), (self.middle, 1), (self.right, _RIGHT)):
            card.configure(width=px(width))
            card.grid_propagate(False)
        self.columnconfigure(1, weight=1)
        self.swap.grid() if self._narrow else self.swap.grid_remove()
        self._words.say(self.swap, "desktop.to_slots" if self._bookings_first else "desktop.to_bookings")

    def _swap_panels(self) -> None:
        self._bookings_first = not self._bookings_first
        self._arrange()
        first = self.bookings.tree if self._bookings_first else self.day.grid_.canvas
        first.focus_set()

    def _to_grid(self) -> None:
        if self._narrow and self._bookings_first:
            self._swap_panels()
        self.day.grid_.canvas.focus_set()

    # -- showing ------------------------------------------------------------

    def show(self) -> None:
        """Show the model as it is now."""
        model = self._desk.model
        if model.session is None:
            return
        self.hello.configure(text=self._words.texts("desktop.hello", name=model.session.user.name))
        marked = frozenset(booking.start.date() for booking in model.live_bookings())
        self.month.show(model.day, self._desk.today(), marked)
        self.day.show()
        self.bookings.show(model, self._desk.now())
        self.status.show(model, self._desk.waited())

    def focus_first(self) -> None:
        self.month.canvas.focus_set()

    # -- between the panels -------------------------------------------------

    def _chose_day(self, day: date, done: bool) -> None:  # noqa: FBT001 - given by the picker
        self._desk.choose(day)
        if done:
            self._to_grid()

    def _chose_booking(self, booking: Booking) -> None:
        """The list's selection moved: show the day of that booking."""
        model = self._desk.model
        if booking.id == model.selected or model.moving:
            return
        model.selected = booking.id
        self._desk.choose(booking.start.date(), booking.service, self._resource_of(booking))
        model.cursor = booking.start, booking.resource
        self.show()

    def _resource_of(self, booking: Booking) -> str | None:
        return None if self._desk.model.resource is None else booking.resource

    def _move(self) -> None:
        booking = self._desk.model.booking(self._desk.model.selected)
        if booking and not self._desk.model.moving:
            self.day.start_moving(booking)
            self._to_grid()

    def _cancel(self) -> None:
        booking = self._desk.model.booking(self._desk.model.selected)
        if booking and not self._desk.model.moving and not self._desk.model.is_pending(booking.id):
            self.ask_cancel(booking)

    def ask_cancel(self, booking: Booking) -> None:
        CancelDialog(self._window, self._look, self._words, booking, lambda: self._desk.cancel(booking))

    def leap(self, days: int) -> None:
        """Go so many days on from anywhere."""
        self._desk.choose(self._desk.model.day + timedelta(days=days))
