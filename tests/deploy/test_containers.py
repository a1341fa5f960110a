"""Container files and compose files: linted, and holding together with what lies beside them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.shipped import BIN, CONTAINER, ROOT, of, read, strings

IMAGES = [path for path in of("container", "Containerfile*") if not path.name.endswith("ignore")]
COMPOSED = of("container", "compose*.yaml")


def named(path: Path) -> str:
    return path.name


def run(*command: str) -> str:
    """What a linter found, nothing if all is well."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""


@pytest.mark.skipif(not (BIN / "hadolint").exists(), reason="hadolint is not packaged for this system")
@pytest.mark.parametrize("image", IMAGES, ids=named)
def test_a_container_file_passes_hadolint(image: Path) -> None:
    assert run(str(BIN / "hadolint"), str(image)) == ""


@pytest.mark.parametrize("image", IMAGES, ids=named)
def test_an_image_starts_from_a_named_release_of_a_well_known_one_and_runs_as_nobody_special(image: Path) -> None:
    text = image.read_text("utf-8")
    bases, users = re.findall(r"^FROM (\S+)", text, re.MULTILINE), re.findall(r"^USER (\S+)", text, re.MULTILINE)
    assert all(re.fullmatch(r"[a-z]+:[\w.-]+", base) for base in bases)
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[-1])


def test_all_that_the_server_s_image_is_made_of_is_let_through() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (CONTAINER / "Containerfile").read_text("utf-8"), re.MULTILINE)
    let_through = re.findall(r"^!(.+)$", (CONTAINER / "Containerfile.dockerignore").read_text("utf-8"), re.MULTILINE)
    assert {name for line in copied for name in line.split() if not name.startswith("--")} == set(let_through)
    assert all((ROOT / name).exists() for name in let_through)


def test_all_that_the_database_s_image_is_made_of_is_there() -> None:
    lines = re.findall(r"^COPY (.+) \S+$", (CONTAINER / "Containerfile.patroni").read_text("utf-8"), re.MULTILINE)
    names = [name for line in lines for name in line.split() if not name.startswith("--")]
    assert [name for name in names if not (CONTAINER / name).is_file()] == []


def test_the_database_s_image_has_versions_that_the_tests_run_with() -> None:
    pins = (set((path / name).read_text("utf-8").splitlines()) for path, name in (
        (CONTAINER, "patroni-requirements.txt"), (ROOT, "requirements-dev.txt"),
    ))  # fmt: skip
    shipped, tested = ({pin.split(" ;")[0] for pin in held} for held in pins)
    assert shipped <= tested


@pytest.mark.parametrize("file", COMPOSED, ids=named)
def test_a_compose_file_holds_to_the_specification(file: Path) -> None:
    schema = ("--builtin-schema", "vendor.compose-spec")
    assert run(sys.executable, "-m", "check_jsonschema", *schema, str(file)) == ""


@pytest.mark.parametrize("file", COMPOSED, ids=named)
def test_what_a_compose_file_takes_from_the_environment_is_explained(file: Path) -> None:
    asked = set(re.findall(r"\$\{(\w+)", file.read_text("utf-8")))
    explained = set(re.findall(r"^#?(\w+)=", (CONTAINER / "env.example").read_text("utf-8"), re.MULTILINE))
    assert asked <= explained


@pytest.mark.parametrize("file", COMPOSED, ids=named)
def test_what_a_compose_file_builds_and_mounts_is_there(file: Path) -> None:
    services = read(file)["services"].values()
    built = {CONTAINER / part["build"]["context"] / part["build"]["dockerfile"] for part in services if "build" in part}
    mounted = {CONTAINER / text.split(":")[0] for text in strings(list(services)) if re.match(r"\./\w+\.\w+:", text)}
    assert [path for path in (*built, *mounted) if not path.is_file()] == []


@pytest.mark.parametrize("file", COMPOSED, ids=named)
def test_no_password_lies_in_a_compose_file(file: Path) -> None:
    secrets = {
        value
        for service in read(file)["services"].values()
        for name, value in service.get("environment", {}).items()
        if name.endswith("PASSWORD")
    }
    assert all(value.startswith("${") for value in secrets)


def test_haproxy_sends_clients_to_every_node_of_the_compose_file() -> None:
    servers = set(re.findall(r"^ +server (\w+) \1:8888$", (CONTAINER / "haproxy.cfg").read_text("utf-8"), re.MULTILINE))
    assert servers == {name for name in read(CONTAINER / "compose.ha.yaml")["services"] if name.startswith("agenda")}
