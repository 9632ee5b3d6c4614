"""The process: its command line, exit codes, start and stop, and what it does when the machine gives it
less than it asks for. Each refusal is one clear line on standard error."""
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import time

import pytest

from harness import binary, free_port, wait_until
from harness.client import Client, Closed, send_message
from harness.gateway import Config, Gateway

CLEAN, USAGE, CONFIG, STATE, PORT, KEY = 0, 2, 3, 4, 5, 6


def run(*arguments, **options):
    return subprocess.run([binary(), *map(str, arguments)], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=60, check=False, **options)


def refused(gateway, code, *words):
    """Starts, must end by itself with CODE and say WORDS; standard error is returned."""
    gateway.is_meant_to_end = True
    gateway.start(is_ready=False)
    assert gateway.wait_exit() == code, gateway.read_stderr()
    text = gateway.read_stderr()
    for word in words:
        assert word in text, text
    return text


@pytest.mark.parametrize("arguments", [
    [], ["nonsense"], ["serve"], ["serve", "--state-dir"], ["serve", "--nonsense"],
    ["serve", "--state-dir", "x", "--demo", "--setup", "y"], ["serve", "--state-dir", "x", "--loops", "0"],
    ["serve", "--state-dir", "x", "--loops", "many"], ["serve", "--state-dir", "x", "--segment-size", "1"],
    ["check"], ["check", "a", "b"], ["version", "x"]], ids=lambda v: " ".join(v) or "nothing")
def test_wrong_command_line(arguments, tmp_path):
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == USAGE, done
    assert done.stderr and not done.stdout
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("arguments", [["help"], ["--help"], ["version"], ["--version"]], ids=str)
def test_help_and_version(arguments):
    done = run(*arguments)
    assert done.returncode == CLEAN and done.stdout and not done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ends_cleanly(make_gateway, number):
    gateway = make_gateway()
    send_message(gateway.public)
    gateway.wait_idle()
    os.kill(gateway.pid, number)
    assert gateway.wait_exit() == CLEAN
    assert gateway.read_stderr() == ""


def test_term_lets_a_message_end(make_gateway):
    gateway = make_gateway()
    with Client(gateway.public, helo="client.example") as client:
        client.envelope()
        assert client.command("DATA").code == 354
        client.send(b"Subject: last\r\n\r\n")
        os.kill(gateway.pid, signal.SIGTERM)
        time.sleep(0.5)
        with pytest.raises((OSError, Closed)):
            Client(gateway.public).command("NOOP")
        client.send(b"body\r\n.\r\n")
        assert client.read().code == 250
    assert gateway.wait_exit(45) == CLEAN


def test_second_term_ends_at_once(make_gateway):
    gateway = make_gateway()
    with Client(gateway.public, helo="client.example") as client:
        client.envelope()
        client.command("DATA")
        os.kill(gateway.pid, signal.SIGTERM)
        time.sleep(0.5)
        assert gateway.is_alive()
        began = time.monotonic()
        os.kill(gateway.pid, signal.SIGTERM)
        assert gateway.wait_exit(15) == CLEAN
        assert time.monotonic() - began < 10


def test_hup_reopens_the_logs(gateway):
    send_message(gateway.public)
    gateway.wait_idle()
    log = gateway.mail_logs.path
    os.rename(log, log + ".1")
    os.kill(gateway.pid, signal.SIGHUP)
    wait_until(lambda: os.path.exists(log), 5, "a new mail_logs")
    send_message(gateway.public)
    gateway.mail_logs.wait(r"Start MID 2 ICID \d+")
    with open(log + ".1", encoding="utf-8") as old:
        assert "Start MID 1" in old.read()


def test_configuration_refused(make_gateway):
    config = Config()
    config.data["listeners"][0]["interface"] = "Nowhere"
    config.data["mail-flow-policies"][0]["colour"] = "blue"
    text = refused(make_gateway(config, start=False), CONFIG, "/mail-flow-policies/0/colour")
    assert text.count("\n") >= 2


def test_setup_file_missing(make_gateway):
    gateway = make_gateway(start=False)
    os.unlink(gateway.setup)
    refused(gateway, CONFIG, "setup.json")


def test_nothing_is_kept_of_a_refused_start(make_gateway, tmp_path):
    config = Config()
    config.data["listeners"][0]["interface"] = "Nowhere"
    bad = make_gateway(config, start=False)
    refused(bad, CONFIG)
    good = make_gateway(Config(), start=False, directory=tmp_path / "again")
    shutil.copytree(bad.state, good.state)
    good.start()
    with open(good.stdout, encoding="utf-8") as out:
        assert "revision 1," in out.read()


