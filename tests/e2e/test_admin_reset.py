"""postern admin-reset: a new setup code in the state directory of a gateway that runs or does not, the
code of before no more, nothing else touched, and one clear line when it cannot be written."""
import os
import re
import shutil
import subprocess

import pytest

from harness import binary
from harness.client import send_message

CLEAN, USAGE, STATE = 0, 2, 4
CODE = re.compile(r"^setup code: ((?:[0-9A-HJKMNP-TV-Z]{5}-){4}[0-9A-HJKMNP-TV-Z]{5})\n")


def run(*arguments, prefix=(), **options):
    return subprocess.run([*prefix, binary(), "admin-reset", *map(str, arguments)],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60,
                          check=False, **options)


def reset(state, **options):
    """The code, which the file has too."""
    done = run("--state-dir", state, **options)
    assert done.returncode == CLEAN and not done.stderr, done
    code = CODE.match(done.stdout).group(1)
    assert state in done.stdout
    path = os.path.join(state, "setup-code")
    with open(path, encoding="ascii") as file:
        assert file.read() == code + "\n"
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert not os.path.exists(path + ".tmp")
    return code


def contents(state):
    return sorted(name for name in os.listdir(state) if not name.startswith("setup-code"))


def test_while_it_runs(gateway):
    before = contents(gateway.state)
    first = reset(gateway.state)
    assert reset(gateway.state) != first
    assert contents(gateway.state) == before
    assert send_message(gateway.public).code == 250
    gateway.wait_idle()
    assert gateway.stop() == CLEAN
    assert reset(gateway.state) != first
    with open(os.path.join(gateway.state, "setup-code"), encoding="ascii") as file:
        last = file.read()
    gateway.start()
    with open(os.path.join(gateway.state, "setup-code"), encoding="ascii") as file:
        assert file.read() == last  # kept over a restart


@pytest.mark.parametrize("arguments", [
    [], ["--state-dir"], ["x"], ["--nonsense", "x"], ["--state-dir", "x", "y"],
    ["--state-dir", "x", "--force"]], ids=lambda v: " ".join(v) or "nothing")
def test_wrong_command_line(arguments, tmp_path):
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == USAGE and done.stderr and not done.stdout, done
    assert not os.listdir(tmp_path)


def refused(state, *words, **options):
    done = run("--state-dir", state, **options)
    assert done.returncode == STATE and not done.stdout, done
    assert done.stderr.count("\n") == 1, done.stderr
    for word in words:
        assert word in done.stderr, done.stderr


def test_no_state_directory(tmp_path):
    refused(tmp_path / "nothing", "nothing")
    refused(tmp_path, "postern.db")
    assert not os.listdir(tmp_path)
    (tmp_path / "file").touch()
    refused(tmp_path / "file", "file")


def test_code_cannot_be_written(gateway):
    code = os.path.join(gateway.state, "setup-code")
    os.remove(code)  # the first start made one
    os.mkdir(code)
    refused(gateway.state, "setup-code")
    os.rmdir(code)


needs_setpriv = pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"),
                                   reason="needs root and setpriv")


def open_the_way(path):
    while path not in ("/", "/tmp"):
        os.chmod(path, 0o755)
        path = os.path.dirname(path)


@needs_setpriv
def test_root_writes_as_the_gateways_user(tmp_path):
    state = tmp_path / "state"
    state.mkdir()
    open_the_way(str(tmp_path))
    (state / "postern.db").touch()
    os.chown(state, 4711, 4712)
    reset(str(state))
    made = os.stat(state / "setup-code")
    assert (made.st_uid, made.st_gid) == (4711, 4712)
    # What that user has laid out for root to write through is not written.
    target = tmp_path / "target"
    target.write_text("precious", encoding="ascii")
    os.chmod(target, 0o600)
    (state / "setup-code").unlink()
    os.link(target, state / "setup-code.tmp")
    refused(str(state), "setup-code")
    assert target.read_text(encoding="ascii") == "precious"


@needs_setpriv
def test_somebody_else(tmp_path):
    state = tmp_path / "state"
    state.mkdir()
    open_the_way(str(tmp_path))
    (state / "postern.db").touch()
    os.chown(state, 4711, 4712)
    refused(str(state), "setup-code",
            prefix=["setpriv", "--reuid=4713", "--regid=4713", "--clear-groups"])
    assert os.listdir(state) == ["postern.db"]
