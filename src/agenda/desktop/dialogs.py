"""The windows above the window: what they have in common, and the questions before something is given up."""

import tkinter as tk
from collections.abc import Callable
from tkinter import ttk

from agenda.desktop.look import Look
from agenda.desktop.widgets import Words, button, sentence_case
from agenda.wire import Booking


class Dialog(tk.Toplevel):
    """A modal window in our look: centred on its parent, closed by Esc, the focus goes back where it was."""

    def __init__(self, parent: tk.Tk, look: Look, words: Words, title: str) -> None:
        super().__init__(parent, background=look.palette.control)
        self.withdraw()
        self._parent, self._look = parent, look
        self._before = parent.focus_get()
        self.words = Words(self, words.texts)
        self.title(words.texts(title))
        self.outer = ttk.Frame(self)
        self.outer.pack(fill="both", expand=True, padx=1, pady=1)
        self.body = ttk.Frame(self.outer)
        self.body.pack(fill="both", expand=True, padx=look.px(24), pady=look.px(20))
        self.body.columnconfigure(0, weight=1)
        self.heading = self.words.say(ttk.Label(self.body, style="Heading.TLabel"), title)
        self.heading.grid(row=0, column=0, sticky="w", pady=(0, look.px(10)))
        self.bind("<Escape>", lambda event: self.close())
        self.protocol("WM_DELETE_WINDOW", self.close)

    def open(self, first: tk.Widget, width: int = 0, height: int = 0) -> None:
        """Show it with the focus on `first`. Width and height in pixels of the design, 0 as needed."""
        self.update_idletasks()
        parent, px = self._parent, self._look.px
        wide = min(max(px(width), self.winfo_reqwidth()), parent.winfo_width() - px(16))
        tall = min(max(px(height), self.winfo_reqheight()), parent.winfo_height() - px(16))
        x = parent.winfo_rootx() + (parent.winfo_width() - wide) // 2
        y = parent.winfo_rooty() + (parent.winfo_height() - tall) // 2
        self.geometry(f"{wide}x{tall}+{x}+{y}")
        self.transient(parent)
        self.deiconify()
        self.lift()
        self.wait_visibility()
        self.grab_set()
        first.focus_force()

    def close(self) -> str:
        """Close it; the focus returns to what had it before."""
        self.grab_release()
        self.destroy()
        if self._before is not None and self._before.winfo_exists():
            self._before.focus_force()
        return "break"

    def buttons(self, row: int, *made: ttk.Button) -> None:
        """Lay the buttons out at the bottom right, in this order."""
        frame = ttk.Frame(self.body)
        frame.grid(row=row, column=0, sticky="e", pady=(self._look.px(18), 0))
        for column, each in enumerate(made):
            each.grid(in_=frame, row=0, column=column, padx=(self._look.px(8), 0))
            each.lift()
            each.bind("<Left>", lambda event, i=column: made[max(0, i - 1)].focus_set())  # type: ignore[misc]
            each.bind("<Right>", lambda event, i=column: made[min(len(made) - 1, i + 1)].focus_set())  # type: ignore[misc]


class CancelDialog(Dialog):
    """Asks before a booking is given back; the focus lies on keeping it."""

    def __init__(
        self, parent: tk.Tk, look: Look, words: Words, booking: Booking, confirmed: Callable[[], None]
    ) -> None:
        super().__init__(parent, look, words, "desktop.cancel_title")
        texts = words.texts
        text = texts(
            "desktop.cancel_question", start=texts.time(booking.start), end=texts.time(booking.end),
            day=sentence_case(texts.day(booking.start.date(), "full")), code=booking.code,
        )  # fmt: skip
        ttk.Label(self.body, text=text, wraplength=look.px(400), justify="left").grid(row=1, column=0, sticky="w")

        def confirm() -> None:
            self.close()
            confirmed()

        keep = self.words.say(button(self.body, self.close), "desktop.keep_booking")
        give_up = self.words.say(button(self.body, confirm, "Danger.TButton"), "desktop.cancel_confirm")
        self.buttons(2, keep, give_up)
        self.open(keep, width=440)


class LeaveDialog(Dialog):
    """Asks before the window closes over clicks that have no answer yet."""

    def __init__(self, parent: tk.Tk, look: Look, words: Words, count: int, leave: Callable[[], None]) -> None:
        super().__init__(parent, look, words, "desktop.leave_title")
        text = words.texts.plural("desktop.leave_question", count)
        ttk.Label(self.body, text=text, wraplength=look.px(400), justify="left").grid(row=1, column=0, sticky="w")
        stay = self.words.say(button(self.body, self.close), "desktop.stay")
        go = self.words.say(button(self.body, leave, "Danger.TButton"), "desktop.leave")
        self.buttons(2, stay, go)
        self.open(stay, width=440)
