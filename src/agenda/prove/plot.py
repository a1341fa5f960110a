"""A run as a picture in time: what was granted and refused per second, while which faults lasted, by which node.

The picture is SVG for inside a page, whose style sheet gives its classes their colours.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import chain, pairwise

from agenda.prove.figures import Figures, Outage
from agenda.prove.history import OK, History
from agenda.prove.parts import is_decided
from agenda.prove.telling import Teller

LEFT, RIGHT = 42.0, 12.0
LANE, AREA, AXIS, STRIP = 26.0, 170.0, 28.0, 34.0
"""Heights: of a row of faults, of the curves, of the seconds below them, of a node's row."""
LETTER, BADGE = 6.4, 20.0
"""How wide a letter of a label is at most, on average, and the number before it."""
STEP, MARK = 5.0, 64.0
"""The least width of a step of the curves, and between two marks of time."""
ROUND = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 3600.0)
"""Lengths of time that people count in."""


class Plot:
    """One picture, `width` units wide. Faults have the numbers of their table, and `words` where there is room."""

    def __init__(self, history: History, figures: Figures, teller: Teller, width: float, *, words: bool) -> None:
        self._history, self._figures, self._teller = history, figures, teller
        self._width, self._words = width, words
        self._seconds = max(figures.seconds, 0.1)
        inner = width - LEFT - RIGHT
        self._step = _round(STEP * self._seconds / inner)
        self._granted = self._rates(c.ended for c in history.calls if c.outcome == OK and c.ended is not None)
        refused = (c.ended for c in history.calls if c.outcome != OK and is_decided(c) and c.ended is not None)
        self._refused = self._rates(refused)
        self._most = _ceiling(max([1.0, *self._granted, *self._refused]))
        self._lanes = self._in_lanes()
        self._top = 12.0 + LANE * (max(self._lanes, default=-1) + 1)
        self._bottom = self._top + AREA

    def svg(self) -> str:
        height = self._bottom + AXIS + STRIP * len(self._figures.nodes)
        parts = chain(self._faults(), self._grid(), self._curves(), self._silence(), self._unknown(), self._nodes())
        label = escape(self._teller.t("cli.prove.report.plot"))
        size = "wide" if self._words else "narrow"
        shown = f'<svg class="plot {size}" viewBox="0 0 {self._width:g} {height:g}" role="img" aria-label="{label}">'
        return f"{shown}{''.join(parts)}</svg>"

    def _x(self, moment: float) -> float:
        return LEFT + (self._width - LEFT - RIGHT) * moment / self._seconds

    def _y(self, rate: float) -> float:
        return self._bottom - AREA * rate / self._most

    def _rates(self, moments: Iterable[float]) -> list[float]:
        """By step, how many a second; the last step is as much longer as there is time left."""
        last = max(int(self._seconds / self._step), 1) - 1
        counts = Counter(min(int(moment / self._step), last) for moment in moments)
        return [*(counts[n] / self._step for n in range(last)), counts[last] / (self._seconds - last * self._step)]

    def _faults(self) -> Iterator[str]:
        """A band for each fault, and its label on the first lane that is free there."""
        for number, (outage, lane) in enumerate(zip(self._figures.outages, self._lanes, strict=True), 1):
            left, right = self._x(outage.fault.began), self._x(outage.fault.ended)
            top, width = 4.0 + LANE * lane, max(right - left, 2.0)
            words = escape(self._teller.fault(outage.fault))
            yield f"<g><title>{number}. {words}</title>"
            yield f'<rect class="band" {_box(left, top + 18, width, self._bottom - top - 18)}/>'
            yield f'<rect class="bar" {_box(left, top + 18, width, 3)}/>'
            yield _text(left, top + 13, str(number), "number")
            if self._words:
                yield _text(left + BADGE - 4, top + 13, words, "label")
            yield "</g>"

    def _in_lanes(self) -> list[int]:
        """By fault, the row of its label, so that no two touch."""
        ends: list[float] = []
        lanes = []
        for outage in self._figures.outages:
            left = self._x(outage.fault.began)
            right = max(left + self._label_width(outage), self._x(outage.fault.ended)) + 6
            lane = next((n for n, end in enumerate(ends) if end <= left), len(ends))
            ends[lane:] = [right, *ends[lane + 1 :]]
            lanes.append(lane)
        return lanes

    def _label_width(self, outage: Outage) -> float:
        return BADGE + (LETTER * len(self._teller.fault(outage.fault)) if self._words else 0.0)

    def _grid(self) -> Iterator[str]:
        """Rates and seconds."""
        for rate in (0.0, self._most / 2, self._most):
            y = self._y(rate)
            yield f'<path class="grid" d="M{LEFT:g} {y:.1f}H{self._width - RIGHT:g}"/>'
            yield _text(LEFT - 6, y + 4, self._teller.t.number(rate), "tick end")
        apart = _round(MARK * self._seconds / (self._width - LEFT - RIGHT))
        for n in range(int(self._seconds / apart) + 1):
            unit = " s" if n == 0 else ""
            number = self._teller.t.number(round(n * apart, 1))
            yield _text(self._x(n * apart), self._bottom + 18, f"{number}{unit}", "tick middle")

    def _curves(self) -> Iterator[str]:
        """What was granted as an area, what was refused as a line over it."""
        granted, refused = self._outline(self._granted), self._outline(self._refused)
        end = f"L{self._x(self._seconds):.1f} {self._bottom:g}L{LEFT:g} {self._bottom:g}Z"
        yield f'<path class="granted area" d="{granted}{end}"/><path class="granted" d="{granted}"/>'
        yield f'<path class="refused" d="{refused}"/>'

    def _outline(self, rates: Sequence[float]) -> str:
        """The upper edge of a row of columns."""
        points = []
        for n, rate in enumerate(rates):
            right = self._x(self._until(n + 1, rates))
            points.append(f"{self._x(n * self._step):.1f} {self._y(rate):.1f}L{right:.1f} {self._y(rate):.1f}")
        return "M" + "L".join(points)

    def _until(self, step: int, rates: Sequence[float]) -> float:
        """When so many steps are over."""
        return self._seconds if step == len(rates) else step * self._step

    def _silence(self) -> Iterator[str]:
        """The longest time in which nothing was granted."""
        began, ended = self._figures.silence
        left, right, y = self._x(began), self._x(ended), self._bottom - 14
        yield f'<path class="silence" d="M{left:.1f} {y - 4:g}v8m0 -4H{right:.1f}m0 -4v8"/>'
        words = f"{self._teller.seconds(ended - began, 2)} s"
        middle = min(max((left + right) / 2, LEFT + 20), self._width - RIGHT - 20)
        yield _text(middle, y - 9, words, "label middle strong")

    def _unknown(self) -> Iterator[str]:
        """A cross where a call began that nobody ever answered."""
        for call in self._history.calls:
            if not is_decided(call):
                x = self._x(call.began)
                yield f'<path class="unknown" d="M{x - 4:.1f} {self._bottom - 4:g}l8 8m0 -8l-8 8"/>'

    def _nodes(self) -> Iterator[str]:
        """By node, when it answered: the gaps are what clients saw of its outages."""
        for row, node in enumerate(self._figures.nodes):
            top = self._bottom + AXIS + STRIP * row
            ended = (c.ended for c in self._history.calls if c.node == node and c.ended is not None and is_decided(c))
            yield _text(LEFT, top + 10, escape(self._teller.node(node)), "label")
            rates = self._rates(ended)
            for began, until in _spans(rates):
                left, right = self._x(began * self._step), self._x(self._until(until, rates))
                yield f'<rect class="node" {_box(left, top + 15, right - left, 8)}/>'


def _spans(rates: Sequence[float]) -> Iterator[tuple[int, int]]:
    """Where something is, as half-open spans of steps."""
    edges = [n for n, (one, other) in enumerate(pairwise([0.0, *rates, 0.0])) if bool(one) != bool(other)]
    return zip(edges[::2], edges[1::2], strict=True)


def _round(least: float) -> float:
    """The shortest of the round lengths of time that is no less."""
    return next((length for length in ROUND if length >= least), least)


def _ceiling(rate: float) -> int:
    """The next number of one or two digits and zeros, and even, so that its half is whole."""
    unit: int = 2 * 10 ** max(len(str(int(rate))) - 2, 0)
    return math.ceil(rate / unit) * unit


def _box(left: float, top: float, width: float, height: float) -> str:
    return f'x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}"'


def _text(x: float, y: float, words: str, kind: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{words}</text>'