def test_state_directory_is_a_file(make_gateway):
    gateway = make_gateway(start=False)
    with open(gateway.state, "w", encoding="ascii"):
        pass
    refused(gateway, STATE, "state")


@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="needs setpriv as root")
def test_unreadable_state_directory(make_gateway):
    prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    gateway = make_gateway(start=False, prefix=prefix)
    os.mkdir(gateway.state, 0o700)
    if os.geteuid() != 0:
        os.chmod(gateway.state, 0)
    else:
        path = gateway.directory
        while path not in ("/", "/tmp"):
            os.chmod(path, 0o755)
            path = os.path.dirname(path)
    refused(gateway, STATE, "state")
    os.chmod(gateway.state, 0o700)


def test_second_process_on_the_directory(make_gateway, tmp_path):
    first = make_gateway()
    second = Gateway(first.directory, first.config)
    second.stderr = str(tmp_path / "second-stderr")
    assert refused(second, STATE, "another process").count("\n") == 1
    send_message(first.public)
    first.wait_idle()


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_port_in_use(make_gateway, address):
    config = Config()
    with socket.create_server((address, config.public)):
        refused(make_gateway(config, start=False), PORT, str(config.public))


def test_address_not_here(make_gateway):
    config = Config()
    config.data["interfaces"][0]["address"] = "192.0.2.77"
    refused(make_gateway(config, start=False), PORT, "192.0.2.77")


def test_missing_key(make_gateway):
    gateway = make_gateway()
    gateway.stop()
    keys = os.path.join(gateway.state, "keys")
    assert os.stat(keys).st_mode & 0o077 == 0
    for name in os.listdir(keys):
        assert os.stat(os.path.join(keys, name)).st_mode & 0o777 == 0o600
        os.unlink(os.path.join(keys, name))
    refused(gateway, KEY, "key")


def test_damaged_database(make_gateway):
    gateway = make_gateway()
    gateway.stop()
    for name in os.listdir(gateway.state):
        if name.startswith("postern.db-"):
            os.unlink(os.path.join(gateway.state, name))
    with open(os.path.join(gateway.state, "postern.db"), "r+b") as database:
        database.write(b"no database at all" * 100)
    refused(gateway, KEY, "postern.db")


def test_database_of_a_later_version(make_gateway):
    gateway = make_gateway()
    gateway.stop()
    database = sqlite3.connect(os.path.join(gateway.state, "postern.db"))
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        pytest.skip("the schema's number is not kept in user_version")
    database.execute("PRAGMA user_version = %d" % (version + 1000))
    database.commit()
    database.close()
    refused(gateway, KEY, "postern.db")


def test_queue_survives_a_restart(make_gateway, make_sink):
    """Accepted, not delivered, restarted with a next hop that works."""
    port = free_port()
    gateway = make_gateway(Config(next_hop=("127.0.0.1", port)).bounce(initial_retry_s=1, max_retry_s=1))
    for number in range(20):
        assert send_message(gateway.public, b"Subject: %d\r\n\r\nx" % number).code == 250
    assert gateway.stop() == CLEAN
    sink = make_sink(port=port)
    gateway.start()
    with open(gateway.stdout, encoding="utf-8") as out:
        assert "20 messages in the queue" in out.read()
    sink.wait(20, 30)
    assert sorted(int(m.head.split(b"Subject: ")[1].split(b"\r\n")[0]) for m in sink.messages) == \
        list(range(20))
    gateway.wait_idle(20)
    assert gateway.stop() == CLEAN
    # Nothing live is left: what was delivered is not delivered again.
    gateway.start()
    time.sleep(2)
    assert len(sink.messages) == 20


def test_dead_segments_are_removed(make_gateway, sink):
    gateway = make_gateway(Config(next_hop=("127.0.0.1", sink.port)), "--segment-size", "65536")
    body = b"Subject: x\r\n\r\n" + b"x" * 70 + b"\r\n" + b"y" * 900 + b"\r\n"
    for _ in range(300):
        send_message(gateway.public, body * 1, starttls=False)
    gateway.wait_idle(300, 60)
    send_message(gateway.public, body, starttls=False)
    wait_until(lambda: len([f for f in gateway.spool_files() if f.endswith(".seg")]) <= 3, 15,
               "segments without anything live removed: %r" % gateway.spool_files())


