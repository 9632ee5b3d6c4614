"""Certificates of next hops and clients, made once a run with openssl: a CA, leaves of each key type,
leaves that are wrong in one way each."""
import atexit
import os
import shutil
import subprocess
import tempfile

_directory = None
_made = {}

KEYS = {
    "ecdsa": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "ecdsa-p384": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "rsa": ["-newkey", "rsa:2048"],
    "rsa-1024": ["-newkey", "rsa:1024"],
    "ed25519": ["-newkey", "ed25519"],
}


def directory():
    global _directory
    if _directory is None:
        _directory = tempfile.mkdtemp(prefix="postern-e2e-pki-")
        os.chmod(_directory, 0o755)
        atexit.register(shutil.rmtree, _directory, True)
    return _directory


def certificate(kind="ecdsa", name="sink.example", days=30):
    """(certificate, key) as PEM paths, self-signed for NAME."""
    wanted = (kind, name, days)
    if wanted not in _made:
        base = os.path.join(directory(), "%s-%s-%d" % wanted)
        subprocess.run(["openssl", "req", "-x509", "-nodes", "-days", str(days), "-subj", "/CN=" + name,
                        "-addext", "subjectAltName=DNS:" + name, *KEYS[kind], "-keyout", base + ".key",
                        "-out", base + ".pem"], check=True, capture_output=True)
        os.chmod(base + ".key", 0o644)  # a peer under another account reads it
        _made[wanted] = (base + ".pem", base + ".key")
    return _made[wanted]
