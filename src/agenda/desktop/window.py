"""One window from start to end: its screens, its preferences, and the pump between network and screen."""

import ssl
import sys
import tkinter as tk
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tkinter import ttk

from agenda.desktop import preferences
from agenda.desktop.address import SignIn
from agenda.desktop.connect import ConnectScreen
from agenda.desktop.desk import Desk
from agenda.desktop.dialogs import LeaveDialog
from agenda.desktop.log import LogDialog
from agenda.desktop.look import Look
from agenda.desktop.mydata import DataDialog
from agenda.desktop.preferences import Preferences
from agenda.desktop.screen import MainScreen
from agenda.desktop.state import Notice
from agenda.desktop.status import DOUBT_AFTER, SHOW_AFTER
from agenda.desktop.widgets import Words, refresh_fields, select_all_with_a
from agenda.desktop.worker import Worker
from agenda.texts import LANGUAGES, texts

_BURST = 60  # milliseconds in which keys that zoom are taken together
_TICK = 20  # milliseconds between looks at the queue
_MINUTE = 15_000  # milliseconds between looks at the clock: slots become past by themselves
_WIDTH, _HEIGHT = 1080, 700


class App:
    """One window from start to end. Tests and `run` create it and call `mainloop`."""

    def __init__(self, kept: Preferences, path: Path, geometry: str = "") -> None:
        self._kept, self._path = kept, path
        self.root = tk.Tk(className="Agenda")
        self.root.withdraw()
        self.root.title("Agenda")
        self.look = Look(self.root, kept.palette, kept.zoom)
        self.words = Words(self.root, texts(kept.language))
        self.worker = Worker()
        self.desk = Desk(self.worker, self._changed, self._session_ended)
        self._dirty = False
        self._shown = False, False  # of what waiting brings
        self._zooming: list[int] = []
        self._screen: ConnectScreen | MainScreen | None = None
        self._place(geometry)
        self._bind()
        self._show_connect(None)
        self.root.iconphoto(True, self.look.icon())
        self.root.deiconify()
        self.root.protocol("WM_DELETE_WINDOW", self.close)
        self.root.after(_TICK, self._tick)
        self.root.after(_MINUTE, self._minute)

    def _place(self, geometry: str) -> None:
        """Size and place the window: as told, as it was, else as designed, never larger than the screen."""
        root, px = self.root, self.look.px
        wide = min(px(_WIDTH), root.winfo_screenwidth())
        tall = min(px(_HEIGHT), root.winfo_screenheight())
        root.geometry(geometry or self._kept.size or f"{wide}x{tall}")
        dots = self.look.dots
        root.minsize(round(640 * dots), round(420 * dots))

    def _bind(self) -> None:
        root = self.root
        select_all_with_a(root)
        command = "Command" if sys.platform == "darwin" else "Control"
        for keys, steps in ((("plus", "equal", "KP_Add"), 1), (("minus", "KP_Subtract"), -1), (("0",), 0)):
            for key in keys:
                root.bind(f"<{command}-{key}>", lambda event, steps=steps: self._zoom(steps))  # type: ignore[misc]
        root.bind(f"<{command}-q>", lambda event: self.close())
        root.bind("<FocusIn>", self._focused)
        root.bind("<Escape>", lambda event: self._escape())
        root.bind("<F5>", lambda event: self._refresh())
        root.bind("<Control-Left>", lambda event: self._leap(-1))
        root.bind("<Control-Right>", lambda event: self._leap(1))

    def mainloop(self) -> None:
        self.root.mainloop()

    # -- the pump -----------------------------------------------------------

    def _changed(self) -> None:
        """The model changed; the screen follows once this tick's news are all in."""
        self._dirty = True

    def _tick(self) -> None:
        self.root.after(_TICK, self._tick)
        self.worker.drain()
        waited = self.worker.waited()
        shown = waited > SHOW_AFTER, waited > DOUBT_AFTER
        if self._dirty or shown != self._shown:
            self._dirty, self._shown = False, shown
            if isinstance(self._screen, MainScreen):
                self._screen.show()

    def _minute(self) -> None:
        self._changed()
        self.root.after(_MINUTE, self._minute)

    # -- screens ------------------------------------------------------------

    def _put(self, screen: ConnectScreen | MainScreen) -> None:
        if self._screen is not None:
            self._screen.destroy()
        self._screen = screen
        screen.pack(fill="both", expand=True)
        screen.relook()
        self.root.update_idletasks()  # the focus goes at once only to what is on the screen already

    def _show_connect(self, notice: Notice | None) -> None:
        screen = ConnectScreen(self.root, self.look, self.words, self._connect, self.desk.stop_connecting)
        screen.add_switches(self._switch_language, self._switch_palette)
        self._put(screen)
        screen.fill(self._kept.server, self._kept.user, tls=self._kept.tls)
        screen.tell(notice)

    def _connect(self, who: SignIn) -> None:
        screen = self._screen
        if not isinstance(screen, ConnectScreen):
            return
        try:
            tls = ssl.create_default_context(cafile=self._kept.ca or None) if who.tls else None
        except OSError as error:  # ssl.SSLError is one
            screen.failed(error)
            return
        language = self.words.texts.language
        self.desk.connect(who, language, tls, failed=screen.failed, opened=lambda: self._opened(who))

    def _opened(self, who: SignIn) -> None:
        self._keep(server=who.server, user=who.user, tls=who.tls)
        commands: dict[str, Callable[[], None]] = {
            "menu_log": self._open_log,
            "menu_data": self._open_data,
            "menu_language": self._switch_language,
            "menu_palette": self._switch_palette,
            "menu_leave": self._sign_out,
        }
        screen = MainScreen(self.root, self.look, self.words, self.desk, servers=who.servers, commands=commands)
        self._put(screen)
        screen.focus_first()

    def _session_ended(self, notice: Notice | None) -> None:
        self._close_dialogs()
        self._show_connect(notice)

    def _close_dialogs(self) -> None:
        for child in self.root.winfo_children():
            if isinstance(child, tk.Toplevel):
                child.destroy()

    # -- commands -----------------------------------------------------------

    def _open_log(self) -> None:
        LogDialog(self.root, self.look, self.words, self.desk)

    def _open_data(self) -> None:
        if session := self.desk.model.session:
            user = session.user.name
            DataDialog(self.root, self.look, self.words, self.desk, user=user, gone=self._erased)

    def _erased(self) -> None:
        self._keep(user="")
        self.desk.sign_out()
        self._show_connect(None)

    def _sign_out(self) -> None:
        def leave() -> None:
            self.desk.sign_out()
            self._session_ended(None)

        self._confirm_leaving(leave)

    def close(self) -> None:
        """Close the window; clicks without an answer are asked about first."""
        self._confirm_leaving(self._destroy)

    def _confirm_leaving(self, leave: Callable[[], None]) -> None:
        waiting = len(self.desk.model.pending) if self.desk.model.session else 0
        if waiting:
            LeaveDialog(self.root, self.look, self.words, waiting, leave)
        else:
            leave()

    def _destroy(self) -> None:
        self._keep(size=self.root.geometry().split("+")[0])
        self.desk.close()
        self.root.destroy()

    def _switch_language(self) -> None:
        now = LANGUAGES.index(self.words.texts.language)
        language = LANGUAGES[(now + 1) % len(LANGUAGES)]
        self._keep(language=language)
        self.words.use(texts(language))
        self._relook()

    def _switch_palette(self) -> None:
        palette = "light" if self.look.palette.name == "dark" else "dark"
        self._keep(palette=palette)
        self.look.use_palette(palette)
        self._relook()

    def _zoom(self, steps: int) -> str:
        """Take the steps of one burst of keys together: a new size costs many new pictures."""
        if not self._zooming:
            self.root.after(_BURST, self._zoom_now)
        self._zooming.append(steps)
        return "break"

    def _zoom_now(self) -> None:
        steps, self._zooming = self._zooming, []
        if 0 in steps:
            self.look.step_zoom(0)
            steps = steps[len(steps) - steps[::-1].index(0) :]
        if sum(steps):
            self.look.step_zoom(sum(steps))
        self._keep(zoom=self.look.zoom)
        self._relook()

    def _relook(self) -> None:
        if self._screen is not None:
            self._screen.relook()
            refresh_fields(self._screen)

    def _escape(self) -> None:
        if isinstance(self._screen, MainScreen):
            self._screen.day.stop()

    def _focused(self, event: "tk.Event[tk.Misc]") -> None:
        """The bare window never keeps the focus: keys would go nowhere."""
        if event.widget is self.root:
            self.root.after_idle(self._focus_screen)

    def _focus_screen(self) -> None:
        if self._screen is not None and self.root.focus_displayof() is self.root:
            self._screen.focus_first()

    def _refresh(self) -> None:
        if isinstance(self._screen, MainScreen):
            self.desk.refresh_day()
            self.desk.refresh_bookings()

    def _leap(self, days: int) -> None:
        if isinstance(self._screen, MainScreen) and not isinstance(self.root.focus_get(), ttk.Entry):
            self._screen.leap(days)

    def _keep(self, **changes: object) -> None:
        self._kept = replace(self._kept, **changes)  # type: ignore[arg-type]
        preferences.save(self._path, self._kept)
