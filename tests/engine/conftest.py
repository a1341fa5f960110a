"""An engine for each test, on a data folder of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.asking import House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """An engine at work."""
    it = House(tmp_path / "data")
    yield it
    it.close()
