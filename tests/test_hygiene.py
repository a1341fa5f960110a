"""What holds for the tree as a whole: what may not stand in it, and what each module begins with."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOREIGN = [
    r"pypi[.]org|pythonhosted|registry[.]npmjs|artifactory|devpi",  # registries and mirrors
    r"--(extra-)?index[-]url|--find[-]links|--trusted[-]host",  # how they are named to pip
    r"(?<![\w.$}*~])/(home|Users|root|work)/[\w.]+",  # somebody's own machine
]


def tracked() -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False, text=True)
    if listing.returncode:
        pytest.skip("not a git work tree")
    return [ROOT / name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()]


def text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:  # a picture or a font
        return ""


@pytest.mark.parametrize("pattern", FOREIGN)
def test_no_file_names_a_registry_or_a_place_on_one_machine(pattern: str) -> None:
    guilty = [
        f"{path.relative_to(ROOT)}: {found.group()}"
        for path in tracked()
        if path != Path(__file__)
        for found in re.finditer(pattern, text(path), re.IGNORECASE)
    ]
    assert not guilty


@pytest.mark.parametrize("folder", ["src", "bench", "tests"])
def test_each_module_begins_by_saying_what_it_is_for(folder: str) -> None:
    modules = [path for path in tracked() if path.suffix == ".py" and folder in path.relative_to(ROOT).parts[:1]]
    trees = {str(path.relative_to(ROOT)): ast.parse(text(path)) for path in modules}
    assert [name for name, tree in trees.items() if tree.body and not ast.get_docstring(tree)] == []


def pins(name: str) -> set[str]:
    return set((ROOT / name).read_text("utf-8").splitlines())


def test_the_lock_is_plain_pins_and_the_development_lock_holds_all_of_it() -> None:
    assert all(re.fullmatch(r"[a-z0-9-]+==[\w.]+( ; .+)?", pin) for pin in pins("requirements-dev.txt"))
    assert pins("requirements.txt") <= pins("requirements-dev.txt")


def test_the_lock_pins_every_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    names = {re.split(r"[\[>;=]", dependency)[0].lower() for dependency in project["dependencies"]}
    assert names <= {pin.split("==")[0] for pin in pins("requirements.txt")}
