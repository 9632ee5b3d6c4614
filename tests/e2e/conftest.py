"""Fixtures of the end-to-end tests. POSTERN_BIN names the binary, default build/server/postern.

A fixture ends what it started, by its process id; when a test has failed, what the gateway said is
added to the report."""
import os
import resource

import pytest

from harness import allow_many_files, bench_program, binary
from harness.gateway import Config, Gateway
from harness.postfix import Postfix, why_not
from harness.sink import BenchSink, Load, RawServer, Sink


def pytest_configure(config):
    if not os.access(binary(), os.X_OK):
        raise pytest.UsageError("no binary at %s: set POSTERN_BIN or run ./dev build" % binary())
    allow_many_files()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.when == "call" and report.failed:
        for gateway in getattr(item, "gateways", []):
            report.sections.append(("gateway in " + gateway.directory, gateway.describe()))


@pytest.fixture
def make_gateway(request, tmp_path):
    """make_gateway(config=None, *arguments, start=True) -> Gateway; all are stopped at the end, and a
    gateway that has died on the way, or does not end cleanly, fails the test."""
    made = request.node.gateways = []

    def make(config=None, *arguments, start=True, prefix=(), directory=None):
        directory = directory or tmp_path / ("gateway%d" % len(made))
        directory.mkdir(exist_ok=True)
        gateway = Gateway(directory, config, arguments, prefix)
        made.append(gateway)
        return gateway.start() if start else gateway

    yield make
    problems = []
    for gateway in made:
        if gateway.process is None or getattr(gateway, "is_meant_to_end", False):
            continue
        code = gateway.stop()
        if code not in (0, None):
            problems.append("the gateway ended with %s:\n%s" % (code, gateway.describe()))
    assert not problems, "\n".join(problems)


@pytest.fixture
def gateway(make_gateway):
    return make_gateway()


@pytest.fixture(scope="module")
def shared(request, tmp_path_factory):
    """One gateway for all tests of a module that only read and send."""
    each = Gateway(tmp_path_factory.mktemp("shared"), Config())
    request.node.gateways = [each]
    each.start()
    yield each
    assert each.stop() == 0, each.describe()


@pytest.fixture
def make_sink():
    """make_sink(...) -> Sink, see harness/sink.py."""
    made = []

    def make(*arguments, **options):
        made.append(Sink(*arguments, **options))
        return made[-1]

    yield make
    for sink in made:
        sink.close()
        assert not sink.errors, sink.errors


@pytest.fixture
def sink(make_sink):
    return make_sink()


@pytest.fixture
def make_server():
    """make_server(handler) -> RawServer."""
    made = []

    def make(handler, **options):
        made.append(RawServer(handler, **options))
        return made[-1]

    yield make
    for server in made:
        server.close()
        assert not server.errors, server.errors


@pytest.fixture
def many_files():
    """For a test that opens thousands of sockets, here and in the gateway."""
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 4000:
        pytest.skip("fewer than 4,000 open files are allowed (ulimit -Hn)")


@pytest.fixture
def make_load():
    if bench_program("bench_load") is None:
        pytest.skip("tests/bench is not built")
    made = []

    def make(*arguments, **options):
        made.append(Load(*arguments, **options))
        return made[-1]

    yield make
    for load in made:
        load.process.kill()
        load.process.wait()


@pytest.fixture
def make_bench_sink():
    if bench_program("bench_sink") is None:
        pytest.skip("tests/bench is not built")
    made = []

    def make(*arguments, **options):
        made.append(BenchSink(*arguments, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def make_postfix(tmp_path):
    if why_not():
        pytest.skip(why_not())
    made = []

    def make(**settings):
        made.append(Postfix(tmp_path / ("postfix%d" % len(made)), settings).start())
        return made[-1]

    yield make
    for postfix in made:
        postfix.stop()
