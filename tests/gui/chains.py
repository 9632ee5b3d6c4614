"""Certificates for the pages to show, made with openssl and put in through the API: `mx1`, an ECDSA and
an RSA pair that an intermediate has signed, and `old`, which has ended.
"""
import base64
import hashlib
import os
import subprocess
import tempfile

KEYS = {"ecdsa": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "rsa": ["-newkey", "rsa:2048"]}
NAMES = ["mx1.example.com", "mail.example.com", "smtp.example.com"]


def openssl(*words, where, give=None):
    return subprocess.run(["openssl", *words], cwd=where, check=True, capture_output=True, input=give).stdout


def text_of(*parts):
    with open(os.path.join(*parts), encoding="ascii") as text:
        return text.read()


class Authority:
    """A root, and an intermediate that signs."""

    def __init__(self, where):
        self.where = where
        openssl("req", "-x509", "-nodes", "-days", "3650", "-subj", "/O=Example Trust/CN=Example Root R1",
                *KEYS["ecdsa"], "-keyout", "root.key", "-out", "root.pem", where=where)
        self.sign("intermediate", "ecdsa", "/O=Example Trust/CN=Example Issuing CA 7", "root", 1800,
                  "basicConstraints=critical,CA:true")

    def sign(self, name, kind, subject, issuer, days, extension):
        with open(os.path.join(self.where, name + ".ext"), "w", encoding="ascii") as out:
            out.write(extension + "\n")
        openssl("req", "-new", "-nodes", "-subj", subject, *KEYS[kind], "-keyout", name + ".key",
                "-out", name + ".csr", where=self.where)
        openssl("x509", "-req", "-in", name + ".csr", "-CA", issuer + ".pem", "-CAkey", issuer + ".key",
                "-CAcreateserial", "-days", str(days), "-extfile", name + ".ext", "-out", name + ".pem",
                where=self.where)

    def pair(self, name, kind, names, days):
        """(key in PEM, an entry of a certificate's `keys`)"""
        self.sign(name, kind, "/CN=" + names[0], "intermediate", days,
                  "subjectAltName=" + ",".join("DNS:" + each for each in names))
        public = openssl("x509", "-in", name + ".pem", "-noout", "-pubkey", where=self.where)
        der = base64.b64decode(b"".join(public.splitlines()[1:-1]))
        chain = text_of(self.where, name + ".pem") + text_of(self.where, "intermediate.pem")
        return text_of(self.where, name + ".key"), {
            "type": kind, "spki": hashlib.sha256(der).hexdigest(), "chain": chain}


def put_certificates(administered):
    keys_dir = os.path.join(administered.gateway.state, "keys")
    with tempfile.TemporaryDirectory() as where:
        authority = Authority(where)
        wanted = {
            "mx1": [authority.pair("mx1-ecdsa", "ecdsa", NAMES, 90), authority.pair("mx1-rsa", "rsa", NAMES, 60)],
            "old": [authority.pair("old", "ecdsa", ["old.example.com"], 0)],
        }
    for name, pairs in wanted.items():
        for key, entry in pairs:
            with open(os.path.join(keys_dir, entry["spki"] + ".pem"), "w", encoding="ascii") as out:
                os.chmod(out.fileno(), 0o600)
                out.write(key)
        answer = administered.administrator.put("/certificates/%s?commit=now" % name,
                                                {"name": name, "keys": [entry for _, entry in pairs]})
        assert answer.status in (200, 201), answer
