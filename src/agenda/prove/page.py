"""The report on a run as a page that needs nothing but itself: no scripts, no fonts, nothing from elsewhere."""

from collections.abc import Iterator
from html import escape
from importlib import resources

from agenda.prove.figures import Figures, figures
from agenda.prove.history import History
from agenda.prove.plot import Plot
from agenda.prove.tables import Table, tables
from agenda.prove.telling import MARKS, SHOWN, Teller
from agenda.prove.verdict import Check, Verdict
from agenda.texts import Texts

WIDE, NARROW = 980.0, 330.0
"""Units of the picture on a desk and on a telephone, where its letters are as large."""
STACKED = 3
"""A table with more columns is told row by row on a telephone."""

LEGEND = {
    "granted": '<path class="granted area" d="M0 4H22V12H0Z"/><path class="granted" d="M0 4H22"/>',
    "refused": '<path class="refused" d="M0 6H22"/>',
    "unknown": '<path class="unknown" d="M7 2l8 8m0 -8l-8 8"/>',
    "fault": '<rect class="band" width="22" height="12"/><rect class="bar" width="22" height="3"/>',
    "silence": '<path class="silence" d="M1 2v8m0 -4H21m0 -4v8"/>',
    "node": '<rect class="node" y="2" width="22" height="8"/>',
}


def html(verdict: Verdict, history: History, t: Texts) -> str:
    """The whole document."""
    teller, measured = Teller(history, t), figures(history)
    style = resources.files(__package__).joinpath("page.css").read_text("utf-8")
    parts = [
        *_summary(verdict, history, measured, teller),
        *_promises(verdict, teller),
        *_timeline(history, measured, teller),
        *(part for table in tables(measured, teller) for part in _table(table)),
    ]
    title = escape(t("cli.prove.report.title"))
    return (
        f'<!DOCTYPE html>\n<html lang="{t.language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{MARKS[verdict.judgement]} {title}</title>\n<style>\n{style}</style>\n</head>\n"
        f"<body>\n<main>\n{chr(10).join(parts)}\n</main>\n</body>\n</html>\n"
    )


def _summary(verdict: Verdict, history: History, measured: Figures, teller: Teller) -> Iterator[str]:
    """The verdict, and what was tried."""
    yield f'<header class="verdict {verdict.judgement}">'
    yield f"<h1>{MARKS[verdict.judgement]} {escape(teller.verdict(verdict))}</h1>"
    yield f"<p>{escape(teller.run(measured))}</p></header>"
    about = dict(teller.about(history))
    if about:
        yield "<dl>"
        yield from (f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in about.items())
        yield "</dl>"


def _promises(verdict: Verdict, teller: Teller) -> Iterator[str]:
    yield f'<section><h2>{escape(teller.t("cli.prove.report.promises"))}</h2><ul class="checks">'
    for check in verdict.checks:
        mark = MARKS[check.judgement]
        yield f'<li class="{check.judgement}"><span class="mark" aria-hidden="true">{mark}</span><div>'
        judged = escape(teller.t(f"cli.prove.judgement.{check.judgement}"))
        tried = f'<span class="muted">{judged} · {escape(teller.tried(check))}</span>'
        yield f'<div class="promise"><span>{escape(teller.promise(check))}</span> {tried}</div>'
        yield from _findings(check, teller)
        yield "</div></li>"
    yield "</ul></section>"


def _findings(check: Check, teller: Teller) -> Iterator[str]:
    """What speaks against a promise, with the calls that show it."""
    for finding in check.findings[:SHOWN]:
        yield f'<div class="finding">{escape(teller.finding(finding))}'
        if finding.calls:
            yield f"<table>{''.join(map(_call, teller.rows(finding)))}</table>"
        yield "</div>"
    if len(check.findings) > SHOWN:
        count = teller.t.number(len(check.findings) - SHOWN)
        yield f'<p class="note">{escape(teller.t("cli.prove.report.more", count=count))}</p>'


def _call(row: tuple[str, str, str]) -> str:
    times, wish, answer = map(escape, row)
    return f'<tr><td class="time">{times}</td><td>{wish}</td><td>{answer}</td></tr>'


def _timeline(history: History, measured: Figures, teller: Teller) -> Iterator[str]:
    """The picture, once for a desk and once for a telephone."""
    yield f'<section><h2>{escape(teller.t("cli.prove.report.timeline"))}</h2><ul class="legend">'
    for name, sign in LEGEND.items():
        words = escape(teller.t(f"cli.prove.legend.{name}"))
        yield f'<li><svg viewBox="0 0 22 12" aria-hidden="true">{sign}</svg>{words}</li>'
    yield "</ul>"
    yield Plot(history, measured, teller, WIDE, words=True).svg()
    yield Plot(history, measured, teller, NARROW, words=False).svg()
    yield "</section>"


def _table(table: Table) -> Iterator[str]:
    stacked = ' class="stacked"' if len(table.head) > STACKED else ""
    yield f"<section><h2>{escape(table.title)}</h2><table{stacked}><thead><tr>"
    for n, name in enumerate(table.head):
        yield f"<th{_kind(n, table)}>{escape(name)}</th>"
    yield "</tr></thead><tbody>"
    for row in table.rows:
        cells = zip(table.head, row, strict=True)
        yield f"<tr>{''.join(_cell(n, name, cell, table) for n, (name, cell) in enumerate(cells))}</tr>"
    yield "</tbody></table>"
    yield from (f'<p class="note">{escape(note)}</p>' for note in table.notes)
    yield "</section>"


def _cell(n: int, name: str, cell: str, table: Table) -> str:
    return f'<td{_kind(n, table)} data-head="{escape(name)}">{escape(cell)}</td>'


def _kind(n: int, table: Table) -> str:
    return ' class="title"' if n < table.texts else ' class="number"'
