"""Sections as openapi.json describes them, member by member and both ways: what a schema excludes is
refused where it stands, what it allows is taken, what is left out has the default that it names. And HEAD,
which is described by GET."""
import copy

import pytest

from client import OPERATIONS, description, quote

NONE_THERE = {"trust-lists": {"name": "Made", "type": "system"}}
# Of another type than the key says.
OTHER = {"string": (5, None, []), "integer": ("5", 1.5, True), "boolean": ("yes", 0), "array": ({}, "x"),
         "object": ([],)}


def schema_of(operation):
    schema = next(iter(operation["requestBody"]["content"].values()))["schema"]
    return description()["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]


def writes(prefix, method):
    """{section: schema of the body} of the operations that make an object, or set a singleton."""
    return {operation["operationId"][len(prefix):]: schema_of(operation) for _, _, row_method, operation
            in OPERATIONS.rows if row_method == method and operation["operationId"].startswith(prefix)}


OBJECTS, SINGLES = writes("config_put.", "PUT"), writes("config_single_put.", "PUT")
SECTIONS = dict(OBJECTS, **SINGLES)


def without(value, key):
    return {name: each for name, each in value.items() if name != key}


def texts(schema):
    if schema.get("minLength"):
        yield ""
    if "maxLength" in schema:
        yield "x" * (schema["maxLength"] + 1)
    if "enum" in schema:
        yield "zz"


def numbers(schema):
    yield from (schema[bound] + step for bound, step in (("minimum", -1), ("maximum", 1)) if bound in schema)


def lists(schema, value):
    if schema.get("minItems"):
        yield []
    if schema.get("maxItems", 1000) < 1000 and value:
        yield value[:1] * (schema["maxItems"] + 1)


def excluded(schema, value, pointer=""):
    """(a value that SCHEMA excludes, where it is wrong), made from VALUE, which is one that it allows."""
    kind = schema["type"]
    for other in OTHER[kind]:
        yield other, pointer
    if kind == "string":
        yield from ((each, pointer) for each in texts(schema))
    elif kind == "integer":
        yield from ((each, pointer) for each in numbers(schema))
    elif kind == "array":
        yield from ((each, pointer) for each in lists(schema, value))
        for each, place in excluded(schema["items"], value[0], pointer + "/0") if value else ():
            yield [each] + value[1:], place
    elif kind == "object":
        yield dict(value, zz=1), pointer + "/zz"
        for key in schema.get("required", ()):
            yield without(value, key), "%s/%s" % (pointer, key)
        for key, member in schema["properties"].items():
            inner = value.get(key, member.get("default"))
            for each, place in excluded(member, inner, "%s/%s" % (pointer, key)):
                yield dict(value, **{key: each}), place


def allowed(schema, value):
    """VALUE with each of its members at its bounds, one at a time."""
    for key, member in schema["properties"].items():
        values = list(member.get("enum", ())) + [True, False] * (member["type"] == "boolean")
        values += [member[bound] for bound in ("minimum", "maximum") if bound in member]
        yield from (dict(value, **{key: each}) for each in values)


@pytest.fixture(scope="module")
def program(api):
    return api.token("config:read", "config:draft", "certificates:read", name="held to the schema")


def parts(section, value):
    """(key of the object, query) as the path has them."""
    names = [key for key in ("recipient", "domain", "name") if key in value]
    query = {"draft": "me"}
    if "listener" in SECTIONS[section].get("required", ()):
        query["listener"] = value["listener"]
    return value[names[0]], query


@pytest.fixture(params=sorted(SECTIONS))
def object_of(request, program):
    """(schema, path, query, an object) of each section."""
    section = request.param
    if section in SINGLES:
        yield SECTIONS[section], "/config/" + section, {"draft": "me"}, program.get("/config/" + section).json
    else:
        found = program.get("/config/" + section).json["items"] or [NONE_THERE[section]]
        key, query = parts(section, found[0])
        path = "/config/%s/%s" % (section, quote(key))
        written = program.put(path, found[0], **query)
        assert written.status == 200, written
        yield SECTIONS[section], path, query, written.json["object"]
    assert program.delete("/drafts/me").status == 204


def hits(answer, pointer):
    return any(each == pointer or each.startswith(pointer + "/") for each in answer.pointers())


def test_what_is_excluded(object_of, program):
    schema, path, query, value = object_of
    key_members = [key for key in ("name", "domain", "recipient", "listener") if key in schema["properties"]]
    count, before = 0, program.get("/drafts/me/diff").json
    for case, pointer in excluded(schema, copy.deepcopy(value)):
        if pointer[1:] in key_members and isinstance(case, dict) and pointer[1:] not in case:
            continue  # the path says it
        answer = program.put(path, case, **query)
        assert answer.status == 422 and answer.code == "config.invalid" and hits(answer, pointer), (case, pointer, answer)
        count += 1
    assert count > len(schema["properties"])
    assert program.get("/drafts/me/diff").json == before


def test_what_a_patch_excludes(object_of, program):
    """The same, member by member; null is no type there, it gives the default back."""
    schema, path, query, value = object_of
    for key, member in schema["properties"].items():
        inner = value.get(key, member.get("default"))
        for case, pointer in excluded(member, copy.deepcopy(inner), "/" + key):
            if case is not None:
                answer = program.patch(path, {key: case}, **query)
                assert answer.status == 422 and hits(answer, pointer), (key, case, answer)


def test_what_is_allowed(object_of, program):
    schema, path, query, value = object_of
    for case in allowed(schema, value):
        answer = program.put(path, case, **query)
        assert answer.status == 200, (case, answer)
        assert answer.json["object"] == dict(value, **case)


def test_defaults(object_of, program):
    """Only what is required: the rest is what the schema says."""
    schema, path, query, value = object_of
    least = {key: value[key] for key in schema.get("required", ())}
    answer = program.put(path, least, **query)
    assert answer.status == 200, answer
    for key, member in schema["properties"].items():
        if key not in least and "default" in member:
            assert answer.json["object"][key] == member["default"], key


HEADS = sorted(path for _, path, method, operation in OPERATIONS.rows
               if method == "GET" and "{" not in path and operation["operationId"] != "events")


@pytest.mark.parametrize("path", HEADS)
def test_head(api, path):
    """RFC 9110 9.3.2: as GET, without the body."""
    query = {"listener": "InboundMail"} if path.startswith("/config-order/") else {}
    get, head = (api.administrator.call(method, path, **query) for method in ("GET", "HEAD"))
    assert get.status == head.status == 200, (get, head)
    for field in ("Content-Type", "ETag", "Cache-Control"):
        assert head.headers[field] == get.headers[field]
