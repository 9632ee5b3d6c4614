"""Mail over ::1: taken, matched, handed on, and told of in both logs as IPv6."""
import socket

import pytest

from harness import free_port, why_no_ipv6
from harness.client import Client, send_message
from harness.gateway import Config

pytestmark = pytest.mark.skipif(bool(why_no_ipv6()), reason=why_no_ipv6())


def config_for(address="::1", next_hop=None):
    """Everything on ADDRESS, delivered to NEXT_HOP on ::1."""
    config = Config()
    config.data["interfaces"][0]["address"] = address
    config.route("ALL", next_hop or config.blackhole, "::1")
    return config


def groups(config, *rows):
    """(name, sender, policy) of the inbound listener, before the one for all."""
    config.data["sender-groups"] = [
        {"listener": "InboundMail", "name": name, "senders": [{"sender": sender}], "policy": policy}
        for name, sender, policy in rows] + config.data["sender-groups"]
    return config


@pytest.mark.parametrize("starttls", [False, True])
def test_through(make_gateway, make_sink, starttls):
    sink = make_sink(host="::1")
    gateway = make_gateway(config_for(next_hop=sink.port))
    reply = send_message(gateway.public, host="::1", starttls=starttls)
    assert reply.lines == ["250 2.0.0 ok: Message 1 accepted"]
    message = sink.wait()
    first = message.head.split(b"\r\n\tby")[0].replace(b"\r\n\t", b" ")
    assert first.startswith(b"Received: from client.example (") and first.endswith(b" [IPv6:::1])"), message.head
    assert b"by gateway.example.test with %s id 1" % (b"ESMTPS" if starttls else b"ESMTP") in message.head
    gateway.mail_logs.wait_text("Message finished MID 1 done")
    gateway.mail_logs.in_order(
        r"New SMTP ICID 1 interface Loopback \(::1\) address ::1 reverse dns host \S+ verified (yes|no)",
        r"ICID 1 ACCEPT SG UNKNOWN match ALL SBRS None",
        r"ICID 1 TLS success protocol \S+ cipher \S+" if starttls else r"Start MID 1 ICID 1",
        r"MID 1 queued for delivery")
    gateway.mail_logs.in_order(
        r"New SMTP DCID 1 interface ::1 address ::1 port %d" % sink.port,
        r"DCID 1 TLS success protocol \S+ cipher \S+ for example\.test",
        r"Message finished MID 1 done")
    event = gateway.mail_json.wait("icid_open", icid=1)
    assert (event["ip"], event["address"]) == ("::1", "::1")


@pytest.mark.parametrize("sender", ["::1", "::1/128", "0:0:0:0:0:0:0:1", "::/64", "::/0"])
def test_network(make_gateway, sender):
    """What is near, but another network or IPv4, comes first and does not match."""
    config = groups(config_for(), ("OTHER", "2001:db8::/32", "BLOCKED"), ("NEAR", "::2/127", "BLOCKED"),
                    ("FOUR", "0.0.0.0/0", "BLOCKED"), ("SIX", sender, "ACCEPTED"))
    config.data["sender-groups"][4]["policy"] = "BLOCKED"
    gateway = make_gateway(config)
    assert send_message(gateway.public, host="::1").code == 250
    gateway.mail_logs.wait(r"ICID 1 ACCEPT SG SIX match %s SBRS None" % sender)


def test_blocked_network(make_gateway):
    gateway = make_gateway(groups(config_for(), ("SIX", "::/64", "BLOCKED")))
    with Client(gateway.public, "::1", greet=False) as client:
        assert client.read().code == 554
    gateway.mail_logs.wait(r"ICID 1 REJECT SG SIX match ::/64 SBRS None")


def test_relay(make_gateway, make_sink):
    """The private listener relays for the networks of its list only."""
    sink = make_sink(host="::1")
    config = config_for(next_hop=sink.port)
    gateway = make_gateway(config)
    with Client(gateway.private, "::1", greet=False) as client:
        assert client.read().code == 554  # 127.0.0.0/8 is not ::1
    gateway.stop()
    config.data["sender-groups"][1]["senders"].append({"sender": "::1"})
    gateway = make_gateway(config)
    assert send_message(gateway.private, host="::1", recipient="x@anywhere.example").code == 250
    assert sink.wait().recipients


def test_both_families_on_one_port(make_gateway):
    """An interface for :: and one for 0.0.0.0: each takes its own, an IPv4 client is an IPv4 address."""
    config = groups(config_for("0.0.0.0"), ("FOUR", "127.0.0.1", "ACCEPTED"), ("SIX", "::1", "ACCEPTED"))
    config.data["interfaces"].append(dict(config.data["interfaces"][0], name="Six", address="::"))
    config.data["listeners"].append(dict(config.data["listeners"][0], name="InboundSix", interface="Six"))
    config.data["sender-groups"] += [
        {"listener": "InboundSix", "name": name, "senders": [{"sender": sender}], "policy": "ACCEPTED"}
        for name, sender in (("FOUR", "127.0.0.1"), ("SIX", "::1"), ("ALL", "ALL"))]
    config.data["rat"] += [dict(each, listener="InboundSix") for each in config.data["rat"]]
    gateway = make_gateway(config)
    for number, (host, interface, group) in enumerate((("127.0.0.1", "Loopback", "FOUR"), ("::1", "Six", "SIX")), 1):
        with Client(gateway.public, host, helo="client.example") as client:
            assert client.command("QUIT").code == 221
        gateway.mail_logs.wait(r"New SMTP ICID %d interface %s \(%s\) address %s .*" % (number, interface, host, host))
        gateway.mail_logs.wait(r"ICID %d ACCEPT SG %s match %s SBRS None" % (number, group, host))


def test_every_ipv6_address_is_no_ipv4_address(make_gateway):
    gateway = make_gateway(config_for("::"))
    with Client(gateway.public, "::1", helo="client.example") as client:
        assert client.command("QUIT").code == 221
    with pytest.raises(ConnectionRefusedError):
        Client(gateway.public, "127.0.0.1")


def test_next_hop_of_each_family(make_gateway, make_sink):
    """Listening on every address, delivering to both."""
    four, six = make_sink(), make_sink(host="::1")
    config = config_for("0.0.0.0", six.port).route("four.test", four.port).accept("four.test").accept("six.test")
    gateway = make_gateway(config)
    assert send_message(gateway.public, recipient=["a@four.test", "b@six.test"]).code == 250
    assert four.wait().recipients and six.wait().recipients
    gateway.mail_logs.wait(r"New SMTP DCID \d+ interface \S+ address ::1 port %d" % six.port)
    gateway.mail_logs.wait(r"New SMTP DCID \d+ interface \S+ address 127\.0\.0\.1 port %d" % four.port)


def test_address_that_is_in_use(make_gateway):
    """The start says which one, as with IPv4."""
    config = config_for()
    with socket.create_server(("::1", config.public), family=socket.AF_INET6):
        gateway = make_gateway(config, start=False).start(is_ready=False)
        gateway.is_meant_to_end = True
        assert gateway.wait_exit() != 0
    assert "::1 port %d is in use" % config.public in gateway.read_stderr()


def test_nothing_is_there(make_gateway):
    port = free_port()
    gateway = make_gateway(config_for(next_hop=port).bounce(initial_retry_s=3600, max_retry_s=3600))
    assert send_message(gateway.public, host="::1").code == 250
    gateway.mail_logs.wait(r"Connection Error: DCID \d+ domain: example\.test IP: ::1 port: %d .*" % port)
