"""The report says what was found, in both languages, as text and as a page that needs nothing else."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

import agenda.prove
from agenda.prove.checks import judge
from agenda.prove.figures import figures
from agenda.prove.history import Fault, History
from agenda.prove.page import LEGEND, WIDE
from agenda.prove.plot import Plot
from agenda.prove.report import html, text
from agenda.prove.telling import Teller
from agenda.texts import LANGUAGES, Texts, catalogue, texts
from tests.prove.simulated import Shape, simulated
from tests.prove.story import ELEVEN, NOON, TEN, Story

VOID = {"meta", "rect", "path", "br"}


@pytest.fixture(params=LANGUAGES)
def t(request: pytest.FixtureRequest) -> Texts:
    return texts(request.param)


@pytest.fixture
def broken() -> History:
    """Much goes wrong: a double booking, a lost one, one out of nothing, a stale picture."""
    story = Story()
    story.create("ana", TEN, 0, 1, "a")
    story.create("bia", TEN, 2, 3, "b")
    story.create("caio", ELEVEN, 2, 3, "c")
    story.refuse("caio", "booking.create", 4, 5, "unknown", place=NOON)
    story.end(("a", "ana", TEN), ("b", "bia", TEN), ("x", "<b>dora</b>", NOON))
    story.picture({TEN: "free"}, {TEN: "taken"})
    story.history.faults = [Fault("kill", "node 1", 1.0, 2.0), Fault("never <heard> of", "all & sundry", 1.5, 2.5)]
    return story.history


class Elements(HTMLParser):
    """Keeps the tags that are open, and all attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def signs(drawing: str) -> set[str]:
    """The classes of what is drawn, writing aside."""
    shapes = [what for tag, what in Elements(drawing).seen if tag in {"rect", "path"}]
    return {word for shape in shapes for word in (shape["class"] or "").split()}


def test_every_finding_has_a_sentence() -> None:
    sources = Path(agenda.prove.__file__).parent.glob("*.py")
    codes = {code for path in sources for code in re.findall(r'Finding\("(\w+)"', path.read_text("utf-8"))}
    said = {msgid.removeprefix("cli.prove.finding.") for msgid in catalogue("en") if "prove.finding." in msgid}
    assert codes == {code for code in said if not code.startswith("misfit_")}


def test_the_text_names_every_promise_with_its_judgement(broken: History, t: Texts) -> None:
    verdict = judge(broken)
    said = text(verdict, broken, t)
    marks = {check.name: "✕" if check.findings else "✓" for check in verdict.checks}
    assert all(f"{marks[check.name]} {t(f'cli.prove.check.{check.name}')}" in said for check in verdict.checks)


def test_the_text_ends_with_the_verdict(t: Texts) -> None:
    history = simulated(1, Shape(calls=30))
    assert text(judge(history), history, t).endswith(f"✓ {t('cli.prove.verdict.held')}")


def test_the_call_whose_answer_cannot_be_true_is_marked(broken: History) -> None:
    marked = [line for line in text(judge(broken), broken, texts("en")).splitlines() if line.endswith(" ✕")]
    assert [line.strip().split("  ")[0] for line in marked] == ["2.000 – 3.000"]


def test_a_run_without_calls_is_reported_as_proving_nothing(t: Texts) -> None:
    history = History(1, [])
    assert t("cli.prove.finding.nothing_done") in text(judge(history), history, t)


def test_the_page_is_whole(broken: History, t: Texts) -> None:
    page = Elements(html(judge(broken), broken, t))
    assert (page.open, len(page.seen) > 100) == ([], True)


def test_the_page_loads_nothing_and_runs_nothing(broken: History, t: Texts) -> None:
    page = Elements(html(judge(broken), broken, t))
    loading = {"src", "href", "data", "action", "srcset", "onload", "xlink:href"}
    assert not [attributes for tag, attributes in page.seen if tag in {"script", "link"} or loading & attributes.keys()]
    assert "url(" not in html(judge(broken), broken, t)


def test_what_was_recorded_is_never_markup(broken: History, t: Texts) -> None:
    page = html(judge(broken), broken, t)
    assert ("<b>" in page, "&lt;b&gt;dora&lt;/b&gt;" in page) == (False, True)


def test_the_page_says_how_each_finding_reads(broken: History, t: Texts) -> None:
    lost = t("cli.prove.finding.lost", booking="c", expected="2026-11-23 11:00 UTC")
    assert lost in html(judge(broken), broken, t)


def test_the_picture_stays_within_its_frame() -> None:
    history = simulated(3, Shape(calls=200, patience=0.2))
    end = max(call.ended or 0.0 for call in history.calls)
    history.faults = [Fault("kill", "node 1", end * n / 9, end * (n + 1) / 9) for n in range(9)]
    page = Elements(html(judge(history), history, texts("en")))
    rects = [attributes for tag, attributes in page.seen if tag == "rect" and "x" in attributes]
    assert rects
    assert all(0 <= float(r["x"] or -1) <= float(r["x"] or 0) + float(r["width"] or 0) <= 980 for r in rects)


def test_everything_that_the_picture_draws_is_in_its_legend(broken: History) -> None:
    broken.calls = [replace(call, node="node 1") for call in broken.calls]
    broken.calls[0] = replace(broken.calls[0], outcome="unknown")
    picture = Plot(broken, figures(broken), Teller(broken, texts("en")), WIDE, words=True).svg()
    assert signs(picture) - {"grid"} == signs("".join(LEGEND.values()))


@pytest.mark.parametrize("history", [History(1, []), History(1, [[TEN]])])
def test_a_page_can_be_made_of_a_run_in_which_nothing_happened(history: History, t: Texts) -> None:
    assert Elements(html(judge(history), history, t)).open == []
