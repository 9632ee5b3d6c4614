"""The administration on [::1], beside one on 127.0.0.1."""
import http.client
import ssl

import pytest

from client import BASE, PASSWORD, Api
from harness import free_port, why_no_ipv6
from harness.gateway import Config

pytestmark = pytest.mark.skipif(bool(why_no_ipv6()), reason=why_no_ipv6())

NETWORKS = [("HOST", ["2001:db8::25"]), ("NET", ["2001:db8::/32", "fe80::/10"]), ("FOUR", ["192.0.2.0/24"]),
            ("SIX", ["::/0"])]


class Both:
    """A gateway with HTTPS on the same port of either address, and a redirect on ::1."""

    def __init__(self, make_api):
        self.config = config = Config()
        self.http = free_port()
        config.data["interfaces"].append({
            "name": "Six", "address": "::1", "hostname": "six.example.test", "https": True,
            "https_certificate": "demonstration", "http_redirect": True, "http_port": self.http})
        groups = [{"listener": "InboundMail", "name": name, "senders": [{"sender": each} for each in senders],
                   "policy": "ACCEPTED"} for name, senders in NETWORKS]
        config.data["sender-groups"][0]["name"] = "ALL"
        config.data["sender-groups"] = groups + config.data["sender-groups"]
        self.port = config.data["interfaces"][1]["https_port"] = free_port()
        self.api = make_api(config)

    def four(self):
        return self.api.nobody()

    def six(self):
        return Api(self.port, host="::1")


@pytest.fixture
def both(make_api):
    return Both(make_api)


def test_login(both):
    one = both.six().login("kim")
    assert one.get("/session").json["user"] == "kim"
    assert one.put("/config/destination-controls/six.test", {"tls": "none"}, draft="me").status == 200
    assert one.delete("/drafts/me").status == 204
    current = [each for each in one.get("/me/sessions").json["items"] if each["current"]]
    assert [each["address"] for each in current] == ["::1"]
    rows = one.get("/audit").json["items"]
    login = [row for row in rows if row["action"] == "session_create"][0]
    assert (login["address"], login["principal"], login["outcome"]) == ("::1", "kim", "done")
    by_four = both.four().login("kim")
    rows = by_four.get("/audit", limit=1).json["items"]
    assert (rows[0]["action"], rows[0]["address"]) == ("session_create", "127.0.0.1")


def test_certificate_and_stream(both):
    """TLS without a server name (RFC 6066 3: none for an address), and an event by it."""
    one = both.six().login("kim")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection("::1", both.port, timeout=30, context=context)
    connection.request("GET", BASE + "/events?topics=draft", headers={"Cookie": "__Host-postern=" + one.cookie})
    stream = connection.getresponse()
    assert stream.status == 200
    assert one.put("/config/destination-controls/six.test", {"tls": "none"}, draft="me").status == 200
    for line in stream:
        if line.startswith(b"event: draft"):
            break
    else:
        raise AssertionError("the stream ended")
    connection.close()


@pytest.mark.parametrize("host, name", [("[::1]", "[::1]"), ("[::1]:80", "[::1]"),
                                        ("[0:0::1]:8080", "[0:0::1]"), ("six.example.test:80", "six.example.test")])
def test_redirect(both, host, name):
    connection = http.client.HTTPConnection("::1", both.http, timeout=30)
    connection.request("GET", "/ui/x?y=1", headers={"Host": host})
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("Location")) == (308, "https://%s:%d/ui/x?y=1" % (name, both.port))
    connection.close()


def test_redirect_that_is_followed(both):
    """The Host that a client makes by itself, and where it is then sent to."""
    connection = http.client.HTTPConnection("::1", both.http, timeout=30)
    connection.request("GET", BASE + "/version")
    there = connection.getresponse().getheader("Location")
    assert there == "https://[::1]:%d%s/version" % (both.port, BASE)
    assert both.six().get("/version").status == 200
    connection.close()


@pytest.mark.parametrize("host", ["[::1", "::1", "[::1]x", "[::1]:", "[::g]", "[]", "[::1]:80:80"])
def test_host_that_is_none(both, host):
    connection = http.client.HTTPConnection("::1", both.http, timeout=30)
    connection.request("GET", "/", headers={"Host": host})
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("Location")) == (400, None), host
    connection.close()


def test_throttle_is_by_address(both):
    """Guessing at ever other names from ::1 makes ::1 wait, not 127.0.0.1."""
    statuses = [both.six().post("/session", {"user": "guess%d" % n, "password": "wrong"}).status for n in range(14)]
    assert statuses[0] == 401 and statuses[-1] == 429
    waiting = both.six().post("/session", {"user": "kim", "password": PASSWORD})
    assert (waiting.status, waiting.code) == (429, "auth.wait") and int(waiting.headers["Retry-After"]) >= 1
    assert both.four().login("kim").get("/session").status == 200
    row = [each for each in both.api.administrator.get("/audit").json["items"] if each["target"] == "guess0"][0]
    assert (row["address"], row["outcome"]) == ("::1", "refused")


@pytest.mark.parametrize("address, group, pattern", [
    ("2001:db8::25", "HOST", "2001:db8::25"), ("2001:0DB8:0:0::0025", "HOST", "2001:db8::25"),
    ("2001:db8:ffff::1", "NET", "2001:db8::/32"), ("febf::1", "NET", "fe80::/10"), ("2001:db9::", "SIX", "::/0"),
    ("::", "SIX", "::/0"), ("192.0.2.7", "FOUR", "192.0.2.0/24"), ("::ffff:192.0.2.7", "FOUR", "192.0.2.0/24"),
    ("198.51.100.1", "ALL", "ALL"), ("::ffff:198.51.100.1", "ALL", "ALL")])
def test_hat(shared_both, address, group, pattern):
    found = shared_both.api.administrator.post("/tests/hat", {"listener": "InboundMail", "ip": address}).json
    assert (found["group"], found["pattern"]) == (group, pattern)


@pytest.mark.parametrize("address", ["2001:db8::g", "[::1]", "::1%lo", "::1/128", "1::2::3", "", "IPv6:::1"])
def test_hat_refuses(shared_both, address):
    answer = shared_both.api.administrator.post("/tests/hat", {"listener": "InboundMail", "ip": address})
    assert answer.status == 422, answer


@pytest.fixture(scope="module")
def shared_both(tmp_path_factory):
    from gateway import Administered
    made = []

    def make(config):
        made.append(Administered(tmp_path_factory.mktemp("both"), config))
        return made[-1].start()

    yield Both(make)
    assert made[0].stop() == 0, made[0].gateway.describe()
