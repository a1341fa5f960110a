"""The line at the bottom: which server is there, what is waited for, how fresh the day is."""

import tkinter as tk
from collections.abc import Sequence
from tkinter import ttk

from agenda.addresses import Address, join_address
from agenda.client import State
from agenda.desktop.look import Look
from agenda.desktop.state import Model
from agenda.desktop.widgets import Words

SHOW_AFTER = 0.3
"""Seconds of waiting from which progress is shown."""
DOUBT_AFTER = 1.5
"""Seconds of waiting from which it is no longer said that all is well."""


class StatusBar(ttk.Frame):
    """Says by mark and word how the connection stands; a bar runs while an answer takes long."""

    def __init__(self, parent: tk.Misc, look: Look, words: Words, servers: Sequence[Address]) -> None:
        super().__init__(parent)
        self._look, self._words, self._servers = look, words, servers
        self._running = False
        self.line = ttk.Frame(self, style="Line.TFrame", height=1)
        self.mark = ttk.Label(self)
        self.link = ttk.Label(self, style="Muted.TLabel")
        self.progress = ttk.Progressbar(self, mode="indeterminate", style="Horizontal.TProgressbar", length=90)
        self.waiting = ttk.Label(self, style="Muted.TLabel")
        self.fresh = ttk.Label(self, style="Muted.TLabel")
        self.line.grid(row=0, column=0, columnspan=5, sticky="we")
        for column, widget in enumerate((self.mark, self.link, self.progress, self.waiting, self.fresh)):
            widget.grid(row=1, column=column)
        self.columnconfigure(3, weight=1)
        self.progress.grid_remove()

    def relook(self) -> None:
        """Take over a changed look."""
        px = self._look.px
        self.mark.grid_configure(padx=(px(20), px(6)), pady=px(6))
        self.link.grid_configure(padx=(0, px(16)))
        self.waiting.grid_configure(padx=px(8), sticky="w")
        self.fresh.grid_configure(padx=(px(8), px(20)))

    def show(self, model: Model, waited: float) -> None:
        """Show how things stand; `waited` is for how many seconds an answer has been awaited."""
        texts = self._words.texts
        mark, style, msgid = {
            State.ONLINE: ("●", "Live.TLabel", "desktop.online"),
            State.CONNECTING: ("◐", "Muted.TLabel", "desktop.connecting"),
            State.AWAY: ("◐", "Danger.TLabel", "desktop.away"),
        }.get(model.link, ("○", "Danger.TLabel", "desktop.offline"))
        doubtful = model.online and waited > DOUBT_AFTER
        if doubtful:
            mark, style, msgid = "◐", "Muted.TLabel", "desktop.unheard"
        self.mark.configure(text=mark, style=style)
        self.link.configure(
            text=texts(msgid, server=model.server or self._tried()),
            style="Muted.TLabel" if model.online else "Danger.TLabel",
        )
        busy = waited > SHOW_AFTER or bool(model.pending and not model.online)
        self._run(busy)
        if model.pending:
            self.waiting.configure(text=texts.plural("desktop.pending_count", len(model.pending)))
        else:
            self.waiting.configure(text=texts("desktop.waiting") if busy else "")
        seen = model.picture.seen if model.picture and model.online else None  # else the day itself says of when it is
        self.fresh.configure(text=texts("desktop.updated", time=f"{seen:%H:%M:%S}") if seen else "")

    def _tried(self) -> str:
        """The servers that are tried: the first by its name, and how many more there are."""
        first, more = join_address(*self._servers[0]), len(self._servers) - 1
        return self._words.texts.plural("desktop.servers", more, server=first) if more else first

    def _run(self, busy: bool) -> None:  # noqa: FBT001 - a switch
        if busy and not self._running:
            self.progress.grid()
            self.progress.start(15)
        elif not busy and self._running:
            self.progress.stop()
            self.progress.grid_remove()
        self._running = busy
