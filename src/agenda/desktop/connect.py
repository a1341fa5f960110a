"""The first screen: which servers, who, which password."""

import ssl
import tkinter as tk
from collections.abc import Callable
from tkinter import ttk

from agenda.addresses import BadAddress, parse_addresses
from agenda.client import AgendaError, Disconnected
from agenda.desktop.address import SignIn
from agenda.desktop.look import Look
from agenda.desktop.state import Notice, notice_of
from agenda.desktop.widgets import Strip, Words, button, enable


class ConnectScreen(ttk.Frame):
    """Calls `connect(entry)` on Return or the button, `stop()` on Esc while a try is under way."""

    def __init__(
        self, parent: tk.Misc, look: Look, words: Words,
        connect: Callable[[SignIn], None], stop: Callable[[], None],
    ) -> None:  # fmt: skip
        super().__init__(parent, style="Window.TFrame")
        self._look, self._words, self._connect, self._stop = look, words, connect, stop
        self._notice: Notice | None = None
        self.card = ttk.Frame(self, style="Card.TFrame")
        self.card.grid(row=1, column=0)
        self.columnconfigure(0, weight=1)
        self.rowconfigure(1, weight=3)
        self.rowconfigure(2, weight=1)
        self.inner = ttk.Frame(self.card)
        self.inner.grid(sticky="nswe")
        self.card.columnconfigure(0, weight=1)
        self.create = tk.BooleanVar(self, value=False)
        self.tls = tk.BooleanVar(self, value=False)
        self._build()
        self._arrange()
        self.bind_all_keys()

    def _build(self) -> None:
        inner, say = self.inner, self._words.say
        self.title = ttk.Label(inner, text="Agenda", style="Title.TLabel")
        self.subtitle = say(ttk.Label(inner, style="Muted.TLabel"), "desktop.connect_intro")
        self.strip = Strip(inner, self._look, self._words)
        self.server, self.user = ttk.Entry(inner, font="AgendaBody"), ttk.Entry(inner, font="AgendaBody")
        self.password = ttk.Entry(inner, font="AgendaBody", show="•")
        self.labels = [
            say(ttk.Label(inner), msgid, target=field)
            for msgid, field in (
                ("desktop.server", self.server),
                ("desktop.name", self.user),
                ("desktop.password", self.password),
            )
        ]
        self.check = say(ttk.Checkbutton(inner, variable=self.create), "desktop.create_account")
        self.check.configure(command=self._say_button)
        self.secure = say(ttk.Checkbutton(inner, variable=self.tls), "desktop.secure")
        self.go = say(button(inner, self.submit, "Primary.TButton"), "desktop.connect_button")
        self.progress = ttk.Progressbar(inner, mode="indeterminate", style="Horizontal.TProgressbar")

    def add_switches(self, language: Callable[[], None], palette: Callable[[], None]) -> None:
        """The two buttons in the corner, for those who cannot read this screen yet."""
        self.switches = ttk.Frame(self, style="Window.TFrame")
        self.switches.grid(row=0, column=0, sticky="e")
        for column, (command, msgid) in enumerate(
            ((language, "desktop.menu_language"), (palette, "desktop.menu_palette"))
        ):
            made = self._words.say(button(self.switches, command, "Quiet.TButton"), msgid)
            made.grid(row=0, column=column, padx=4, pady=4)

    def _arrange(self) -> None:
        fields = zip(self.labels, (self.server, self.user, self.password), strict=True)
        rows = [self.title, self.subtitle, self.strip, *(each for pair in fields for each in pair)]
        for row, widget in enumerate((*rows, self.secure, self.check, self.go, self.progress)):
            widget.grid(row=row, column=0, sticky="w" if isinstance(widget, ttk.Label) else "we")
        self.strip.grid_remove()
        self.progress.grid_remove()
        self.inner.columnconfigure(0, weight=1)

    def bind_all_keys(self) -> None:
        for field in (self.server, self.user, self.password, self.check, self.secure):
            field.bind("<Return>", lambda event: self.submit())
            field.bind("<KP_Enter>", lambda event: self.submit())
        for widget in (self.server, self.user, self.password, self.check, self.secure, self.go):
            widget.bind("<Escape>", lambda event: self.give_up())

    def relook(self) -> None:
        """Take over a changed look or language."""
        px = self._look.px
        self.inner.grid_configure(padx=px(34), pady=px(30))
        self.inner.columnconfigure(0, minsize=px(340))
        self.subtitle.grid_configure(pady=(0, px(16)))
        self.strip.grid_configure(pady=(0, px(14)))  # maps it; _show_notice decides
        for label in self.labels:
            label.grid_configure(pady=(px(4), px(1)), padx=px(3))
        self.secure.grid_configure(pady=(px(12), 0))
        self.check.grid_configure(pady=(px(2), px(12)))
        self.progress.grid_configure(pady=(px(14), 0), padx=px(3))
        if not self.busy:
            self.progress.grid_remove()
        self._show_notice()
        self._say_button()

    def fill(self, server: str, user: str, *, tls: bool) -> None:
        """Put in what is remembered, and the focus where something is missing."""
        for field, text in ((self.server, server), (self.user, user), (self.password, "")):
            field.delete(0, "end")
            field.insert(0, text)
        self.tls.set(tls)
        self.focus_first()

    def focus_first(self) -> None:
        """Give the focus to the first field that is still empty."""
        (self.password if self.user.get() else self.user).focus_set()

    def submit(self) -> str:
        """Check what was typed and ask to connect."""
        try:
            servers = parse_addresses(self.server.get())
        except BadAddress as error:
            wrong = Notice("warning", "desktop.bad_address", {"address": error})
            self._point_at(self.server, wrong if self.server.get().strip() else Notice("warning", "desktop.fill_in"))
            return "break"
        user, password = self.user.get().strip(), self.password.get()
        missing = self.user if not user else None if password else self.password
        if missing is not None:
            self._point_at(missing, Notice("warning", "desktop.fill_in"))
        elif not self.busy:
            self.tell(None)
            self.set_busy(True)
            self._connect(SignIn(servers, user, password, self.create.get(), self.tls.get()))
        return "break"

    def _point_at(self, field: ttk.Entry, notice: Notice) -> None:
        """Say what is wrong with a field, and lead there."""
        field.focus_set()
        self.tell(notice)

    busy = False

    def set_busy(self, busy: bool) -> None:  # noqa: FBT001 - a switch
        """While a try is under way the button is off; the bar appears after 300 ms."""
        self.busy = busy
        enable(self.go, not busy)
        if busy:
            self.after(300, self._show_progress)
        else:
            self.progress.stop()
            self.progress.grid_remove()

    def _show_progress(self) -> None:
        if self.busy:
            self.progress.grid()
            self.progress.start(12)

    def failed(self, error: Exception) -> None:
        """The try failed: say why, keep what was typed."""
        self.set_busy(False)
        self.tell(explain(error, self.server.get().strip()))
        if isinstance(error, AgendaError):
            self.password.focus_set()
            self.password.selection_range(0, "end")

    def give_up(self) -> str:
        if self.busy:
            self.set_busy(False)
            self._stop()
        return "break"

    def tell(self, notice: Notice | None) -> None:
        self._notice = notice
        self._show_notice()

    def _show_notice(self) -> None:
        if self._notice is None:
            self.strip.grid_remove()
        else:
            self.strip.show(self._notice, self._words.texts)
            self.strip.grid()

    def _say_button(self) -> None:
        self._words.say(self.go, "desktop.create_button" if self.create.get() else "desktop.connect_button")


def explain(error: Exception, server: str) -> Notice:
    """The message for a sign-in that failed."""
    if isinstance(error, Disconnected) and isinstance(error.__cause__, ssl.SSLError):
        return Notice("problem", "desktop.tls_failed", {"server": server, "reason": error.__cause__.reason or "TLS"})
    if isinstance(error, Disconnected):
        return Notice("problem", "desktop.no_server", {"server": server})
    if isinstance(error, AgendaError):
        return notice_of(error)
    if isinstance(error, OSError):  # the file of trusted certificates
        return Notice("problem", "desktop.bad_ca", {"reason": error.strerror or str(error)})
    raise error
