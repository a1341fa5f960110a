"""`agenda serve --proxies`: what is a list of networks."""

from pathlib import Path

import pytest

from agenda.cli.exits import Status

from .conftest import Shell


@pytest.mark.parametrize("text", ["nowhere", "10.0.0.0/8,", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/8 192.0.2.1", "::g"])
@pytest.mark.parametrize("language", ["en", "pt-BR"])
def test_what_is_no_list_of_networks_is_wrong_usage(shell: Shell, tmp_path: Path, text: str, language: str) -> None:
    failed = shell.run("serve", "--data", str(tmp_path / "data"), f"--proxies={text}", AGENDA_LANGUAGE=language)
    assert (failed.status, f"“{text}”" in failed.err) == (Status.USAGE, True)
