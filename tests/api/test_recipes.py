"""The recipes of docs/api.md, each run as it stands there."""
import os
import re
import shutil
import subprocess

import pytest

from harness import ROOT

RECIPE = re.compile(r"^```sh\n(.*?)^```", re.M | re.S)


def test_recipes(make_api, tmp_path):
    for program in ("curl", "jq"):
        if shutil.which(program) is None:
            pytest.skip("there is no " + program)
    api = make_api(has_administrator=False)
    with open(os.path.join(ROOT, "docs", "api.md"), encoding="utf-8") as text:
        recipes = RECIPE.findall(text.read())
    assert len(recipes) > 10
    environment = dict(os.environ, P="https://127.0.0.1:%d/api/v1" % api.https, CODE=api.setup_code())
    for recipe in recipes:
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", recipe], cwd=tmp_path, env=environment,
                              capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, "%s\n%s%s" % (recipe, done.stdout, done.stderr)
