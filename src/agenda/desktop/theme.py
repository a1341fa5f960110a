"""The ttk theme: every element that is seen is one of our own pictures over the plain `clam` theme."""

import tkinter as tk
from collections.abc import Mapping
from tkinter import font as tkfont
from tkinter import ttk

from agenda.desktop.painter import WIDE, Painter
from agenda.desktop.palette import Palette, Tone
from agenda.desktop.pictures import Box, draw, stroke

_CHECK = ((0.27, 0.52), (0.44, 0.69), (0.75, 0.33))
_CHEVRON = ((0.25, 0.40), (0.50, 0.65), (0.75, 0.40))


def create(
    root: tk.Tk, name: str, palette: Palette, scale: float, fonts: Mapping[str, tkfont.Font]
) -> list[tk.PhotoImage]:
    """Create the theme `name`; return its pictures, which must be kept as long as it may be used."""
    style = ttk.Style(root)
    before = style.theme_use()
    style.theme_create(name, parent="clam")
    style.theme_use(name)
    painter = Painter(root, style, palette, scale)
    for part in (_plain, _labels, _frames, _buttons, _fields, _lists, _bars):
        part(painter)
    if before:
        style.theme_use(before)
    return painter.kept


def use(root: tk.Tk, name: str) -> None:
    ttk.Style(root).theme_use(name)


def paint_options(root: tk.Tk, palette: Palette) -> None:
    """Colours of the few classic widgets inside ttk ones: the drop-down list of a combobox."""
    for option, value in {
        "background": palette.field.fill,
        "foreground": palette.text,
        "selectBackground": palette.primary.fill,
        "selectForeground": palette.primary.text,
        "font": "AgendaBody",
        "borderWidth": 0,
    }.items():
        root.option_add(f"*TCombobox*Listbox.{option}", value)


def _plain(p: Painter) -> None:
    colours = p.palette
    p.style.configure(
        ".",
        background=colours.surface,
        foreground=colours.text,
        font="AgendaBody",
        bordercolor=colours.line,
        troughcolor=colours.surface,
        insertcolor=colours.text,
        insertwidth=max(1, p.px(1.4)),
        selectbackground=colours.primary.fill,
        selectforeground=colours.primary.text,
        focuscolor=colours.ring,
    )


def _labels(p: Painter) -> None:
    colours = p.palette
    for name, font, colour in (
        ("TLabel", "AgendaBody", colours.text),
        ("Muted.TLabel", "AgendaSmall", colours.muted),
        ("Invalid.TLabel", "AgendaSmall", colours.problem.text),
        ("Strong.TLabel", "AgendaStrong", colours.text),
        ("Heading.TLabel", "AgendaHeading", colours.text),
        ("Title.TLabel", "AgendaTitle", colours.text),
        ("Code.TLabel", "AgendaCode", colours.text),
        ("Free.TLabel", "AgendaStrong", colours.free.edge),
        ("Mine.TLabel", "AgendaStrong", colours.accent),
        ("Danger.TLabel", "AgendaStrong", colours.problem.text),
        ("Good.TLabel", "AgendaStrong", colours.success.text),
        ("Live.TLabel", "AgendaStrong", colours.success.edge),
    ):
        p.style.configure(name, font=font, foreground=colour, background=colours.surface)
        p.style.configure(f"Window.{name}", font=font, foreground=colour, background=colours.window)
    for name in ("hint", "success", "warning", "problem", "target"):
        tone = colours.tones()[name]
        for kind, font in (("TLabel", "AgendaBody"), ("Strong.TLabel", "AgendaStrong")):
            style = f"{name.title()}.{kind}"
            p.style.configure(style, font=font, foreground=tone.text, background=tone.fill)


def _frames(p: Painter) -> None:
    colours = p.palette
    p.style.configure("TFrame", background=colours.surface)
    p.style.configure("Window.TFrame", background=colours.window)
    p.style.configure("Line.TFrame", background=colours.line)
    surfaces = {
        "Card": (Tone(colours.surface, colours.line, ""), colours.window, 12),
        "Hint": (colours.hint, colours.surface, 8),
        "Success": (colours.success, colours.surface, 8),
        "Warning": (colours.warning, colours.surface, 8),
        "Problem": (colours.problem, colours.surface, 8),
        "Target": (colours.target, colours.surface, 8),
    }
    for name, (tone, ground, radius) in surfaces.items():
        p.element(f"{name}.panel", p.panel(tone, ground, radius), {})
        p.layout(f"{name}.TFrame", (f"{name}.panel", "nswe"))
        p.style.configure(f"{name}.TFrame", background=tone.fill)


