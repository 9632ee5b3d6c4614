"""A gateway on which the table of operations is run: who calls, and what calls need to be there."""
import itertools

from client import PASSWORD, quote
from gateway import Administered
from harness import free_port, wait_until
from harness.client import send_message
from harness.gateway import Config
from sections import authorities

SCOPES = ("config:read", "config:draft", "config:commit", "certificates:read", "certificates:write",
          "certificates:export", "queue:read", "queue:write", "logs:read", "metrics:read", "users:write")


class World:
    PASSWORD = PASSWORD
    STAGED = {"section": "destination-controls", "key": "staged.example"}
    RESOLVED = {"section": "destination-controls", "key": "Default", "pointer": "/max_connections", "take": "mine"}

    def __init__(self, directory):
        config = Config(rat=("example.test", "queue.test")).bounce(initial_retry_s=3600, max_retry_s=3600)
        config.route("queue.test", free_port())  # nobody listens: mail waits
        self.api = Administered(directory, config)
        self.count = itertools.count(1)
        self.person_made = None

    def start(self):
        self.api.start()
        self.nobody, self.administrator = self.api.nobody(), self.api.administrator
        self.program = self.api.token(*SCOPES, name="program")
        self.begin()
        answer = self.program.put("/config/trust-lists/Ours", authorities(self), commit="now")
        assert answer.status == 200, answer
        return self

    def begin(self):
        """For each operation anew: nobody's person, nothing staged."""
        self.person_made = None
        for draft in self.program.get("/drafts").json["items"]:
            assert self.program.delete("/drafts/" + draft["id"]).status == 204

    @property
    def someone(self):
        """The name of a user who is there for this operation alone."""
        if self.person_made is None:
            name = self.another_user("administrator")
            self.person_made = name, self.api.nobody().login(name)
        return self.person_made[0]

    @property
    def person(self):
        """That one's session."""
        return self.someone and self.person_made[1]

    def state(self):
        """All that a call could change."""
        def names(items, *keys):
            return [[item[key] for key in keys] for item in items]

        drafts = self.program.get("/drafts").json["items"]
        found = {
            "file": self.program.get("/config-file").json,
            "revision": self.program.get("/revisions", limit=1).json["items"],
            "drafts": names(drafts, "id", "items"),
            "staged": [self.program.get("/drafts/%s/diff" % draft["id"]).json for draft in drafts],
            "users": self.program.get("/users").json,
            "tokens": names(self.administrator.get("/me/tokens").json["items"], "id"),
            "queue": names(self.program.get("/queue/messages").json["items"], "mid"),
        }
        return dict(found, **self.state_of_person(names)) if self.person_made else found

    def state_of_person(self, names):
        return {
            "me": self.person.get("/session").json,
            "my tokens": names(self.person.get("/me/tokens").json["items"], "id", "scopes"),
            "my sessions": names(self.person.get("/me/sessions").json["items"], "id"),
        }

    # --- people ---

    def login(self, **changed):
        return dict({"user": self.someone, "password": PASSWORD}, **changed)

    def setup(self, **changed):
        return dict({"code": self.api.setup_code(), "user": "kim", "password": PASSWORD}, **changed)

    def new_user(self, **changed):
        return dict({"name": "new%d" % next(self.count), "role": "operator", "password": PASSWORD}, **changed)

    def another_user(self, role="operator"):
        user = self.new_user(role=role)
        assert self.program.post("/users", user).status == 201
        return user["name"]

    def token(self):
        name = "t%d" % next(self.count)
        self.api.token("config:read", name=name, api=self.person)
        return {"name": name}

    def other_session(self):
        self.api.nobody().login(self.someone)
        [other] = [s["id"] for s in self.person.get("/me/sessions").json["items"] if not s["current"]][:1]
        return {"id": other}

    # --- mail ---

    def message(self):
        """A message that waits for its next try."""
        before = {m["mid"] for m in self.program.get("/queue/messages").json["items"]}
        assert send_message(self.api.gateway.public, recipient="b@queue.test").code == 250

        def put_off():
            is_down = self.program.get("/queue/destinations/queue.test").json["state"] == "down"
            return [m["mid"] for m in self.program.get("/queue/messages").json["items"]
                    if is_down and m["mid"] not in before and not m["active"]]

        return {"mid": str(wait_until(put_off, 20, "a message put off")[0])}

    def destination(self):
        self.message()
        return {"domain": "queue.test"}

    # --- configuration ---

    def file(self):
        return self.program.get("/config-file").json

    def order(self, section):
        return self.program.get("/config-order/" + section.name, **section.place).json

    def named_draft(self):
        answer = self.program.post("/drafts", {"title": "draft %d" % next(self.count)})
        assert answer.status == 201, answer
        return answer.json["id"]

    def write(self, method, path, value, **query):
        answer = self.program.call(method, path, value, **query)
        assert answer.status == 200, answer

    def draft(self):
        """One that can be committed."""
        draft = self.named_draft()
        self.write("PUT", "/config/%s/%s" % (self.STAGED["section"], self.STAGED["key"]),
                   {"max_connections": next(self.count)}, draft=draft)
        return {"id": draft}

    def invalid_draft(self):
        draft = self.named_draft()
        self.write("PUT", "/config/listeners/Nowhere", {"type": "private", "interface": "Nowhere", "port": 2525},
                   draft=draft)
        return {"id": draft}

    def conflicting_draft(self):
        draft = self.named_draft()
        path = "/config/%s/%s" % (self.RESOLVED["section"], self.RESOLVED["key"])
        self.write("PATCH", path, {"max_connections": next(self.count)}, draft=draft)
        self.write("PATCH", path, {"max_connections": next(self.count)}, commit="now")
        return {"id": draft}

    # --- a call ---

    def nothing_there(self, call):
        return {name: "zz" for name in call.part("values", self)}

    def path(self, template, values):
        for name, value in (values or {}).items():
            template = template.replace("{%s}" % name, quote(value))
        assert "{" not in template, template
        return template

    def prepare(self, method, template, call):
        """What CALL needs is there when this returns; the call itself is what it returns."""
        who = getattr(self, call.part("who", self, "program"))
        path = self.path(template, call.part("values", self))
        body, query = call.part("body", self), call.part("query", self, {})
        headers = call.part("headers", self, {})

        def send():
            if isinstance(body, bytes):
                return who.send(method, path, body, dict({"Content-Type": "application/json"}, **headers), **query)
            return who.call(method, path, body, headers, **query)

        return send
