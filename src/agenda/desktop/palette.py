"""The colours of the window, light and dark, and the arithmetic that proves them readable."""

from dataclasses import dataclass

_LINEAR_BELOW = 0.04045


@dataclass(frozen=True)
class Tone:
    """The colours of one kind of surface: what fills it, what frames it, what is written on it."""

    fill: str
    edge: str
    text: str


@dataclass(frozen=True)
class Palette:
    """Every colour of one theme; values are `#rrggbb`."""

    name: str
    window: str
    surface: str
    line: str
    control: str  # the frame of what can be operated: 3:1 against what surrounds it
    text: str
    muted: str
    accent: str
    hover: str
    pressed: str
    ring: str
    field: Tone
    primary: Tone
    primary_hover: Tone
    danger: Tone
    danger_hover: Tone
    disabled: Tone
    free: Tone
    free_hover: Tone
    mine: Tone
    mine_hover: Tone
    taken: Tone
    past: Tone
    pending: Tone
    target: Tone  # where a moving booking may go
    hint: Tone
    success: Tone
    warning: Tone
    problem: Tone

    def tones(self) -> dict[str, Tone]:
        return {name: value for name, value in vars(self).items() if isinstance(value, Tone)}


LIGHT = Palette(
    name="light",
    window="#f5f7fb",
    surface="#ffffff",
    line="#dde2ea",
    control="#7a8597",
    text="#1a2230",
    muted="#566173",
    accent="#1f5fc0",
    hover="#eef2f9",
    pressed="#e0e7f3",
    ring="#0b3d91",
    field=Tone("#ffffff", "#7a8597", "#1a2230"),
    primary=Tone("#1f5fc0", "#1f5fc0", "#ffffff"),
    primary_hover=Tone("#184c9c", "#184c9c", "#ffffff"),
    danger=Tone("#b3261e", "#b3261e", "#ffffff"),
    danger_hover=Tone("#8f1d17", "#8f1d17", "#ffffff"),
    disabled=Tone("#eef0f4", "#dde2ea", "#5f6a7c"),
    free=Tone("#e9f6ee", "#2e8b57", "#12492a"),
    free_hover=Tone("#d5eedf", "#1f7a48", "#0d3d22"),
    mine=Tone("#1f5fc0", "#1f5fc0", "#ffffff"),
    mine_hover=Tone("#184c9c", "#184c9c", "#ffffff"),
    taken=Tone("#eceff4", "#dde2ea", "#566173"),
    past=Tone("#fafbfd", "#e6eaf0", "#626d7f"),
    pending=Tone("#fff6e0", "#b7791f", "#6b4404"),
    target=Tone("#efe9fd", "#6d3fd1", "#41208f"),
    hint=Tone("#f3f6fb", "#e3e8f0", "#4d586a"),
    success=Tone("#e6f6ec", "#2e8b57", "#0d3d22"),
    warning=Tone("#fff4d6", "#b7791f", "#5c3a00"),
    problem=Tone("#fdeceb", "#b3261e", "#7c1812"),
)

DARK = Palette(
    name="dark",
    window="#11141b",
    surface="#1a2028",
    line="#2d3541",
    control="#6d7a8d",
    text="#edf1f7",
    muted="#a3aebd",
    accent="#5c9bff",
    hover="#242c37",
    pressed="#2d3745",
    ring="#c4dbff",
    field=Tone("#141920", "#6d7a8d", "#edf1f7"),
    primary=Tone("#5c9bff", "#5c9bff", "#0b1526"),
    primary_hover=Tone("#82b3ff", "#82b3ff", "#0b1526"),
    danger=Tone("#f2837b", "#f2837b", "#2b0705"),
    danger_hover=Tone("#f7a59f", "#f7a59f", "#2b0705"),
    disabled=Tone("#232a34", "#2d3541", "#98a3b3"),
    free=Tone("#17302a", "#48b883", "#a5ebc4"),
    free_hover=Tone("#1d4036", "#63cf9b", "#c2f5d8"),
    mine=Tone("#5c9bff", "#5c9bff", "#0b1526"),
    mine_hover=Tone("#82b3ff", "#82b3ff", "#0b1526"),
    taken=Tone("#242b35", "#2f3844", "#a3aebd"),
    past=Tone("#1c222b", "#272e39", "#929dad"),
    pending=Tone("#3a2d12", "#d19a3c", "#ffe0a8"),
    target=Tone("#2b2250", "#a58bf5", "#d9ccff"),
    hint=Tone("#1f2630", "#2a323d", "#aeb8c6"),
    success=Tone("#17302a", "#48b883", "#b9f3d2"),
    warning=Tone("#3a2a0e", "#d19a3c", "#ffdf9e"),
    problem=Tone("#3b1a19", "#f2837b", "#ffd0cc"),
)

PALETTES = {palette.name: palette for palette in (LIGHT, DARK)}


def rgb(colour: str) -> tuple[int, int, int]:
    """`#rrggbb` as three numbers from 0 to 255."""
    value = int(colour[1:], 16)
    return value >> 16, value >> 8 & 255, value & 255


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, from 1.0 to 21.0 (WCAG 2.2, "contrast ratio")."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    """Relative luminance, from 0.0 to 1.0 (WCAG 2.2, "relative luminance")."""
    red, green, blue = (
        value / 12.92 if value <= _LINEAR_BELOW else ((value + 0.055) / 1.055) ** 2.4
        for value in (channel / 255 for channel in rgb(colour))
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
