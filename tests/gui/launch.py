"""A gateway for the tests of the pages: starts it, says on one line of JSON where it is, runs until
its standard input ends. With `fresh` nobody has set it up yet; else it has an administrator, and
mail to show: some delivered, some waiting for a host that is not there; and certificates.
"""
import json
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "api"), os.path.join(HERE, "..", "e2e")]

from chains import put_certificates  # noqa: E402
from client import PASSWORD  # noqa: E402
from gateway import ADMINISTRATOR, Administered  # noqa: E402
from harness import free_port, wait_until  # noqa: E402
from harness.client import send_message  # noqa: E402
from harness.gateway import Config  # noqa: E402

# Sender groups above the one for everybody: one that never matches, one whose name is hostile.
GROUPS = [("TRUSTED", ["203.0.113.0/28", "2001:db8:5::/48"], "TRUSTED"),
          ("BLOCKED", ["198.51.100.0/24", "192.0.2.77", "192.0.2.78", "192.0.2.79"], "BLOCKED"),
          ("OFFICE", ["198.51.100.0/28"], "TRUSTED"),
          ("<img src=x onerror=alert(1)>", ["192.0.2.128/25"], "ACCEPTED")]
RECIPIENTS = ["someone@example.test"] * 3 + ["someone@away.test", "other@away.test"]


def send_some(gateway):
    for recipient in RECIPIENTS:
        assert send_message(gateway.private, recipient=recipient).code == 250

    def has_results():
        events = [event["event"] for event in gateway.mail_json.events()]
        return events.count("mid_finished") >= 3 and events.count("mid_queued") == len(RECIPIENTS)
    wait_until(has_results, 20, "messages that are delivered and messages that wait")


def add_groups(config):
    config.data["sender-groups"][:0] = [
        {"listener": "InboundMail", "name": name, "senders": [{"sender": each} for each in senders],
         "policy": policy, "comment": "<b>%s</b>" % name} for name, senders, policy in GROUPS]
    config.data["mail-flow-policies"].append({"name": "TRUSTED", "action": "accept",
                                              "tls": "required"})
    config.destination("partner.test", tls="required").destination(".old.test", tls="none")


def main():
    is_fresh = sys.argv[1:] == ["fresh"]
    with tempfile.TemporaryDirectory() as directory:
        config = Config()
        config.route("away.test", free_port())
        add_groups(config)
        administered = Administered(directory, config)
        administered.start(has_administrator=not is_fresh)
        code = None
        try:
            told = {"url": "https://127.0.0.1:%d" % administered.https}
            if is_fresh:
                told["setupCode"] = administered.setup_code()
            else:
                send_some(administered.gateway)
                put_certificates(administered)
                told.update(user=ADMINISTRATOR, password=PASSWORD, smtp=administered.gateway.private)
            print(json.dumps(told), flush=True)
            sys.stdin.read()
        finally:
            code = administered.stop()
        if code != 0:
            sys.stderr.write(administered.gateway.describe())
        return code


if __name__ == "__main__":
    sys.exit(main())
