"""The units of systemd: understood by it, and confined."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deploy.shipped import ROOT, of

UNITS = [*of("systemd", "*.service"), *of("systemd", "*.timer")]
EXPOSED = 20  # tenths; systemd calls what is above 2 less than safe, and a unit without confinement has 96

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")


def named(path: Path) -> str:
    return path.name


def analyze(*arguments: str) -> str:
    """What systemd-analyze has to say, nothing if all is well."""
    done = subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)
    return done.stderr + (done.stdout if done.returncode else "")


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units, with a program that exists on every machine in the place of the agenda's, and the drop-in of each."""
    for unit in UNITS:
        (tmp_path / unit.name).write_text(unit.read_text("utf-8").replace("/opt/agenda/.venv/bin/agenda", "/bin/true"))
        if unit.suffix == ".service":
            dropped = tmp_path / f"{unit.name}.d"
            dropped.mkdir()
            shutil.copy(ROOT / "deploy" / "systemd" / "tls.conf", dropped)
    return tmp_path


@pytest.mark.parametrize("unit", UNITS, ids=named)
def test_systemd_understands_all_of_a_unit(units: Path, unit: Path) -> None:
    assert analyze("verify", "--man=no", "--generators=no", str(units / unit.name)) == ""


def test_a_unit_with_a_misspelt_setting_is_noticed(units: Path) -> None:
    (units / "agenda.service").write_text("[Service]\nExecStart=/bin/true\nRestartSecs=2\n")
    assert "RestartSecs" in analyze("verify", "--man=no", "--generators=no", str(units / "agenda.service"))


@pytest.mark.parametrize("unit", of("systemd", "*.service"), ids=named)
def test_a_service_is_confined(units: Path, unit: Path) -> None:
    options = ("--offline=yes", f"--threshold={EXPOSED}", "--no-pager")
    assert analyze("security", *options, str(units / unit.name)) == ""


def test_the_services_start_the_program_that_the_set_up_makes() -> None:
    started = {
        line.split("=")[1] for unit in UNITS for line in unit.read_text("utf-8").splitlines() if "/bin/agenda" in line
    }
    assert started == {"/opt/agenda/.venv/bin/agenda serve", "/opt/agenda/.venv/bin/agenda backup"}


def test_a_node_has_time_to_drain_before_it_is_killed() -> None:
    unit, settings = (
        (ROOT / "deploy/systemd" / name).read_text("utf-8") for name in ("agenda-node.service", "node.env")
    )
    [patience], [drain] = (
        re.findall(r"^TimeoutStopSec=(\d+)", unit, re.MULTILINE),
        re.findall(r"^AGENDA_DRAIN=(\d+)", settings, re.MULTILINE),
    )
    assert int(patience) >= int(drain) + 15
