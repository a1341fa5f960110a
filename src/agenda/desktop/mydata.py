"""One's own data: all of it into a file, or all of it deleted."""

import json
import os
import tkinter as tk
from collections.abc import Callable
from datetime import date
from pathlib import Path
from tkinter import filedialog, ttk
from typing import Any

from agenda.client import AgendaError
from agenda.desktop.desk import Desk
from agenda.desktop.dialogs import Dialog
from agenda.desktop.look import Look
from agenda.desktop.receipt import ReceiptDialog
from agenda.desktop.state import Notice, notice_of
from agenda.desktop.status import SHOW_AFTER
from agenda.desktop.widgets import Strip, Words, button, enable
from agenda.wire import Receipt


class DataDialog(Dialog):
    """Export and erasure. `gone` is called once the user no longer exists and the receipt has been read."""

    def __init__(
        self, parent: tk.Tk, look: Look, words: Words, desk: Desk, *, user: str, gone: Callable[[], None]
    ) -> None:
        super().__init__(parent, look, words, "desktop.data_title")
        self._desk, self._user, self._gone, self._above = desk, user, gone, words
        self.strip = Strip(self.body, look, self.words)
        self.strip.grid(row=1, column=0, sticky="we", pady=(0, look.px(12)))
        self.strip.grid_remove()
        self._build_export()
        self.erase = self._build_erase()
        self._allow()
        done = self.words.say(button(self.body, self.close), "desktop.close")
        self.buttons(5, done)
        self.open(self.path, width=600)

    def _build_export(self) -> None:
        px, say = self._look.px, self.words.say
        frame = ttk.Frame(self.body)
        frame.grid(row=2, column=0, sticky="we")
        frame.columnconfigure(0, weight=1)
        say(ttk.Label(frame, style="Strong.TLabel"), "desktop.export_heading").grid(row=0, column=0, sticky="w")
        self._explain(frame, "desktop.export_intro", 1)
        self.path = ttk.Entry(frame, font="AgendaBody")
        self.path.insert(0, str(default_file(self._user)))
        self.path.grid(row=2, column=0, sticky="we", pady=(px(6), 0))
        self.path.bind("<Return>", lambda event: self.export())
        browse = say(button(frame, self._browse), "desktop.browse")
        browse.grid(row=2, column=1, padx=px(6), pady=(px(6), 0))
        self.save = say(button(frame, self.export, "Primary.TButton"), "desktop.export_button")
        self.save.grid(row=2, column=2, pady=(px(6), 0))

    def _build_erase(self) -> ttk.Button:
        px, say = self._look.px, self.words.say
        ttk.Frame(self.body, style="Line.TFrame", height=1).grid(row=3, column=0, sticky="we", pady=px(20))
        frame = ttk.Frame(self.body)
        frame.grid(row=4, column=0, sticky="we")
        frame.columnconfigure((0, 1), weight=1, uniform="half")
        heading = say(ttk.Label(frame, style="Danger.TLabel"), "desktop.erase_heading")
        heading.grid(row=0, column=0, columnspan=3, sticky="w")
        self._explain(frame, "desktop.erase_intro", 1)
        self.typed, self.password = ttk.Entry(frame, font="AgendaBody"), ttk.Entry(frame, font="AgendaBody", show="•")
        for column, (field, msgid) in enumerate(
            ((self.typed, "desktop.erase_type_name"), (self.password, "desktop.password"))
        ):
            label = say(ttk.Label(frame), msgid, target=field, name=self._user)
            label.grid(row=2, column=column, sticky="w", padx=px(3), pady=(px(8), 0))
            field.grid(row=3, column=column, sticky="we", padx=(0, px(6)))
            field.bind("<KeyRelease>", lambda event: self._allow())
            field.bind("<Return>", lambda event: self.erase.invoke())
        erase = say(button(frame, self._erase, "Danger.TButton"), "desktop.erase_button")
        erase.grid(row=3, column=2, sticky="e")
        return erase

    def _explain(self, frame: ttk.Frame, msgid: str, row: int) -> None:
        label = self.words.say(ttk.Label(frame, style="Muted.TLabel", justify="left"), msgid)
        label.configure(wraplength=self._look.px(560))
        label.grid(row=row, column=0, columnspan=3, sticky="w", pady=(self._look.px(2), 0))

    def _allow(self) -> None:
        """The button works once one's own name and some password are typed."""
        enable(self.erase, self.typed.get() == self._user and bool(self.password.get()))

    def _tell(self, notice: Notice) -> None:
        self.strip.show(notice, self.words.texts)
        self.strip.grid()
        self.update_idletasks()
        height = max(self.winfo_height(), self.winfo_reqheight())
        self.geometry(f"{self.winfo_width()}x{height}")

    # -- export -------------------------------------------------------------

    def _browse(self) -> None:
        path = Path(self.path.get()).expanduser()
        chosen = filedialog.asksaveasfilename(
            parent=self, initialdir=str(path.parent), initialfile=path.name, defaultextension=".json"
        )
        if chosen:
            self.path.delete(0, "end")
            self.path.insert(0, chosen)

    def _wait(self, pressed: ttk.Button) -> None:
        """Say that the server is waited for, if the answer to what was pressed takes long."""

        def still() -> None:
            if self.winfo_exists() and pressed.instate(["disabled"]):
                self._tell(Notice("hint", "desktop.waiting"))

        self.after(round(SHOW_AFTER * 1000), still)

    def export(self) -> str:
        enable(self.save, False)
        self._wait(self.save)
        self._desk.export(self._exported, self._failed)
        return "break"

    def _exported(self, document: dict[str, Any]) -> None:
        if not self.winfo_exists():
            return
        enable(self.save, True)
        path = Path(self.path.get()).expanduser()
        try:
            write_private(path, json.dumps(document, indent=2, ensure_ascii=False) + "\n")
        except OSError as error:
            self._tell(Notice("problem", "desktop.export_failed", {"reason": error.strerror or str(error)}))
        else:
            self._tell(Notice("success", "desktop.exported", {"path": str(path)}))

    def _failed(self, error: Exception) -> None:
        if self.winfo_exists():
            enable(self.save, True)
            self._allow()
            self._tell(notice_of(error) if isinstance(error, AgendaError) else Notice("problem", "error.disconnected"))

    # -- erasure ------------------------------------------------------------

    def _erase(self) -> None:
        enable(self.erase, False)
        self._wait(self.erase)
        self._desk.erase(self.password.get(), self._erased, self._failed)

    def _erased(self, receipt: Receipt) -> None:
        """Show the receipt, also where this dialog was closed before it came."""
        if self.winfo_exists():
            self.close()
        ReceiptDialog(self._parent, self._look, self._above, receipt, self._gone)


def default_file(user: str) -> Path:
    """Where an export is offered to go: the downloads folder where there is one, else home."""
    safe = "".join(char if char.isalnum() else "-" for char in user).strip("-") or "agenda"
    home = Path.home()
    folder = home / "Downloads" if (home / "Downloads").is_dir() else home
    return folder / f"agenda-{safe}-{date.today().isoformat()}.json"  # noqa: DTZ011 - the user's own day


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read. Raises OSError."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