@pytest.mark.skipif(os.geteuid() != 0, reason="a file system of its own needs root")
def test_full_disk(make_gateway, make_sink, tmp_path):
    """452, never a false 250; what is queued is delivered; new mail is taken once there is room."""
    directory = tmp_path / "full"
    directory.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(directory)],
                             capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("no tmpfs: " + mounted.stderr.strip())
    try:
        port = free_port()
        gateway = make_gateway(Config(next_hop=("127.0.0.1", port)).bounce(initial_retry_s=1,
                                                                          max_retry_s=1),
                               "--segment-size", "1048576", directory=directory)
        body = b"\r\n".join([b"Subject: fill", b"", *[b"z" * 70] * 7000])
        accepted, refusal = 0, None
        for _ in range(200):
            with Client(gateway.public, helo="client.example") as client:
                reply = client.command("MAIL FROM:<a@b.example> SIZE=%d" % len(body))
                if reply.code == 250 and client.command("RCPT TO:<b@example.test>").code == 250 and \
                        client.command("DATA").code == 354:
                    client.send(body + b"\r\n.\r\n")
                    reply = client.read()
                if reply.code == 250:
                    accepted += 1
                else:
                    refusal = reply
                    break
        assert accepted > 5
        assert refusal is not None and refusal.code in (451, 452), refusal
        assert refusal.code == 452 and refusal.text.startswith("4.3.1"), refusal
        assert gateway.is_alive()
        sink = make_sink(port=port)
        sink.wait(accepted, 60)
        gateway.settle(2)
        assert len(sink.messages) == accepted

        def takes_again():
            return send_message(gateway.public, body).code == 250
        wait_until(takes_again, 15, "mail is taken again")
        assert gateway.stop() == CLEAN
    finally:
        for each in [g for g in [locals().get("gateway")] if g is not None]:
            each.kill()
        subprocess.run(["umount", "-l", str(directory)], check=False)


def check(tmp_path, data):
    path = tmp_path / "check.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
    return run("check", path)


def plain():
    """Without the certificate that only a first start makes."""
    data = Config().data
    for listener in data["listeners"]:
        del listener["certificate"]
    return data


def test_check_valid(tmp_path):
    done = check(tmp_path, plain())
    assert done.returncode == CLEAN and done.stdout.endswith("valid\n"), done


@pytest.mark.parametrize("section, change, pointer", [
    ("listeners", lambda s: s[0].update(port=0), "/listeners/0/port"),
    ("listeners", lambda s: s[0].update(port="25"), "/listeners/0/port"),
    ("listeners", lambda s: s[1].update(type="secret"), "/listeners/1/type"),
    ("listeners", lambda s: s[0].update(interface="Nowhere"), "/listeners/0/interface"),
    ("listeners", lambda s: s[2].pop("name"), "/listeners/2"),
    ("interfaces", lambda s: s[0].update(address="300.0.0.1"), "/interfaces/0/address"),
    ("rat", lambda s: s[0].update(recipient="@@"), "/rat/0/recipient"),
    ("sender-groups", lambda s: s[1].update(policy="NONE"), "/sender-groups/1/policy"),
    ("sender-groups", lambda s: s[1]["senders"].append({"sender": "10.0.0.0/99"}),
     "/sender-groups/1/senders/1/sender"),
    ("smtp-routes", lambda s: s[0]["targets"][0].update(host="[nope]"), "/smtp-routes/0/targets/0/host"),
    ("destination-controls", lambda s: s[0].update(tls="maybe"), "/destination-controls/0/tls"),
], ids=lambda v: v if isinstance(v, str) and v.startswith("/") else "")
def test_check_finds(tmp_path, section, change, pointer):
    data = plain()
    change(data[section])
    done = check(tmp_path, data)
    assert done.returncode == CONFIG, done
    assert pointer in done.stdout, done.stdout


def test_check_prints_every_error(tmp_path):
    data = plain()
    data["listeners"][0]["port"] = 0
    data["rat"][0]["recipient"] = "@@"
    data["nonsense"] = 1
    done = check(tmp_path, data)
    assert done.returncode == CONFIG
    for pointer in ("/listeners/0/port", "/rat/0/recipient", "/nonsense"):
        assert pointer in done.stdout, done.stdout


@pytest.mark.parametrize("text", ["", "{", "[]", '{"system":{},"system":{}}', "{}\0", "nul"], ids=repr)
def test_check_of_no_json(tmp_path, text):
    done = check(tmp_path, text)
    assert done.returncode == CONFIG and (done.stdout or done.stderr)


def test_check_of_no_file(tmp_path):
    done = run("check", tmp_path / "nothing.json")
    assert done.returncode == CONFIG and "nothing.json" in done.stderr
