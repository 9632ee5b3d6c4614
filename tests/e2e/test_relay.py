"""No open relay, ever. The forms in which a foreign address has been written to get past a recipient
check: the sixteen classic ones, and more. None may get as far as a 250 to RCPT."""
import os
import subprocess

import pytest

from harness.client import Client, Closed
from harness.gateway import Config

OURS, FOREIGN, IP = "example.test", "victim.example", "127.0.0.1"

# (name, sender, recipient): what stands between the brackets
CLASSIC = [
    ("plain, no sender", "", "relay@" + FOREIGN),
    ("plain, foreign sender", "anti@" + FOREIGN, "relay@" + FOREIGN),
    ("sender at the name of the gateway", "anti@gateway.example.test", "relay@" + FOREIGN),
    ("sender at the address of the gateway", "anti@[%s]" % IP, "relay@" + FOREIGN),
    ("percent, at the address", "anti@[%s]" % IP, "relay%%%s@[%s]" % (FOREIGN, IP)),
    ("percent, at our name", "anti@[%s]" % IP, "relay%%%s@gateway.example.test" % FOREIGN),
    ("quoted address", "anti@[%s]" % IP, '"relay@%s"' % FOREIGN),
    ("quoted percent", "anti@[%s]" % IP, '"relay%%%s"' % FOREIGN),
    ("address at the address", "anti@[%s]" % IP, "relay@%s@[%s]" % (FOREIGN, IP)),
    ("quoted address at our name", "anti@[%s]" % IP, '"relay@%s"@gateway.example.test' % FOREIGN),
    ("address at our name", "anti@[%s]" % IP, "relay@%s@gateway.example.test" % FOREIGN),
    ("source route by the address", "anti@[%s]" % IP, "@[%s]:relay@%s" % (IP, FOREIGN)),
    ("source route by our name", "anti@[%s]" % IP, "@gateway.example.test:relay@" + FOREIGN),
    ("bang path", "anti@[%s]" % IP, FOREIGN + "!relay"),
    ("bang path at the address", "anti@[%s]" % IP, "%s!relay@[%s]" % (FOREIGN, IP)),
    ("bang path at our name", "anti@[%s]" % IP, FOREIGN + "!relay@gateway.example.test"),
]
MORE = [
    ("source route over the accepted domain", "a@b.example", "@%s:relay@%s" % (OURS, FOREIGN)),
    ("two hops of source route", "a@b.example", "@%s,@x.example:relay@%s" % (OURS, FOREIGN)),
    ("sub-domain of the accepted one", "a@b.example", "relay@sub." + OURS),
    ("accepted name as a sub-domain", "a@b.example", "relay@%s.%s" % (OURS, FOREIGN)),
    ("accepted name as an ending", "a@b.example", "relay@not" + OURS),
    ("accepted name and a NUL", "a@b.example", "relay@%s\0%s" % (FOREIGN, OURS)),
    ("accepted name and a blank", "a@b.example", "relay@%s %s" % (FOREIGN, OURS)),
    ("two addresses", "a@b.example", "relay@%s,me@%s" % (FOREIGN, OURS)),
    ("two brackets", "a@b.example", "relay@%s><me@%s" % (FOREIGN, OURS)),
    ("at twice, ours last", "a@b.example", "relay@%s@%s" % (FOREIGN, OURS)),
    ("dot before ours", "a@b.example", "relay@.%s" % OURS),
    ("two dots", "a@b.example", "relay@example..test"),
    ("an address, not a domain", "a@b.example", "relay@" + IP),
    ("address literal", "a@b.example", "relay@[%s]" % IP),
    ("IPv6 literal", "a@b.example", "relay@[IPv6:::1]"),
    ("IPv6-mapped literal", "a@b.example", "relay@[IPv6:::ffff:127.0.0.1]"),
    ("malformed IPv6 literal", "a@b.example", "relay@[IPv6:::1::2]"),
    ("no domain", "a@b.example", "relay"),
    ("nothing", "a@b.example", ""),
    ("sender is ours", "a@" + OURS, "relay@" + FOREIGN),
    ("shell", "a@b.example", ";id;@" + FOREIGN),
    ("expansion", "a@b.example", "${run{id}}@" + FOREIGN),
]
# In these our own domain stands where it counts; percent and bang mean nothing: taken, as they are.
LITERAL = ["relay%%%s@%s" % (FOREIGN, OURS), "%s!relay@%s" % (FOREIGN, OURS),
           '"relay@%s"@%s' % (FOREIGN, OURS), "relay@EXAMPLE.Test"]


