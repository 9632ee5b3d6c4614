"""Fixtures of the tests over HTTP. POSTERN_BIN names the binary; the test programs stand beside it."""
import os
import resource

import pytest

import echo as echo_module


def pytest_configure(config):
    if not os.access(echo_module.program(), os.X_OK):
        raise pytest.UsageError("no program at %s" % echo_module.program())
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


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
