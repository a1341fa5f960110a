"""Small things every part of the window uses: words that change language, buttons with mnemonics, message strips."""

import sys
import tkinter as tk
from collections.abc import Callable, Mapping
from tkinter import ttk
from typing import Any, TypeVar

from agenda.desktop.look import Look
from agenda.desktop.state import Notice
from agenda.texts import Texts

W = TypeVar("W", bound=tk.Widget)
MARKS = {"hint": "", "success": "✓", "warning": "⚠", "problem": "✕", "target": "→"}
_MNEMONIC = "Command" if sys.platform == "darwin" else "Alt"
_COPIED_FOR = 1500  # milliseconds
_TIGHT = 440  # pixels of the design: in a narrower strip a code stands below its sentence
_LOW, _TALL = 56, 88  # pixels of the design: how high wide and tight strips usually are


class Words:
    """Which widget says what, so that the language can change under a running window.

    An "&" in a message marks the mnemonic of what follows: that letter is underlined, and with Alt
    (Command on a Mac) it operates the widget: buttons are pressed, anything else gets the focus.
    """

    def __init__(self, window: tk.Misc, texts: Texts) -> None:
        self.texts = texts
        self._window = window
        self._said: dict[tk.Widget, tuple[str, dict[str, object], tk.Widget | None]] = {}
        self._letters: dict[str, list[tk.Widget]] = {}
        self._bound: set[str] = set()

    def say(self, widget: W, msgid: str, target: tk.Widget | None = None, **facts: object) -> W:
        """Write a message on a widget. A label's mnemonic gives the focus to `target`."""
        if self._said.get(widget, ("",))[0] != msgid:
            widget.bind("<Destroy>", lambda event: self._forget(widget), add="+")
        self._said[widget] = (msgid, facts, target)
        self._write(widget)
        return widget

    def use(self, texts: Texts) -> None:
        """Say everything anew in another language."""
        self.texts = texts
        self._letters.clear()
        for widget in list(self._said):
            self._write(widget)

    def _write(self, widget: tk.Widget) -> None:
        msgid, facts, _ = self._said[widget]
        text, letter, index = with_mnemonic(self.texts, msgid, facts)
        for others in self._letters.values():
            if widget in others:
                others.remove(widget)
        if letter:
            self._letters.setdefault(letter, []).append(widget)
            self._listen(letter)
        widget.configure({"text": text, "underline": index})

    def _listen(self, letter: str) -> None:
        if letter in self._bound:
            return
        self._bound.add(letter)
        for key in {letter, letter.upper()}:
            self._window.bind(f"<{_MNEMONIC}-KeyPress-{key}>", lambda event: self._press(letter))

    def _press(self, letter: str) -> str | None:
        for widget in self._letters.get(letter, []):
            target = self._said[widget][2]
            if target is not None and target.winfo_viewable():
                target.focus_set()
                return "break"
            if widget.winfo_viewable() and hasattr(widget, "invoke") and not _disabled(widget):
                widget.invoke()  # the focus stays where it was
                return "break"
        return None

    def _forget(self, widget: tk.Widget) -> None:
        self._said.pop(widget, None)
        for others in self._letters.values():
            if widget in others:
                others.remove(widget)


def split_mnemonic(text: str) -> tuple[str, str, int]:
    """The text without its "&", the lower-case letter after it ("" without one), and where that stands (-1)."""
    index = text.find("&")
    if index < 0 or index + 1 >= len(text):
        return text, "", -1
    return text[:index] + text[index + 1 :], text[index + 1].lower(), index


def with_mnemonic(texts: Texts, msgid: str, facts: Mapping[str, object]) -> tuple[str, str, int]:
    """A message with its facts filled in, split as `split_mnemonic` does; an "&" in a fact is just that."""
    hidden = {name: str(value).replace("&", "\0") for name, value in facts.items()}
    text, letter, index = split_mnemonic(texts(msgid, **hidden))
    return text.replace("\0", "&"), letter, index


def sentence_case(text: str) -> str:
    """The text with a capital at its beginning and nothing else changed: titles are days and months."""
    return text[:1].upper() + text[1:]


def _disabled(widget: Any) -> bool:
    return isinstance(widget, ttk.Widget) and widget.instate(["disabled"])


