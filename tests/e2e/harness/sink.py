"""Next hops. Sink keeps every byte it was sent and answers as a table says; BenchSink is the fast one
of tests/bench with its ledger; RawServer runs a function on each connection."""
import collections
import json
import os
import signal
import socket
import ssl
import subprocess
import threading

from . import PATIENCE, bench_program, wait_until
from .certificates import certificate


class RawServer:
    """Listens; HANDLER(sock) is called in a thread for each connection, which it may leave open."""

    def __init__(self, handler, host="127.0.0.1", port=0):
        self.handler = handler
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.create_server((host, port), family=family, backlog=1024)
        self.host, self.port = self.listener.getsockname()[:2]
        self.open, self.errors, self.accepted = [], [], 0
        self.is_closing = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            self.open.append(sock)
            threading.Thread(target=self._run, args=(sock,), daemon=True).start()

    def _run(self, sock):
        try:
            self.handler(sock)
        except (OSError, ssl.SSLError, EOFError):
            pass  # the gateway went away: tests look at what was received
        except Exception as error:  # pylint: disable=broad-except
            self.errors.append(error)

    def close(self):
        self.is_closing = True
        self.listener.close()
        for sock in self.open:
            try:
                sock.close()
            except OSError:
                pass


class Received:
    """One message as it came, still with doubled dots, without the ending."""

    def __init__(self, mail, recipients, data, is_tls, number):
        self.mail, self.recipients, self.data = mail, recipients, data
        self.is_tls, self.connection = is_tls, number

    @property
    def content(self):
        """In plain form: no doubled dots."""
        data = self.data.replace(b"\r\n..", b"\r\n.")
        return data[1:] if data.startswith(b"..") else data

    @property
    def head(self):
        return self.content.split(b"\r\n\r\n", 1)[0]

    @property
    def body(self):
        return self.content.split(b"\r\n\r\n", 1)[1]


class Sink(RawServer):
    """`replies` maps a verb (GREETING, EHLO, STARTTLS, MAIL, RCPT, DATA, DOT, RSET, QUIT) to bytes,
    to a function (argument, sink) -> bytes, to None (no reply, the connection stays) or to b""
    (closes). `recipients` maps an address to its reply."""

    def __init__(self, starttls=True, context=None, replies=None, recipients=None, host="127.0.0.1",
                 port=0, keywords=(b"8BITMIME", b"PIPELINING", b"ENHANCEDSTATUSCODES", b"SIZE")):
        self.starttls, self.replies = starttls, replies or {}
        self.recipients, self.keywords = recipients or {}, keywords
        self.messages, self.commands, self.tls_errors = [], [], []
        self.context = context
        if starttls and context is None:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*certificate("ecdsa"))
        super().__init__(self._serve, host, port)

    def answer(self, sock, verb, argument, default):
        reply = self.replies.get(verb, default)
        if callable(reply):
            reply = reply(argument, self)
        if reply is None:
            threading.Event().wait(600)
        if not reply:
            sock.close()
            raise EOFError
        sock.sendall(reply if reply.endswith(b"\n") else reply + b"\r\n")
        return reply

    def _serve(self, sock):
        number, is_tls = self.accepted, False
        mail, recipients, held = None, [], b""

        def read_until(mark):
            nonlocal held
            while mark not in held:
                more = sock.recv(65536)
                if not more:
                    raise EOFError
                held += more
            found, held = held.split(mark, 1)
            return found

        self.answer(sock, "GREETING", b"", b"220 sink.example ESMTP")
        while True:
            line = read_until(b"\r\n")
            self.commands.append((number, line))
            verb, _, argument = line.partition(b" ")
            verb = verb.upper().decode("latin-1")
            if verb in ("EHLO", "HELO"):
                lines = [b"sink.example", *self.keywords]
                if self.starttls and not is_tls:
                    lines.append(b"STARTTLS")
                text = b"".join(b"250-" + each + b"\r\n" for each in lines[:-1])
                self.answer(sock, verb, argument, text + b"250 " + lines[-1])
            elif verb == "STARTTLS":
                if self.answer(sock, verb, argument, b"220 ready").startswith(b"220"):
                    try:
                        sock = self.context.wrap_socket(sock, server_side=True)
                    except (ssl.SSLError, OSError) as error:
                        self.tls_errors.append(error)
                        raise
                    self.open.append(sock)
                    is_tls = True
            elif verb == "MAIL":
                mail, recipients = None, []
                if self.answer(sock, verb, argument, b"250 2.1.0 ok").startswith(b"2"):
                    mail = argument
            elif verb == "RCPT" and mail is None:
                self.answer(sock, "NO SENDER", argument, b"503 5.5.1 MAIL first")
            elif verb == "RCPT":
                address = argument.split(b":", 1)[1].split(b">")[0].lstrip(b" <").decode()
                default = self.recipients.get(address, b"250 2.1.5 ok")
                if self.answer(sock, verb, argument, default).startswith(b"2"):
                    recipients.append(address)
            elif verb == "DATA" and not recipients:
                self.answer(sock, "NO RECIPIENTS", argument, b"554 5.5.1 no valid recipients")
            elif verb == "DATA":
                if not self.answer(sock, verb, argument, b"354 go ahead").startswith(b"354"):
                    continue
                held = b"\r\n" + held  # so that an empty message ends too
                data = read_until(b"\r\n.\r\n")[2:] + b"\r\n"
                received = Received(mail, list(recipients), data, is_tls, number)
                if self.answer(sock, "DOT", received, b"250 2.0.0 taken").startswith(b"2"):
                    self.messages.append(received)
            elif verb == "QUIT":
                self.answer(sock, verb, argument, b"221 2.0.0 bye")
                sock.close()
                return
            else:
                self.answer(sock, verb, argument, b"250 2.0.0 ok")

    def wait(self, count=1, seconds=15.0):
        """The COUNT-th message."""
        wait_until(lambda: len(self.messages) >= count, seconds,
                   "message %d at the sink" % count)
        return self.messages[count - 1]


