"""The audit log as a table: newest first, with older pages on request."""

import tkinter as tk
from datetime import tzinfo
from tkinter import ttk

from agenda.client import AgendaError
from agenda.desktop.desk import Desk
from agenda.desktop.dialogs import Dialog
from agenda.desktop.look import Look
from agenda.desktop.widgets import Words, button, enable
from agenda.texts import Texts
from agenda.wire import AuditEntry, LogPage

_COLUMNS = {"at": 180, "action": 170, "slot": 180, "outcome": 230}
ACTIONS = (
    "session.open", "session.resume", "session.close", "booking.create", "booking.cancel", "booking.move",
    "user.export", "user.erase",
)  # fmt: skip


class LogDialog(Dialog):
    """Everything the user did and tried. The table stays while older entries are fetched."""

    def __init__(self, parent: tk.Tk, look: Look, words: Words, desk: Desk) -> None:
        super().__init__(parent, look, words, "desktop.log_title")
        self._desk, self._zone = desk, desk.zone
        self._next: str | None = None
        self.tree = ttk.Treeview(self.body, columns=tuple(_COLUMNS), show="headings", selectmode="browse")
        self.bar = ttk.Scrollbar(self.body, orient="vertical", command=self.tree.yview)
        self.status = ttk.Label(self.body, style="Muted.TLabel")
        self.tree.configure(yscrollcommand=self._scrolled)
        self.tree.grid(row=1, column=0, sticky="nswe")
        self.status.grid(row=2, column=0, sticky="w", pady=(look.px(8), 0))
        self.body.rowconfigure(1, weight=1)
        for name, width in _COLUMNS.items():
            self.tree.heading(name, text=words.texts(f"desktop.column_{name}"), anchor="w")
            self.tree.column(name, width=look.px(width), anchor="w")
        self.older = self.words.say(button(self.body, self._fetch), "desktop.older")
        done = self.words.say(button(self.body, self.close, "Primary.TButton"), "desktop.close")
        self.buttons(3, self.older, done)
        self.open(self.tree, width=860, height=540)
        self._fetch()

    def _scrolled(self, first: float, last: float) -> None:
        self.bar.set(first, last)
        if float(first) <= 0 and float(last) >= 1:
            self.bar.grid_remove()
        else:
            self.bar.grid(row=1, column=1, sticky="ns")

    def _fetch(self) -> None:
        enable(self.older, False)
        self.status.configure(text=self.words.texts("desktop.loading"))
        self._desk.read_log(self._next, self._arrived, self._failed)

    def _arrived(self, page: LogPage) -> None:
        if not self.winfo_exists():
            return
        first = not self.tree.get_children()
        for entry in page.entries:
            self.tree.insert("", "end", iid=entry.id, values=row(entry, self._zone, self.words.texts))
        self._next = page.before
        enable(self.older, page.before is not None)
        count = len(self.tree.get_children())
        more = "" if page.before else " " + self.words.texts("desktop.log_complete")
        self.status.configure(text=self.words.texts.plural("desktop.log_count", count) + more)
        if first and page.entries:
            self.tree.selection_set(page.entries[0].id)
            self.tree.focus(page.entries[0].id)

    def _failed(self, error: Exception) -> None:
        if self.winfo_exists():
            enable(self.older, True)
            code, facts = (error.code, error.facts) if isinstance(error, AgendaError) else ("disconnected", {})
            self.status.configure(text="✕ " + self.words.texts.error(code, facts))


def row(entry: AuditEntry, zone: tzinfo, texts: Texts) -> tuple[str, str, str, str]:
    """An entry as the table shows it, in the business's time."""
    at = entry.at.astimezone(zone)
    action = f"desktop.action_{entry.action}"
    outcome = f"desktop.outcome_{entry.outcome}"
    mark = "✓" if entry.outcome == "ok" else "✕"
    return (
        f"{at:%d/%m/%Y %H:%M:%S}",
        texts(action) if entry.action in ACTIONS else entry.action,
        f"{entry.start.astimezone(zone):%d/%m/%Y %H:%M}" if entry.start else "–",
        f"{mark} {texts(outcome) if entry.outcome in OUTCOMES else entry.outcome}",
    )


OUTCOMES = (
    "ok", "slot_taken", "slot_not_offered", "not_found", "too_late", "limit_reached", "bad_credentials",
    "forbidden", "rate_limited", "invalid",
)  # fmt: skip
