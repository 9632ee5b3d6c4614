"""Debian's testssl.sh against the public listener, as an auditor would run it: nothing of severity MEDIUM
or above but what is listed here by name with its reason, and every check it was asked for was made.

It talks to loopback only: no names are looked up, no revocation list is fetched (--phone-out is off);
its probes of openssl's own options ask for the name `invalid.`, which need not be answered."""
import json
import os
import shutil
import subprocess

import pytest

from harness import IS_LONG, PATIENCE

SEVERE = ("MEDIUM", "HIGH", "CRITICAL", "FATAL", "WARN")

# Finding without its "<cert#N>": why it is none.
KNOWN = {
    "engine_problem": "this machine's openssl has no GOST engine; nothing about the listener",
    "cert_chain_of_trust": "the demonstration certificate is self-signed, and says so in its issuer",
    "cert_revocation": "a self-signed certificate has no authority that could revoke it",
    "cert_validityPeriod": "the demonstration certificate lasts ten years: a demonstration must not expire",
}

# What a scan must have looked at, and the answer: one that broke off finds nothing severe either.
WANTED = {
    "SSLv2": "not offered", "SSLv3": "not offered", "TLS1": "not offered", "TLS1_1": "not offered",
    "TLS1_2": "offered", "TLS1_3": "offered with final", "cipherlist_NULL": "not offered",
    "cipherlist_aNULL": "not offered", "cipherlist_EXPORT": "not offered",
    "cipherlist_LOW": "not offered", "cipherlist_3DES_IDEA": "not offered", "PFS": "offered",
    "cipher_order": "server", "cert_numbers": "2", "sessionresumption_ticket": "supported",
    "heartbleed": "not vulnerable", "CCS": "not vulnerable", "ROBOT": "not vulnerable",
    "secure_renego": "supported", "secure_client_renego": "not vulnerable", "POODLE_SSL": "not vulnerable",
    "fallback_SCSV": "no protocol below", "SWEET32": "not vulnerable", "FREAK": "not vulnerable",
    "DROWN": "not vulnerable", "LOGJAM": "not vulnerable", "BEAST": "not vulnerable",
    "RC4": "not vulnerable",
}

# Three scans side by side: one alone takes a minute and a half.
SCANS = (("-p", "-s", "-f", "-c"), ("-P", "-S"), ("-U",))
# Of those simulated: it knows neither TLS 1.2 nor anything newer.
TOO_OLD = ("clientsimulation-java_7u25",)


def findings(port, directory):
    """{id: (severity, text)} of all scans; certificates' findings keep their number."""
    # A resolver that does not answer must not hold up each of the thirty probes.
    environment = dict(os.environ, RES_OPTIONS="timeout:1 attempts:1")
    running, found = [], {}
    for number, options in enumerate(SCANS):
        path = directory / ("scan%d.json" % number)
        command = ["testssl", "--nodns", "none", "--ip", "127.0.0.1", "--warnings", "batch", "--quiet",
                   "--color", "0", "--openssl", shutil.which("openssl"), "--jsonfile", str(path),
                   *options, "-t", "smtp", "127.0.0.1:%d" % port]
        with open(directory / ("scan%d.out" % number), "wb") as out:
            running.append((path, subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out,
                                                   stderr=subprocess.STDOUT, cwd=directory,
                                                   env=environment)))
    try:
        for path, process in running:
            process.wait(240 * PATIENCE)  # its exit code counts findings
            with open(path, encoding="utf-8") as text:
                found.update({each["id"]: (each["severity"], each["finding"])
                              for each in json.load(text)})
    finally:
        for _, process in running:
            if process.poll() is None:
                process.kill()
            process.wait()
    return found


def forward_secrecy_comes_first(order):
    """No suite that gives its past away with the key stands before one that does not."""
    is_forward = [name.startswith(("ECDHE-", "DHE-")) for name in order.split()]
    return any(is_forward) and is_forward == sorted(is_forward, reverse=True)


@pytest.mark.skipif(not IS_LONG, reason="takes a minute: in the long suite only")
@pytest.mark.skipif(not shutil.which("testssl"), reason="testssl.sh is not installed")
def test_nothing_severe(make_gateway, tmp_path):
    gateway = make_gateway()
    found = findings(gateway.public, tmp_path)
    severe = ["%s: %s: %s" % (name, *found[name]) for name in sorted(found)
              if found[name][0] in SEVERE and name.split(" <")[0] not in KNOWN]
    assert not severe, "\n".join(severe)
    wrong = ["%s: %r, not %r" % (name, found.get(name), text) for name, text in WANTED.items()
             if not found.get(name, ("", ""))[1].startswith(text)]
    assert not wrong, "\n".join(wrong)
    clients = {name: text for name, (_, text) in found.items() if name.startswith("clientsimulation-")}
    refused = sorted(name for name, text in clients.items() if not text.startswith("TLSv1."))
    assert len(clients) > 10 and refused == sorted(TOO_OLD), clients
    assert forward_secrecy_comes_first(found["cipherorder_TLSv1_2"][1]), found["cipherorder_TLSv1_2"]
    print("testssl: %d findings, %d severe ones, all known" %
          (len(found), len([1 for severity, _ in found.values() if severity in SEVERE])))
