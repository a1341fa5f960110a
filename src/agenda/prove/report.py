"""The report on a run, as text for a terminal; `html` is the same as a page with a picture."""

from collections.abc import Iterator, Sequence

from agenda.prove.figures import figures
from agenda.prove.history import History
from agenda.prove.page import html
from agenda.prove.tables import Table, tables
from agenda.prove.telling import MARKS, SHOWN, Teller
from agenda.prove.verdict import Finding, Verdict
from agenda.texts import Texts

__all__ = ["html", "text"]


def text(verdict: Verdict, history: History, t: Texts) -> str:
    """Lines for people, without a final line break."""
    teller, measured = Teller(history, t), figures(history)
    lines = [teller.run(measured), "", t("cli.prove.report.promises")]
    for check in verdict.checks:
        lines.append(f"  {MARKS[check.judgement]} {teller.promise(check)} ({teller.tried(check)})")
        for finding in check.findings[:SHOWN]:
            lines += _finding(finding, teller)
        if len(check.findings) > SHOWN:
            lines.append("      " + t("cli.prove.report.more", count=t.number(len(check.findings) - SHOWN)))
    for table in tables(measured, teller):
        lines += ["", *_table(table)]
    return "\n".join([*lines, "", f"{MARKS[verdict.judgement]} {teller.verdict(verdict)}"])


def _finding(finding: Finding, teller: Teller) -> Iterator[str]:
    """The sentence, and the calls that show it."""
    yield f"      {teller.finding(finding)}"
    yield from (f"        {line}" for line in _aligned(teller.rows(finding), texts=3))


def _table(table: Table) -> Iterator[str]:
    yield table.title
    yield from (f"  {line}" for line in _aligned([table.head, *table.rows], table.texts))
    yield from (f"  {note}" for note in table.notes)


def _aligned(rows: Sequence[Sequence[str]], texts: int) -> Iterator[str]:
    """Rows whose columns stand under each other, the first `texts` of them by their left edge."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        left = [cell.ljust(width) for cell, width in zip(row[:texts], widths, strict=False)]
        right = [cell.rjust(width) for cell, width in zip(row[texts:], widths[texts:], strict=True)]
        yield "  ".join([*left, *right]).rstrip()