def _buttons(p: Painter) -> None:
    c = p.palette
    plain = Tone(c.surface, c.control, c.text)
    kinds: dict[str, tuple[Tone, Tone, Tone, str]] = {
        "TButton": (plain, Tone(c.hover, c.control, c.text), Tone(c.pressed, c.control, c.text), c.surface),
        "Primary.TButton": (c.primary, c.primary_hover, c.primary_hover, c.surface),
        "Danger.TButton": (c.danger, c.danger_hover, c.danger_hover, c.surface),
        "Success.TButton": (
            Tone(c.success.fill, c.success.edge, c.success.text),
            Tone(c.free_hover.fill, c.success.edge, c.success.text),
            Tone(c.free_hover.fill, c.success.edge, c.success.text),
            c.success.fill,
        ),
        "Quiet.TButton": (_flat(c.window, c), _flat(c.hover, c), _flat(c.pressed, c), c.window),
        "Link.TButton": (_flat(c.surface, c), _flat(c.hover, c), _flat(c.pressed, c), c.surface),
    }
    for name, (normal, hover, pressed, ground) in kinds.items():
        disabled = _flat(ground, c) if normal.edge == ground else c.disabled
        p.element(
            f"{name}.button",
            p.box(normal, ground),
            {
                "disabled": p.box(disabled, ground),
                "pressed focus": p.box(pressed, ground, focus=True),
                "pressed": p.box(pressed, ground),
                "active focus": p.box(hover, ground, focus=True),
                "active": p.box(hover, ground),
                "focus": p.box(normal, ground, focus=True),
            },
        )
        p.layout(name, (f"{name}.button", "nswe", ("Button.padding", "nswe", ("Button.label", "nswe"))))
        p.style.configure(
            name, foreground=normal.text, background=normal.fill, anchor="center",
            padding=(p.px(17), p.px(11)), font="AgendaBody",
        )  # fmt: skip
        p.style.map(
            name,
            foreground=[("disabled", c.disabled.text), ("pressed", pressed.text), ("active", hover.text)],
            background=[("disabled", disabled.fill), ("pressed", pressed.fill), ("active", hover.fill)],
        )
    for name in ("Primary.TButton", "Danger.TButton"):
        p.style.configure(name, font="AgendaStrong")
    for name in ("Quiet.TButton", "Link.TButton"):
        p.style.configure(name, padding=(p.px(13), p.px(11)))
    p.style.configure("Small.Link.TButton", padding=(p.px(10), p.px(7)), font="AgendaHeading")
    _checks(p)


def _flat(fill: str, palette: Palette) -> Tone:
    return Tone(fill, fill, palette.text)


def _checks(p: Painter) -> None:
    c = p.palette
    size, edge = p.px(24), max(1.0, p.px(1.4))

    def mark(tone: Tone, *, focus: bool, checked: bool) -> tk.PhotoImage:
        box = Box(
            size, size, 4 * p.scale, tone.fill, tone.edge, c.surface, edge, c.ring if focus else None,
            p.px(2), p.px(1), p.px(2) + p.px(1),
        )  # fmt: skip
        return p.keep(stroke(box, _CHECK, p.scale * 2, tone.text) if checked else draw(box))

    p.style.element_create(
        "Agenda.indicator",
        "image",
        mark(c.field, focus=False, checked=False),
        ("selected", "focus", mark(c.primary, focus=True, checked=True)),
        ("selected", mark(c.primary, focus=False, checked=True)),
        ("focus", mark(c.field, focus=True, checked=False)),
        padding=0,
        sticky="",
    )
    label = ("Checkbutton.label", {"side": "left", "sticky": ""})
    p.lay("TCheckbutton", [("Agenda.indicator", {"side": "left", "sticky": ""}), label])
    p.style.configure("TCheckbutton", background=c.surface, foreground=c.text, font="AgendaBody")
    p.style.map("TCheckbutton", background=[], foreground=[("disabled", c.disabled.text)])


