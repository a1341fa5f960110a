"""Filled data folders, and ways to damage them that go round every rule."""

import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from agenda.storage.diagnosis import Finding
from agenda.storage.doctor import examine
from agenda.storage.fill import fill
from agenda.storage.folder import DATABASE
from agenda.storage.made_up import Plan

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 3, tzinfo=UTC)  # its first instant in São Paulo
PLAN = Plan(3, 300, 7, 8, TODAY, "America/Sao_Paulo", "pt-BR")


class Folder:
    """A data folder of a made-up agenda, to be damaged and examined."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.database = path / DATABASE

    def damage(self, *statements: str) -> None:
        """Run statements on the bare file, where no trigger and no key stands in the way."""
        with closing(sqlite3.connect(self.database, isolation_level=None)) as bare:
            for trigger in ("claim_no_overlap", "claim_no_update"):
                bare.execute(f"DROP TRIGGER IF EXISTS {trigger}")
            for statement in statements:
                assert bare.execute(statement).rowcount != 0, f"nothing was damaged by {statement}"

    def ask(self, question: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.database)) as bare:
            return bare.execute(question).fetchall()

    def findings(self) -> list[Finding]:
        return list(examine(self.path, self.database, NOW))

    def codes(self) -> set[str]:
        """The codes of all findings but those about this machine and about the triggers that `damage` drops."""
        codes = {finding.code for finding in self.findings()}
        return codes - {"disk_space", "zone_data_old", "trigger_missing"}


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that no test may change."""
    path = tmp_path_factory.mktemp("filled") / "data"
    fill(path, PLAN)
    return path


@pytest.fixture
def folder(filled: Path, tmp_path: Path) -> Folder:
    """A test's own copy of it."""
    shutil.copytree(filled, tmp_path / "data")
    return Folder(tmp_path / "data")
