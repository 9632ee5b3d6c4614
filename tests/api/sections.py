"""Each section of the configuration as the table of operations needs it: an object that is there, a new
one, a change, and a mistake in one member."""
from harness.certificates import certificate


class Wrong:
    def __init__(self, pointer, code, body, unknown):
        self.pointer, self.code, self.body, self.unknown = pointer, code, body, unknown


class Section:
    """KEY: of the new object; None: a section that is one object. THERE: what runs has it."""

    def __init__(self, name, body, patch, wrong, key=None, there=None, listener=None, is_ordered=False):
        self.name, self.body, self.patch = name, body, patch
        self.key, self.there, self.is_ordered = key, there, is_ordered
        self.place = {"listener": listener} if listener else {}
        self.names = "certificates" if name == "certificates" else "config"
        self.path_value = "name" if name == "certificates" else "key"
        pointer, code, member = wrong
        self.wrong = Wrong(pointer, code, self.with_member(member), self.with_member({"zz": 1}))

    def with_member(self, member):
        if callable(self.body):
            return lambda world: dict(self.body(world), **member)
        return dict(self.body, **member)

    def bare(self):
        """The same, for what takes no object."""
        other = Section.__new__(Section)
        other.__dict__.update(self.__dict__, wrong=None)
        return other


def authorities(_world):
    with open(certificate()[0], encoding="ascii") as pem:
        return {"type": "custom", "pem": pem.read()}


def demonstration(world):
    return {"keys": world.program.get("/certificates/demonstration").json["keys"]}


SECTIONS = [
    Section("system", {"hostname": "other.example.test"}, {"timezone": "Asia/Seoul"},
            ("/hostname", "value.pattern", {"hostname": "a b"})),
    Section("dns", {"forwarders": ["192.0.2.53"]}, {"unblock_lan_zones": True},
            ("/forwarders/0", "value.pattern", {"forwarders": ["x"]})),
    Section("delivery", {"smtp_port": 2525}, {"max_connections": 5},
            ("/smtp_port", "value.range", {"smtp_port": 0})),
    Section("logs", {"keep_files": 5}, {"keep_files": None}, ("/keep_files", "value.type", {"keep_files": "5"})),
    Section("interfaces", {"address": "127.0.0.1", "hostname": "second.example.test"},
            {"hostname": "third.example.test"}, ("/address", "value.pattern", {"address": "localhost"}),
            key="Second", there="Loopback"),
    Section("listeners", {"type": "private", "interface": "Loopback", "port": 2525}, {"max_connections": 5},
            ("/type", "value.enum", {"type": "open"}), key="Second", there="InboundMail"),
    Section("sender-groups", {"policy": "ACCEPTED", "senders": [{"sender": "192.0.2.1"}]}, {"comment": "mine"},
            ("/senders/0/sender", "value.pattern", {"senders": [{"sender": "192.0.2.1/33"}]}),
            key="NEW", there="UNKNOWN", listener="InboundMail", is_ordered=True),
    Section("mail-flow-policies", {"action": "accept"}, {"tls": "required"},
            ("/tls", "value.enum", {"tls": "always"}), key="NEW", there="ACCEPTED"),
    Section("rat", {"action": "accept"}, {"action": "reject"}, ("/reply_code", "value.range", {"reply_code": 250}),
            key="new.example", there="example.test", listener="InboundMail", is_ordered=True),
    Section("destination-controls", {"tls": "required"}, {"max_connections": 5},
            ("/max_connections", "value.range", {"max_connections": -1}), key="new.example", there="Default"),
    Section("smtp-routes", {"targets": [{"host": "mx.example.test"}]}, {"targets": [{"host": "[192.0.2.1]"}]},
            ("/targets", "value.length", {"targets": []}), key="new.example", there="ALL"),
    Section("bounce-profiles", {"max_retries": 5}, {"send_bounces": False},
            ("/send_bounces", "value.type", {"send_bounces": "no"}), key="New", there="Default"),
    Section("trust-lists", authorities, {"type": "system", "pem": None},
            ("/type", "value.enum", {"type": "mine"}), key="New", there="Ours"),
    Section("certificates", demonstration, demonstration,
            ("/keys", "value.length", {"keys": []}), key="new", there="demonstration"),
]
