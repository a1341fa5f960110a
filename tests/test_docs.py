"""The documentation holds together: links lead somewhere, and both READMEs say the same things in the same order."""

import re
import subprocess
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[1]
READMES = tuple((ROOT / name).read_text("utf-8") for name in ("README.md", "README.pt-BR.md"))

_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]+`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)


def pages() -> list[Path]:
    """Every page in Markdown that belongs to the project."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    names = listed.stdout.splitlines() or [str(p.relative_to(ROOT)) for p in ROOT.glob("[!.]*/**/*.md")]
    return sorted({ROOT / name for name in (*names, "README.md", "README.pt-BR.md")})


def prose(text: str) -> str:
    """The text without its code, in which brackets are no links and hashes no headings."""
    return _FENCED.sub("", text)


def anchor(heading: str) -> str:
    """The fragment by which GitHub links to a heading."""
    words = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return words.replace(" ", "-")


def links(page: Path) -> list[str]:
    """Where a page leads within the project."""
    found = _LINK.findall(_CODE.sub("", prose(page.read_text("utf-8"))))
    return [link for link in found if "://" not in link and not link.startswith("mailto:")]


def leads_nowhere(page: Path, link: str) -> bool:
    """Whether the file of a link, or the heading in it, is missing."""
    name, _, fragment = unquote(link).partition("#")
    target = page.parent / name if name else page
    if not target.exists():
        return True
    headings = [text for _, text in _HEADING.findall(prose(target.read_text("utf-8")))] if fragment else []
    return bool(fragment) and fragment not in map(anchor, headings)


def commands(text: str) -> list[str]:
    """The lines that a reader is to type."""
    return [line for kind, code in _FENCED.findall(text) if kind == "sh" for line in code.splitlines()]


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    assert [link for link in links(page) if leads_nowhere(page, link)] == []


def test_links_are_found_at_all() -> None:
    assert "docs/architecture.md" in links(ROOT / "README.md")


def test_a_link_to_what_does_not_exist_is_noticed() -> None:
    assert leads_nowhere(ROOT / "README.md", "README.md#no-such-heading")


def test_both_readmes_have_the_same_headings_one_under_the_other() -> None:
    english, portuguese = ([level for level, _ in _HEADING.findall(prose(text))] for text in READMES)
    assert english == portuguese


def test_both_readmes_have_the_same_commands() -> None:
    english, portuguese = map(commands, READMES)
    assert english == portuguese


def test_both_readmes_lead_to_the_same_pages() -> None:
    english, portuguese = (
        {link for link in links(ROOT / name) if link.startswith("docs/") and not link.startswith("docs/images/")}
        for name in ("README.md", "README.pt-BR.md")
    )
    assert english == portuguese


def test_both_readmes_list_the_same_options() -> None:
    english, portuguese = (sorted(set(re.findall(r"--[a-z][a-z-]+|AGENDA_[A-Z_]+", text))) for text in READMES)
    assert english == portuguese