class BenchSink:
    def __init__(self, ledger=None, *options, host="127.0.0.1", port=0):
        self.ledger = ledger
        arguments = [bench_program("bench_sink"), "--listen", "%s:%d" % (host, port)]
        if ledger:
            arguments += ["--ledger", str(ledger)]
        self.process = subprocess.Popen(arguments + [str(o) for o in options],
                                        stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        self.port = int(self.process.stdout.readline().split()[1])
        self.result = None

    def entries(self):
        return read_ledger(self.ledger)

    def wait(self, seconds):
        """For --exit-after: its own end; the counts."""
        text = self.process.communicate(timeout=seconds)[0]
        self.result = json.loads(text)
        return self.result

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.wait(20)
        return self.result


class Load:
    """The generator of tests/bench, running."""

    def __init__(self, port, *options, host="127.0.0.1", ledger=None):
        arguments = [bench_program("bench_load"), "--to", "%s:%d" % (host, port)]
        if ledger:
            arguments += ["--ledger", str(ledger)]
        self.process = subprocess.Popen(arguments + [str(o) for o in options],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        stdin=subprocess.DEVNULL, text=True)

    def is_running(self):
        return self.process.poll() is None

    def wait(self, seconds=120.0):
        out, err = self.process.communicate(timeout=seconds * PATIENCE)
        return dict(json.loads(out), exit=self.process.returncode, stderr=err)

    def stop(self):
        if self.is_running():
            self.process.send_signal(signal.SIGTERM)
        return self.wait()


def read_ledger(path):
    """[(id, sha256)], in the order written; an unfinished last line is left out."""
    if not os.path.exists(path):
        return []
    with open(path, encoding="ascii") as ledger:
        text = ledger.read()
    return [tuple(line.split(" ", 1)) for line in text[:text.rfind("\n") + 1].splitlines()]


def reconcile(sent, received):
    """({id: hash} acknowledged and never seen, those whose content differs, Counter of copies)."""
    copies = collections.Counter(name for name, _ in received)
    hashes = collections.defaultdict(set)
    for name, digest in received:
        hashes[name].add(digest)
    missing = {name: digest for name, digest in sent if name not in copies}
    changed = {name for name, digest in sent if name in copies and hashes[name] != {digest}}
    return missing, changed, copies
