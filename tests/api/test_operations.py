"""Every operation of openapi.json with right and with wrong input: it works and answers with the status
that is described, or it refuses with the code for the mistake and has changed nothing. That an answer
meets its schema is held in client.py."""
import pytest

from client import OPERATIONS
from operations import SETUP, rows, shared
from test_streams import Listener
from world import World

ROWS = rows()
DESCRIBED = {operation["operationId"]: (method, path, operation)
             for _, path, method, operation in OPERATIONS.rows}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("world")).start()
    yield made
    assert made.api.stop() == 0, made.api.gateway.describe()


def test_every_operation_has_a_row():
    assert set(ROWS) | {"setup"} == set(DESCRIBED)


def test_rows_make_their_own_mistakes():
    """What is named in a path, or told in a body, can be wrong in ways of its own."""
    for name, row in ROWS.items():
        _, path, operation = DESCRIBED[name]
        has_own = row.mistakes or row.unknown
        assert has_own or not ("{" in path or "requestBody" in operation), name


def statuses(operation):
    return {int(status) for status in operation["responses"] if status.isdigit() and int(status) < 300}


def check_mistake(answer, mistake):
    assert answer.status == mistake.status, (mistake, answer)
    assert answer.code == mistake.code or mistake.code[-1] == "." and answer.code.startswith(mistake.code), \
        (mistake, answer)
    assert answer.json["status"] == answer.status and answer.json["detail"], answer
    assert answer.json["type"] == "/api/v1/problems/" + answer.code, answer
    if mistake.pointer is not None:
        found = [(error["pointer"], error["code"]) for error in answer.json["errors"]]
        assert (mistake.pointer, mistake.error) in found, (mistake, answer)


def make_mistakes(world, name, row, state):
    method, path, operation = DESCRIBED[name]
    made = [(mistake, world.prepare(method, path, mistake.call.over(row.good)))
            for mistake in [*row.mistakes, *shared(operation, row)]]
    before = state()
    for mistake, send in made:
        check_mistake(send(), mistake)
    assert state() == before


def get_it_right(world, name, row):
    method, path, operation = DESCRIBED[name]
    answer = world.prepare(method, path, row.good)()
    assert {answer.status} == statuses(operation), (name, answer)


@pytest.mark.parametrize("name", sorted(set(ROWS) - {"events"}))
def test_operation(world, name):
    world.begin()
    make_mistakes(world, name, ROWS[name], world.state)
    get_it_right(world, name, ROWS[name])


def test_events(world):
    """No answer that ends: it is looked at as it begins."""
    world.begin()
    make_mistakes(world, "events", ROWS["events"], world.state)
    stream = Listener(world.program, "commit")
    assert {stream.response.status} == statuses(DESCRIBED["events"][2])
    assert stream.response.headers["Content-Type"].split(";")[0] == "text/event-stream"
    stream.close()


def test_setup(tmp_path):
    """Nobody is there who could look before the first administrator is: the code must still work."""
    world = World(tmp_path)
    world.api.start(has_administrator=False)
    world.nobody = world.api.nobody()
    make_mistakes(world, "setup", SETUP, world.api.setup_code)
    get_it_right(world, "setup", SETUP)
    assert world.api.stop() == 0
