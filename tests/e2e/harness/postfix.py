"""Debian's Postfix, unpacked and not installed, as a peer: next hop, client, and what speed is
compared with. `master -c DIR` runs as root; everything it needs lies in one directory."""
import grp
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time

from . import ROOT, free_port, wait_until

OWNER, GROUP = "games", "operator"  # an account and a group that is not its own
QUEUES = ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private",
          "saved", "trace")


def postfix_root():
    return os.environ.get("POSTERN_POSTFIX", os.path.join(ROOT, ".cache", "postfix"))


def why_not():
    """None when Postfix can run here, else the reason."""
    if not os.path.exists(os.path.join(postfix_root(), ".complete")):
        return "Debian's Postfix is not unpacked in .cache/postfix"
    if os.geteuid() != 0:
        return "Postfix's master runs as root only"
    return None


MASTER = """\
# service type private unpriv chroot wakeup maxproc command
{listen} inet n - n - {maxproc} smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - {maxproc} smtp
relay unix - - n - {maxproc} smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """settings: further lines of main.cf. It listens on 127.0.0.1:port."""

    def __init__(self, directory, settings=None, base=None, maxproc=100):
        self.directory = str(directory)
        self.port = free_port()
        self.process = None
        self.libraries = os.path.join(postfix_root(), "usr", "lib", "postfix")
        self.config = os.path.join(self.directory, "etc")
        self.queue = os.path.join(self.directory, "queue")
        self.data = os.path.join(self.directory, "data")
        self.log = os.path.join(self.directory, "log", "maillog")
        self._make(settings or {}, base, maxproc)

    def _make(self, settings, base, maxproc):
        owner, drop = pwd.getpwnam(OWNER), grp.getgrnam(GROUP)
        for path in (self.config, self.queue, self.data, os.path.dirname(self.log)):
            os.makedirs(path, exist_ok=True)
        # Every directory above must let the unprivileged processes through.
        path = self.directory
        while path not in ("/", "/tmp", "/var/tmp"):
            os.chmod(path, os.stat(path).st_mode | 0o711)
            path = os.path.dirname(path)
        for name in QUEUES:
            os.makedirs(os.path.join(self.queue, name), exist_ok=True)
            os.chown(os.path.join(self.queue, name), owner.pw_uid, 0)
            os.chmod(os.path.join(self.queue, name), 0o700)
        os.makedirs(os.path.join(self.queue, "pid"), exist_ok=True)
        for name in ("public", "maildrop"):
            path = os.path.join(self.queue, name)
            os.makedirs(path, exist_ok=True)
            os.chown(path, owner.pw_uid, drop.gr_gid)
            os.chmod(path, 0o730 if name == "maildrop" else 0o710)
        os.chown(self.data, owner.pw_uid, 0)
        os.chmod(self.data, 0o700)
        lines = {
            "compatibility_level": "3.6",
            "queue_directory": self.queue, "data_directory": self.data,
            "command_directory": os.path.join(postfix_root(), "usr", "sbin"),
            "daemon_directory": os.path.join(self.libraries, "sbin"),
            "meta_directory": os.path.join(postfix_root(), "etc", "postfix"),
            "shlib_directory": self.libraries,
            "mail_owner": OWNER, "setgid_group": GROUP, "default_privs": "nobody",
            "import_environment": "MAIL_CONFIG LD_LIBRARY_PATH=" + self.libraries,
            "maillog_file": self.log, "maillog_file_prefixes": os.path.dirname(self.log),
            "myhostname": "postfix.example", "mydestination": "", "mynetworks": "127.0.0.0/8",
            "inet_interfaces": "127.0.0.1", "inet_protocols": "ipv4", "smtp_host_lookup": "native",
            "disable_dns_lookups": "yes", "alias_maps": "", "alias_database": "",
            "local_recipient_maps": "", "biff": "no", "default_database_type": "texthash",
            "default_transport": "smtp", "relay_transport": "smtp",
        }
        if base:
            with open(base, encoding="ascii") as source:
                for line in source:
                    if "=" in line and not line.startswith("#"):
                        key, value = line.split("=", 1)
                        lines[key.strip()] = value.strip()
        lines.update(settings)
        with open(os.path.join(self.config, "main.cf"), "w", encoding="ascii") as out:
            out.writelines("%s = %s\n" % item for item in lines.items())
        self.maxproc = maxproc

    def start(self):
        """Again on another port if somebody took this one before master could."""
        for _ in range(3):
            with open(os.path.join(self.config, "master.cf"), "w", encoding="ascii") as out:
                out.write(MASTER.format(listen="127.0.0.1:%d" % self.port, maxproc=self.maxproc))
            self._launch()
            if wait_until(self._outcome, 20, "Postfix's greeting") == "greets":
                return self
            self.port = free_port()
        raise AssertionError("master ended:\n" + self.read_log())

    def _launch(self):
        environment = dict(os.environ, LD_LIBRARY_PATH=self.libraries, MAIL_CONFIG=self.config)
        master = os.path.join(self.libraries, "sbin", "master")
        # A session of its own: it stops its whole process group at the end.
        self.process = subprocess.Popen([master, "-c", self.config, "-d"], env=environment,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, start_new_session=True)

    def _outcome(self):
        if self.process.poll() is not None:
            return "ended"
        try:
            with socket.create_connection(("127.0.0.1", self.port), 5) as sock:
                sock.settimeout(5)
                return "greets" if sock.recv(4).startswith(b"220") else None
        except OSError:
            return None

    def command(self, name, *arguments, **options):
        """One of its programs: sendmail, postqueue, postsuper."""
        environment = dict(os.environ, LD_LIBRARY_PATH=self.libraries, MAIL_CONFIG=self.config)
        return subprocess.run([os.path.join(postfix_root(), "usr", "sbin", name), *arguments],
                              env=environment, check=False, capture_output=True, **options)

    def read_log(self):
        try:
            with open(self.log, encoding="utf-8", errors="replace") as log:
                return log.read()
        except FileNotFoundError:
            return ""

    def queued(self):
        found = 0
        for name in ("incoming", "active", "deferred", "maildrop"):
            for _, _, names in os.walk(os.path.join(self.queue, name)):
                found += len(names)
        return found

    def stop(self):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        time.sleep(0.1)
        self.process = None

    def remove(self):
        self.stop()
        shutil.rmtree(self.directory, True)
