"""What is shown when a user has been erased: the receipt, the last thing left of him."""

import tkinter as tk
from collections.abc import Callable
from textwrap import wrap
from tkinter import ttk
from typing import Any

from agenda.desktop.dialogs import Dialog
from agenda.desktop.look import Look
from agenda.desktop.widgets import Words, button, copy, flash
from agenda.texts import Texts
from agenda.wire import COPIES_AGE_OUT, Receipt

_NAMED = ("id", "erased_at", "deleted", "bookings", "notes", "log_entries", "sessions", "remains")
_COLUMNS = 60
_MOST_LINES = 16


class ReceiptDialog(Dialog):
    """Shows a receipt, to be copied; `read` is called when it is closed."""

    def __init__(self, parent: tk.Tk, look: Look, words: Words, receipt: Receipt, read: Callable[[], None]) -> None:
        super().__init__(parent, look, words, "desktop.erased")
        self._read = read
        px, text = look.px, receipt_text(receipt.receipt, words.texts)
        box = tk.Text(
            self.body, height=min(_MOST_LINES, _lines(text)), width=_COLUMNS, font="AgendaBody", wrap="word",
            borderwidth=0, highlightthickness=0, background=look.palette.hint.fill, foreground=look.palette.text,
            padx=px(12), pady=px(10),
        )  # fmt: skip
        box.insert("1.0", text)
        box.configure(state="disabled")
        box.grid(row=1, column=0, sticky="nswe")
        self.body.rowconfigure(1, weight=1)
        taken = button(self.body, lambda: self._copy(taken, text))
        self.words.say(taken, "desktop.copy_receipt")
        done = self.words.say(button(self.body, self.close, "Primary.TButton"), "desktop.close")
        self.buttons(2, taken, done)
        self.open(done, width=560)

    def _copy(self, pressed: ttk.Button, text: str) -> None:
        copy(self, text)
        flash(pressed, self.words, "desktop.copied", "desktop.copy_receipt")

    def close(self) -> str:
        super().close()
        self._read()
        return "break"


def receipt_text(receipt: dict[str, Any], texts: Texts, indent: str = "") -> str:
    """A receipt as lines of "name: value", whatever the server puts into it; names that we know are translated."""
    lines = []
    for key, value in receipt.items():
        name = indent + (texts(f"desktop.receipt_{key}") if key in _NAMED else key)
        if isinstance(value, dict):
            lines.append(f"{name}:\n{receipt_text(value, texts, indent + '    ')}")
        elif isinstance(value, list):
            lines.append(f"{name}: {', '.join(str(item) for item in value)}")
        else:
            lines.append(f"{name}: {texts('desktop.copies_age_out') if value == COPIES_AGE_OUT else value}")
    return "\n".join(lines)


def _lines(text: str) -> int:
    """How many lines it takes when long ones are wrapped."""
    return sum(len(wrap(line, _COLUMNS)) or 1 for line in text.splitlines())
