"""A site for the tests of this package: made once, whole again before each test."""

from collections.abc import Iterator

import pytest

from tests.ha import needs
from tests.ha.site import Site, a_site


@pytest.fixture(scope="session", autouse=True)
def _able() -> None:
    reason = needs.missing()
    if reason is not None:
        pytest.skip(reason)


@pytest.fixture(scope="session")
def one_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with a_site(logs=tmp_path_factory.mktemp("logs of the site")) as site:
        yield site


@pytest.fixture
def site(one_site: Site) -> Site:
    """A network and a healthy database, without Agenda nodes."""
    one_site.recover()
    return one_site
