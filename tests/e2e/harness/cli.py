"""The command line, and the API below it, on a gateway's local socket."""
import http.client
import json
import os
import socket
import subprocess

from . import PATIENCE, binary

DONE, REFUSED, USAGE = 0, 1, 2


class Cli:
    """cli("config", "get", …) -> CompletedProcess; the gateway's directory is in the environment."""

    def __init__(self, state):
        self.state = str(state)
        self.environment = dict(os.environ, POSTERN_STATE_DIR=self.state)

    def __call__(self, *arguments, stdin=None):
        source = {"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}
        return subprocess.run([binary(), *map(str, arguments)], capture_output=True, text=True,
                              timeout=60 * PATIENCE, check=False, env=self.environment, **source)

    def ok(self, *arguments, **options):
        """Standard output of a command that must succeed and say nothing on standard error."""
        done = self(*arguments, **options)
        assert done.returncode == DONE and done.stderr == "", done
        return done.stdout

    def fails(self, code, *arguments, **options):
        """Standard error of a command that must end with CODE and print nothing."""
        done = self(*arguments, **options)
        assert done.returncode == code and done.stdout == "" and done.stderr, done
        return done.stderr

    def json(self, *arguments):
        text = self.ok(*arguments, "--json")
        return json.loads(text) if text else None

    def api(self, method, path, body=None):
        """The same socket without the command line: (status, answer)."""
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(os.path.join(self.state, "run", "postern.sock"))
        text = None if body is None else json.dumps(body)
        connection.request(method, "/api/v1" + path, text,
                           {} if text is None else {"Content-Type": "application/json"})
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        return answer.status, json.loads(data) if data else None
