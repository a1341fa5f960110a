"""Imports go only downward: each floor knows those below it and nothing else of ours."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "agenda"

SERVER = {"console", "domain", "engine", "storage", "doors", "texts", "wire", "settings"}
FLOORS: dict[str, set[str]] = {
    "__init__": set(),
    "__main__": {"cli"},
    "domain": set(),
    "texts": set(),
    "addresses": set(),
    "wire": set(),
    "settings": set(),
    "console": {"texts"},
    "engine": {"domain"},
    "storage": {"domain", "engine"},
    "doors": {"domain", "engine", "texts", "wire"},
    "client": {"wire"},
    "desktop": {"addresses", "client", "wire", "texts"},
    "prove": {"client", "texts", "wire"},
    "bootstrap": SERVER,
    "cli": SERVER - {"console", "doors"} | {"addresses", "bootstrap", "client", "desktop", "prove"},
}
MODULES = sorted(SOURCE.rglob("*.py"))


def imported(module: Path) -> Iterator[str]:
    """Full names of all that a module imports, wherever in it; relative ones made absolute."""
    package = ("agenda", *module.relative_to(SOURCE).parts[:-1])
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join((*start, *filter(None, [node.module])))
            yield from (f"agenda.{name.name}" for name in node.names) if base == "agenda" else (base,)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_imports_only_from_floors_below(module: Path) -> None:
    floor = module.relative_to(SOURCE).parts[0].removesuffix(".py")
    ours = {name.split(".")[1] for name in imported(module) if name.startswith("agenda.")}
    assert ours - {"__version__"} <= FLOORS[floor] | {floor}


@pytest.mark.parametrize("module", sorted((SOURCE / "domain").rglob("*.py")), ids=lambda path: path.name)
def test_the_domain_needs_only_the_standard_library(module: Path) -> None:
    assert {name.split(".")[0] for name in imported(module)} <= sys.stdlib_module_names | {"agenda"}


def test_only_storage_knows_the_driver() -> None:
    knowing = {m.relative_to(SOURCE).parts[0] for m in MODULES if "sqlite3" in imported(m)}
    assert knowing <= {"storage"}