def button(parent: tk.Misc, command: Callable[[], object], style: str = "TButton") -> ttk.Button:
    """A button that Return presses too, not Space alone."""
    made = ttk.Button(parent, command=command, style=style, cursor="hand2")
    made.bind("<Return>", lambda event: made.invoke())
    made.bind("<KP_Enter>", lambda event: made.invoke())
    return made


def enable(widget: ttk.Widget, wanted: bool) -> None:  # noqa: FBT001 - a switch
    widget.state(["!disabled" if wanted else "disabled"])


def refresh_fields(widget: tk.Misc) -> None:
    """Have every field below `widget` place its text anew; they do not notice a new size of their font."""
    for child in widget.winfo_children():
        if isinstance(child, ttk.Entry):
            child.configure(font="AgendaBody")
        refresh_fields(child)


def select_all_with_a(window: tk.Misc) -> None:
    """Control-A selects a whole field, as everywhere else; on X11 Tk would go to its start."""
    if window.tk.call("tk", "windowingsystem") == "x11":
        for keys in ("<Control-a>", "<Control-Lock-A>"):
            window.event_delete("<<LineStart>>", keys)
            window.event_add("<<SelectAll>>", keys)


def copy(widget: tk.Misc, text: str) -> None:
    widget.clipboard_clear()
    widget.clipboard_append(text)


class Strip(ttk.Frame):
    """A message in a coloured frame with a mark; it may carry a booking's code in large type, to copy."""

    def __init__(self, parent: tk.Misc, look: Look, words: Words) -> None:
        super().__init__(parent, style="Hint.TFrame")
        self._look, self._words = look, words
        self._shown: tuple[object, ...] = ()
        self._mark = ttk.Label(self)
        self._text = ttk.Label(self, justify="left")
        self._code = ttk.Label(self)
        self._copy = button(self, self._copy_code, "Success.TButton")
        self._mark.grid(row=0, column=0)
        self.columnconfigure(1, weight=1)
        self.rowconfigure(0, weight=1)
        self.bind("<Configure>", lambda event: self._arrange())

    @property
    def usual_height(self) -> int:
        """In pixels: enough for what there usually is to say, so that nothing need move when something else is said."""
        return self._look.px(_TALL if self._tight else _LOW)

    @property
    def _tight(self) -> bool:
        return self.winfo_width() < self._look.px(_TIGHT)

    def show(self, notice: Notice, texts: Texts) -> None:
        """Show this notice; nothing happens where it is shown already."""
        key = (notice, texts.language, self._look.palette.name, self._look.scale)
        if key == self._shown:
            return
        self._shown = key
        kind, px = notice.kind.title(), self._look.px
        self.configure(style=f"{kind}.TFrame")
        self._mark.configure(text=MARKS[notice.kind], style=f"{kind}.Strong.TLabel")
        self._mark.grid_configure(padx=(px(12), px(8) if MARKS[notice.kind] else 0), pady=px(10))
        self._text.configure(text=notice.sentence(texts), style=f"{kind}.TLabel")
        self._code.configure(text=notice.code, style=f"{kind}.TLabel", font="AgendaTitle")
        self._words.say(self._copy, "desktop.copy")
        self._arrange()

    def _arrange(self) -> None:
        """A code with its button stands beside the sentence, where there is room for both, else below."""
        px, tight = self._look.px, self._tight
        code, below = bool(self._code.cget("text")), int(tight)
        pady = (px(6), 0 if code and tight else px(6))
        self._text.grid(row=0, column=1, columnspan=3 if tight else 1, sticky="w", padx=(0, px(12)), pady=pady)
        self._code.grid(row=below, column=1 if tight else 2, sticky="w", padx=(0, px(8)))
        self._copy.grid(row=below, column=3, padx=(0, px(8)), pady=(0, px(4)) if tight else 0)
        beside = 0
        for widget in (self._code, self._copy):
            widget.grid() if code else widget.grid_remove()
            beside += widget.winfo_reqwidth() if code and not tight else 0
        room = self.winfo_width() - beside - self._mark.winfo_reqwidth() - px(60)
        self._text.configure(wraplength=max(room, px(120)))

    def _copy_code(self) -> None:
        copy(self, str(self._code.cget("text")))
        flash(self._copy, self._words, "desktop.copied", "desktop.copy")


def flash(widget: ttk.Button, words: Words, done: str, usual: str) -> None:
    """Say on a button for a moment that it has done its work."""
    words.say(widget, done)

    def back() -> None:
        if widget.winfo_exists():
            words.say(widget, usual)

    widget.after(_COPIED_FOR, back)
