"""The typeface of the window: Inter, loaded for this process alone, and the named fonts that widgets use."""

import ctypes
import sys
import tkinter as tk
from collections.abc import Mapping
from pathlib import Path
from tkinter import font as tkfont
from typing import Literal

FOLDER = Path(__file__).parent / "fonts"
FAMILY = "Agenda Inter"
FILES = ("Inter-Regular.ttf", "Inter-SemiBold.ttf")

#: name of a font -> (size in pixels at 96 dpi, semibold)
SIZES: Mapping[str, tuple[int, bool]] = {
    "Small": (12, False),
    "Body": (13, False),
    "Strong": (13, True),
    "Slot": (15, True),
    "Heading": (17, True),
    "Title": (22, True),
    "Code": (26, True),
}
_FALLBACKS = ("Segoe UI", "Helvetica Neue", "Noto Sans", "DejaVu Sans")
_WINDOWS_PRIVATE = 0x10  # FR_PRIVATE: only this process sees the font


def load() -> None:
    """Make Inter known to this process; must run before the first Tk(). Where it fails, `install` falls back."""
    try:
        if sys.platform == "win32":
            for name in FILES:
                ctypes.windll.gdi32.AddFontResourceExW(str(FOLDER / name), _WINDOWS_PRIVATE, 0)
        elif sys.platform == "darwin":
            _load_on_mac()
        else:
            fontconfig = ctypes.CDLL("libfontconfig.so.1")
            for name in FILES:
                fontconfig.FcConfigAppFontAddFile(None, str(FOLDER / name).encode())
    except (OSError, AttributeError):
        return  # no such library here: the system's own typeface serves


def _load_on_mac() -> None:
    """Register the files with Core Text, in the scope of this process (kCTFontManagerScopeProcess = 1)."""
    core = ctypes.CDLL("/System/Library/Frameworks/CoreFoundation.framework/CoreFoundation")
    text = ctypes.CDLL("/System/Library/Frameworks/CoreText.framework/CoreText")
    make_url = core.CFURLCreateFromFileSystemRepresentation
    make_url.restype = ctypes.c_void_p
    make_url.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_long, ctypes.c_bool]
    register = text.CTFontManagerRegisterFontsForURL
    register.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p]
    for name in FILES:
        path = str(FOLDER / name).encode()
        register(make_url(None, path, len(path), False), 1, None)


def install(root: tk.Misc, scale: float) -> dict[str, tkfont.Font]:
    """Create the named fonts (`AgendaBody`, ...) for `root`, or resize them to a new `scale` (1.0 = 96 dpi)."""
    known = set(tkfont.families(root))
    family = next((name for name in (FAMILY, *_FALLBACKS) if name in known), "TkDefaultFont")
    existing = set(tkfont.names(root))
    fonts = {}
    for name, (pixels, semibold) in SIZES.items():
        weight: Literal["bold", "normal"] = "bold" if semibold else "normal"
        full = f"Agenda{name}"
        font = tkfont.Font(root, name=full, exists=full in existing)
        font.configure(family=family, size=-round(pixels * scale), weight=weight)
        font.delete_font = False  # the interpreter keeps it as long as the window lives
        fonts[name] = font
    return fonts