def try_form(port, sender, recipient, host="127.0.0.1"):
    """The reply to RCPT, or that which ended the session before."""
    with Client(port, host, greet=False) as client:
        try:
            reply = client.read()
            if reply.code != 220:
                return reply
            client.ehlo()
            reply = client.command("MAIL FROM:<%s>" % sender)
            if reply.code != 250:
                return reply
            reply = client.command("RCPT TO:<%s>" % recipient)
            data = client.command("DATA")
            assert reply.code == 250 or data.code in (503, 554), data
            return reply
        except Closed:
            return None


@pytest.mark.parametrize("name, sender, recipient", CLASSIC + MORE, ids=lambda v: v[:40])
def test_public_refuses(shared, name, sender, recipient):
    reply = try_form(shared.public, sender, recipient)
    assert reply is None or 400 <= reply.code < 600, (name, reply)


@pytest.mark.parametrize("recipient", LITERAL)
def test_percent_and_bang_are_literal(make_gateway, sink, recipient):
    gateway = make_gateway(Config(next_hop=("127.0.0.1", sink.port)))
    with Client(gateway.public, helo="client.example") as client:
        assert client.message("a@b.example", recipient, b"Subject: x\r\n\r\nx").code == 250
    got = sink.wait().recipients[0]
    assert got.rsplit("@", 1)[0] == recipient.rsplit("@", 1)[0]
    assert got.rsplit("@", 1)[1].lower() == OURS


def test_the_refusal_is_logged(shared):
    reply = try_form(shared.public, "a@b.example", "relay@" + FOREIGN)
    assert reply.code == 550 and reply.text.startswith("5."), reply
    shared.mail_logs.wait(r"MID \d+ ICID \d+ To: <relay@victim\.example> Rejected by RAT")


def test_loopback_relays_on_the_private_listener(shared):
    assert try_form(shared.private, "a@b.example", "relay@" + FOREIGN).code == 250


@pytest.fixture(scope="module")
def namespaces():
    """Two joined network namespaces: (the gateway's, its address, the client's, its address)."""
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    tag = os.getpid() % 100000
    names, links = ("pst%da" % tag, "pst%db" % tag), ("pva%d" % tag, "pvb%d" % tag)
    addresses = ("192.0.2.1", "192.0.2.2")

    def ip(*arguments):
        done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip("no network namespace: " + done.stderr.strip())

    try:
        ip("netns", "add", names[0])
        ip("netns", "add", names[1])
        ip("-n", names[0], "link", "add", links[0], "type", "veth", "peer", "name", links[1], "netns",
           names[1])
        for name, link, address in zip(names, links, addresses):
            ip("-n", name, "addr", "add", address + "/30", "dev", link)
            ip("-n", name, "link", "set", link, "up")
            ip("-n", name, "link", "set", "lo", "up")
        yield names[0], addresses[0], names[1], addresses[1]
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


def test_private_refuses_what_is_not_loopback(make_gateway, namespaces):
    """Each form from another address, on both listeners."""
    name, here, client, there = namespaces
    config = Config()
    config.data["interfaces"].append({"name": "Outside", "address": here,
                                      "hostname": "gateway.example.test"})
    for listener in config.data["listeners"][:2]:
        listener["interface"] = "Outside"
    gateway = make_gateway(config, prefix=["ip", "netns", "exec", name])
    program = ("import sys, test_relay as t\n"
               "bad = 0\n"
               "for name, sender, recipient in t.CLASSIC + t.MORE + [('plain', 'a@b', 'c@d.example')]:\n"
               "    r = t.try_form(int(sys.argv[1]), sender, recipient, sys.argv[2])\n"
               "    if r is not None and r.code < 400:\n"
               "        print(name, r)\n"
               "        bad += 1\n"
               "sys.exit(min(bad, 100))\n")
    for port in (gateway.private, gateway.public):
        done = subprocess.run(["ip", "netns", "exec", client, "/usr/bin/python3", "-c", program,
                               str(port), here], cwd=os.path.dirname(os.path.abspath(__file__)),
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    gateway.mail_json.wait("icid_sender_group", action="REJECT", group="ALL")
    assert gateway.mail_json.events("icid_open", address=there)
    assert not gateway.mail_json.events("mid_queued")
