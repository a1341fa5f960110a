"""The real window in a process of its own, which says on request what stands on its screen.

Each line on standard input is answered with a line of JSON on standard output: nothing but what a
person sees, read from the widgets that are on the screen. The window itself is not changed.
"""

import json
import queue
import sys
import threading
import tkinter as tk
from collections.abc import Iterator
from tkinter import font as tkfont
from tkinter import ttk
from typing import Any

from agenda.cli import main
from agenda.desktop import app
from agenda.desktop.grid import SlotGrid
from agenda.desktop.window import App

_PAUSE = 5  # milliseconds


class ObservedApp(App):
    """Answers the questions between the window's own events, once it has dealt with all that came before them."""

    def mainloop(self) -> None:
        self._asked: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()
        self.root.after(_PAUSE, self._answer)
        super().mainloop()

    def _listen(self) -> None:
        for line in sys.stdin:
            self._asked.put(line)

    def _answer(self) -> None:
        while not self._asked.empty():
            self.root.update()
            if self._asked.get() == "focus\n":
                self._take_focus()
            sys.stdout.write(json.dumps(self._seen()) + "\n")
            sys.stdout.flush()
        self.root.after(_PAUSE, self._answer)

    def _take_focus(self) -> None:
        """What a window manager would do: there is none on the tests' display."""
        top = self._front()
        last = top.focus_lastfor()
        if last is not None:
            last.focus_force()
            last.winfo_pointerx()  # asks the X server, which has heard of the focus by the time it answers

    def _front(self) -> tk.Misc:
        """The dialog if one is open, else the window."""
        return next((each for each in self.root.winfo_children() if isinstance(each, tk.Toplevel)), self.root)

    def _seen(self) -> dict[str, Any]:
        top = self._front()
        shown = [each for each in below(top) if each.winfo_viewable() and each.winfo_toplevel() is top]
        grids = [each for each in below(self.root) if isinstance(each, SlotGrid) and each.winfo_viewable()]
        trees = [each for each in shown if isinstance(each, ttk.Treeview)]
        return {
            "texts": [str(each.cget("text")) for each in shown if isinstance(each, (ttk.Label, ttk.Button))]
            + [each.get("1.0", "end") for each in shown if isinstance(each, tk.Text)],
            "disabled": [str(e.cget("text")) for e in shown if isinstance(e, ttk.Button) and e.instate(["disabled"])],
            "letters": [letter(each) for each in shown if letter(each)],
            "slots": {time: word for grid in grids for time, word in drawn(grid)},
            "cursor": [f"{grid.cursor[0]:%H:%M}" for grid in grids if grid.cursor],
            "rows": [tree.item(row, "values") for tree in trees for row in tree.get_children()],
            "chosen": [tree.item(row, "values") for tree in trees for row in tree.selection()],
            "focus": name(self.root.focus_get()),
            "dialog": top is not self.root,
            "cut": [str(e.cget("text")) for e in shown if isinstance(e, (ttk.Label, ttk.Button)) and cut_off(e)],
            "grid_top": [grid.winfo_rooty() for grid in grids],
            "line": tkfont.nametofont("AgendaBody", self.root).metrics("linespace"),
            "colour": self.root["background"],
        }


def below(widget: tk.Misc) -> Iterator[tk.Misc]:
    for child in widget.winfo_children():
        yield child
        yield from below(child)


def cut_off(widget: tk.Misc) -> bool:
    """Whether it has less room than it needs, or reaches beyond its window."""
    top = widget.winfo_toplevel()
    right, bottom = widget.winfo_rootx() + widget.winfo_width(), widget.winfo_rooty() + widget.winfo_height()
    outside = right > top.winfo_rootx() + top.winfo_width() or bottom > top.winfo_rooty() + top.winfo_height()
    return outside or widget.winfo_width() < widget.winfo_reqwidth() or widget.winfo_height() < widget.winfo_reqheight()


def drawn(grid: SlotGrid) -> Iterator[tuple[str, str]]:
    """Time and word of each slot, as the canvas has them."""
    canvas: Any = grid.canvas
    texts = [canvas.itemcget(item, "text") for item in canvas.find_all() if canvas.type(item) == "text"]
    yield from zip(texts[::2], texts[1::2], strict=False)


def letter(widget: tk.Misc) -> str:
    """The underlined letter of a widget, in lower case."""
    try:
        index = int(widget.cget("underline"))
    except tk.TclError:
        return ""
    return str(widget.cget("text"))[index].lower() if index >= 0 else ""


def name(widget: tk.Misc | None) -> str:
    """Whose focus it is: the part of the window, the kind of widget, and what a button says.

    Nobody's where the bare window has it, which passes it on in a moment: until then keys would go nowhere.
    """
    if widget is None or widget.master is None:
        return ""
    text = f" {widget.cget('text')}" if isinstance(widget, (ttk.Button, ttk.Checkbutton)) else ""
    return f"{type(widget.master).__name__} {type(widget).__name__}{text}"


if __name__ == "__main__":
    app.App = ObservedApp  # type: ignore[attr-defined]  # what run() opens
    main(["desktop", *sys.argv[1:]])
