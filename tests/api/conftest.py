"""Fixtures of the tests over HTTP. POSTERN_BIN names the binary; the test programs stand beside it.
What starts and watches processes is the end-to-end tests' harness."""
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))

import echo as echo_module  # noqa: E402
from gateway import Administered  # noqa: E402
from harness import allow_many_files  # noqa: E402


def pytest_configure(config):
    if not os.access(echo_module.program(), os.X_OK):
        raise pytest.UsageError("no program at %s" % echo_module.program())
    allow_many_files()


@pytest.fixture
def make_echo(tmp_path):
    """make_echo(**settings) -> Echo; each must end cleanly."""
    made = []

    def make(**settings):
        directory = tmp_path / ("echo%d" % len(made))
        directory.mkdir()
        made.append(echo_module.Echo(directory, **settings))
        return made[-1]

    yield make
    codes = [each.stop() for each in made]
    assert codes == [0] * len(made)


@pytest.fixture(scope="session")
def echo(tmp_path_factory):
    """One with the ordinary settings, for tests that leave nothing behind."""
    server = echo_module.Echo(tmp_path_factory.mktemp("echo"))
    yield server
    assert server.stop() == 0


@pytest.fixture
def make_api(tmp_path):
    """make_api(config=None) -> Administered, started; each must end cleanly."""
    made = []

    def make(config=None, **how):
        directory = tmp_path / ("gateway%d" % len(made))
        directory.mkdir()
        made.append(Administered(directory, config))
        return made[-1].start(**how)

    yield make
    problems = [each.gateway.describe() for each in made if each.stop() not in (0, None)]
    assert not problems, "\n".join(problems)


@pytest.fixture(scope="session")
def api(tmp_path_factory):
    """One for all tests that leave it as it was, or change what only they look at."""
    each = Administered(tmp_path_factory.mktemp("api")).start()
    yield each
    assert each.stop() == 0, each.gateway.describe()
