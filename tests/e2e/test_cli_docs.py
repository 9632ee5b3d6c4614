"""docs/cli.md: its reference is what `postern help` prints, its examples run."""
import os
import re
import subprocess

from harness import PATIENCE, ROOT, binary
from harness.gateway import Config

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)


def blocks(kind):
    with open(os.path.join(ROOT, "docs", "cli.md"), encoding="utf-8") as text:
        return [found.group(2) for found in BLOCK.finditer(text.read()) if found.group(1) == kind]


def test_reference():
    printed = subprocess.run([binary(), "help"], capture_output=True, text=True, timeout=60, check=True).stdout
    assert blocks("text") == [printed], "put what `postern help` prints into docs/cli.md"


def test_examples(tmp_path, make_gateway):
    """In order, in one shell, as somebody would type them beside `./dev run`."""
    config = Config()
    config.data["sender-groups"][0]["name"] = "ALL"
    gateway = make_gateway(config)
    examples = blocks("sh")
    assert len(examples) >= 4
    script = "set -e\n" + "".join(examples).replace("POSTERN_STATE_DIR=run", "POSTERN_STATE_DIR=" + gateway.state)
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=60 * PATIENCE, check=False,
                          cwd=tmp_path, env=dict(os.environ, PATH=os.path.dirname(binary()) + ":" + os.environ["PATH"]))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "revision 3 is live" in done.stdout