def _fields(p: Painter) -> None:
    c = p.palette
    states = {
        "disabled": p.box(c.disabled, c.surface),
        "focus invalid": p.box(Tone(c.field.fill, c.problem.edge, c.text), c.surface, focus=True),
        "focus": p.box(Tone(c.field.fill, c.accent, c.text), c.surface, focus=True),
        "invalid": p.box(Tone(c.field.fill, c.problem.edge, c.text), c.surface),
    }
    p.element("Agenda.field", p.box(c.field, c.surface), states)
    p.layout("TEntry", ("Agenda.field", "nswe", ("Entry.padding", "nswe", ("Entry.textarea", "nswe"))))
    size = p.px(22)
    ground = Box(size, size, 0, c.field.fill, c.field.fill, c.field.fill)
    chevron = p.keep(stroke(ground, _CHEVRON, p.scale * 1.6, c.muted))
    p.style.element_create("Agenda.chevron", "image", chevron, sticky="", padding=0)
    arrow = ("Agenda.chevron", {"side": "right", "sticky": ""})
    text = ("Combobox.textarea", {"sticky": "nswe"})
    inside = ("Combobox.padding", {"sticky": "nswe", "children": [arrow, text]})
    p.lay("TCombobox", [("Agenda.field", {"sticky": "nswe", "children": [inside]})])
    for name in ("TEntry", "TCombobox"):
        padding = (p.px(13), p.px(11), p.px(9), p.px(11))
        p.style.configure(name, foreground=c.text, fieldbackground=c.field.fill, padding=padding)
        p.style.map(
            name,
            foreground=[("disabled", c.disabled.text)],
            fieldbackground=[("disabled", c.disabled.fill)],
            selectbackground=[("readonly", c.field.fill), ("!focus", c.field.fill)],
            selectforeground=[("readonly", c.text), ("!focus", c.text)],
        )


def _lists(p: Painter) -> None:
    c = p.palette
    p.style.configure("ComboboxPopdownFrame", relief="solid", borderwidth=1, bordercolor=c.control)
    flat = Tone(c.surface, c.surface, c.text)
    p.element("Agenda.list", p.box(flat, c.surface, radius=6), {"focus": p.box(flat, c.surface, radius=6, focus=True)})
    p.layout("Treeview", ("Agenda.list", "nswe", ("Treeview.padding", "nswe", ("Treeview.treearea", "nswe"))))
    p.style.configure(
        "Treeview", background=c.surface, fieldbackground=c.surface, foreground=c.text,
        rowheight=p.px(32), padding=p.px(4), indent=0,
    )  # fmt: skip
    p.style.map(
        "Treeview",
        background=[("selected", c.primary.fill)],
        foreground=[("selected", c.primary.text)],
    )
    p.layout("Heading", ("Treeheading.padding", "nswe", ("Treeheading.text", "we")))
    p.style.configure(
        "Heading", background=c.surface, foreground=c.muted, font="AgendaSmall", padding=(p.px(4), p.px(5))
    )
    p.style.map("Heading", background=[])


def _bars(p: Painter) -> None:
    c = p.palette
    thick = p.px(10)

    def thumb(colour: str) -> Box:
        return Box(thick, p.px(48), 3 * p.scale, colour, colour, c.surface, 0, margin=p.px(2))

    p.element("Agenda.thumb", thumb(c.control), {"active": thumb(c.muted)})
    p.style.element_create(
        "Agenda.trough", "image", p.keep(draw(Box(thick, p.px(48), 0, c.surface, c.surface, c.surface)))
    )
    p.layout("Vertical.TScrollbar", ("Agenda.trough", "ns", ("Agenda.thumb", "nswe")))
    high = p.px(6)
    for name, colour in (("rail", c.line), ("pbar", c.accent)):
        box = Box(p.px(WIDE), high, high / 2, colour, colour, c.surface, 0)
        p.style.element_create(f"Agenda.{name}", "image", p.keep(draw(box)), border=p.px(3), width=p.px(30), padding=0)
    runner = ("Agenda.pbar", {"side": "left", "sticky": ""})
    p.lay("Horizontal.TProgressbar", [("Agenda.rail", {"sticky": "we", "children": [runner]})])
