"""The description and the daemon say the same, both ways and for every method."""
import json
import subprocess

import jsonschema
import pytest

from client import BASE, OPERATIONS, description
from harness import binary

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def test_committed_equals_rendered():
    """After a change of routes, rows or components.json: `postern openapi > api/openapi.json`."""
    rendered = subprocess.run([binary(), "openapi"], capture_output=True, check=True, text=True).stdout
    assert json.loads(rendered) == description()


def test_served_equals_committed(api):
    answer = api.nobody().get("/openapi.json")
    assert answer.json == description()


def test_schemas_are_schemas():
    for name, schema in description()["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema), name


def concrete(path):
    """A path that meets the route, and nothing that exists."""
    return "/".join("zz" if part.startswith("{") else part for part in path.split("/"))


@pytest.mark.parametrize("path", sorted(description()["paths"]))
def test_every_method_of_every_path(api, path):
    """What is described is there (not 404 for the route, not 405); what is not is refused by 405."""
    for method in METHODS:
        answer = api.nobody().raw(method, BASE + concrete(path))
        if method.lower() in description()["paths"][path]:
            assert answer.status != 405, (method, path)
            assert answer.status != 404 or answer.code != "route.unknown", (method, path)
        else:
            assert answer.status == 405, (method, path, answer)
            assert method not in answer.headers["Allow"].split(", ")


def test_unknown_paths(api):
    for path in ("/nothing", "/api", "/api/v1", "/api/v1/", "/api/v1/nothing", "/api/v2/version", "/etc/passwd",
                 "/api/v1/config", "/api/v1/config/certificates", "/api/v1/config/%6cisteners/x/y"):
        assert api.nobody().raw("GET", path).status == 404, path


def test_operation_names_are_unique():
    names = [operation["operationId"] for _, _, _, operation in OPERATIONS.rows]
    assert len(names) == len(set(names))
