"""A gateway with its administration for the tests of the API: the end-to-end harness, an HTTPS port, an
administrator."""
import contextlib
import os
import sqlite3
import time

from client import PASSWORD, Api
from harness import free_port
from harness.gateway import Config, Gateway

ADMINISTRATOR = "kim"
PROVED_S = 120  # a password counts as just entered for 300 s


class Administered:
    """A running gateway, and who may call its API."""

    def __init__(self, directory, config=None):
        config = config or Config()
        self.https = free_port()
        config.data["interfaces"][0].update(https=True, https_port=self.https,
                                            https_certificate="demonstration")
        self.gateway = Gateway(directory, config)
        self.session, self.proved = None, 0.0

    @property
    def administrator(self):
        """The session that made this gateway its own; what needs the password just entered works."""
        if self.session and time.monotonic() - self.proved > PROVED_S:
            self.prove()
        return self.session

    def prove(self):
        answer = self.session.post("/session/reauth", {"password": PASSWORD})
        assert answer.status == 200, answer
        self.proved = time.monotonic()

    def start(self, has_administrator=True):
        self.gateway.start()
        if has_administrator and self.session is None:
            self.set_up()
        return self

    def setup_code(self):
        with open(os.path.join(self.gateway.state, "setup-code"), encoding="ascii") as code:
            return code.read().strip()

    def set_up(self):
        answer = self.nobody().post("/setup", {"code": self.setup_code(), "user": ADMINISTRATOR,
                                               "password": PASSWORD})
        assert answer.status == 201, answer
        self.session = self.nobody().login(ADMINISTRATOR)
        self.proved = time.monotonic()

    def nobody(self):
        return Api(self.https)

    def user(self, name, role):
        """A session of a new user."""
        answer = self.administrator.post("/users", {"name": name, "role": role, "password": PASSWORD})
        assert answer.status == 201, answer
        return self.nobody().login(name)

    def token(self, *scopes, name=None, api=None):
        """A program with a new token of the administrator's (or API's) with these scopes."""
        answer = (api or self.administrator).post("/me/tokens", {
            "name": name or "t%d" % len((api or self.administrator).get("/me/tokens").json["items"]),
            "scopes": list(scopes)})
        assert answer.status == 201, answer
        return Api(self.https, answer.json["token"])

    def database(self, *statements):
        """What somebody does behind the daemon's back."""
        path = os.path.join(self.gateway.state, "postern.db")
        with contextlib.closing(sqlite3.connect(path, timeout=10)) as database, database:
            for statement in statements:
                database.execute(statement)

    def stop(self):
        return self.gateway.stop()
