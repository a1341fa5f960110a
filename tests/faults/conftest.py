"""What the fault tests share: the library, a data folder, a disk to watch."""

import shutil
from pathlib import Path

import pytest

from tests.faults import plug as plugs
from tests.faults.plug import Plug


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc to build the library that watches a disk")
    return plugs.build(tmp_path_factory.mktemp("plug"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def plug(library: Path, data: Path, tmp_path: Path) -> Plug:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return Plug(library, data, scratch)
