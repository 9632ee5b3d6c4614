"""http_echo as a process, and raw clients for it: bytes in, whole replies out. Standard library only."""
import os
import socket
import ssl
import subprocess

from harness import PATIENCE, binary

SECONDS = 20.0 * PATIENCE


def program():
    """Beside the binary under test."""
    return os.path.join(os.path.dirname(os.path.abspath(binary())), "..", "tests", "api", "http_echo")


class Echo:
    """A running http_echo; settings are rows of struct http_settings."""

    def __init__(self, directory, **settings):
        self.directory = str(directory)
        arguments = ["%s=%d" % row for row in settings.items()]
        self.process = subprocess.Popen([program(), self.directory, *arguments], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        told = {}
        for line in iter(self.process.stdout.readline, "ready\n"):
            assert line, "http_echo ended: %s" % self.process.wait()
            name, _, value = line.strip().partition(" ")
            told[name] = value
        self.https, self.http, self.local = int(told["https"]), int(told["http"]), told["local"]

    def tell(self, line):
        """One line to it, one back."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def count(self):
        return {name: int(value)
                for name, value in (pair.split("=") for pair in self.tell("count").split())}

    def stop(self):
        """Its exit code."""
        self.process.stdin.close()
        try:
            return self.process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return "it does not end"

    def tls(self, port=None, source="127.0.0.1", context=None, receive_bytes=None):
        raw = socket.socket()
        if receive_bytes:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        raw.settimeout(SECONDS)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as browsers do
        raw.bind((source, 0))
        raw.connect(("127.0.0.1", port or self.https))
        context = context or tls_context()
        try:
            return Client(context.wrap_socket(raw, server_hostname="first.test"))
        except (OSError, ssl.SSLError):
            raw.close()
            raise

    def plain(self, source="127.0.0.1"):
        raw = socket.create_connection(("127.0.0.1", self.http), SECONDS, (source, 0))
        return Client(raw)

    def unix(self):
        raw = socket.socket(socket.AF_UNIX)
        raw.settimeout(SECONDS)
        raw.connect(self.local)
        return Client(raw)


def tls_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Reply:
    def __init__(self, head, body):
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split(" ")[1])
        self.fields = [(name.lower(), value) for name, _, value in
                       (line.partition(": ") for line in lines[1:])]
        self.body = body

    def field(self, name):
        """The value of the only field of that name; None: there is none."""
        values = [value for each, value in self.fields if each == name.lower()]
        assert len(values) < 2, "%s comes %d times" % (name, len(values))
        return values[0] if values else None

    @property
    def text(self):
        return self.body.decode("latin-1")


class Closed(Exception):
    """The server closed before the reply was whole."""


class Client:
    """One connection. What it has read and not given out yet is in `rest`."""

    def __init__(self, sock):
        self.sock, self.rest = sock, bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)
        return self

    def fill(self):
        """Reads once; False at the end, in whatever way the server ended it."""
        try:
            piece = self.sock.recv(65536)
        except (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
            piece = b""
        except ssl.SSLError as error:
            if "EOF" not in str(error) and "SHUTDOWN" not in str(error):
                raise
            piece = b""
        self.rest += piece
        return bool(piece)

    def until(self, mark):
        while mark not in self.rest:
            if not self.fill():
                raise Closed(len(self.rest))
        head, _, self.rest = self.rest.partition(mark)
        return bytes(head)

    def take(self, size):
        while len(self.rest) < size:
            if not self.fill():
                raise Closed(len(self.rest))
        piece = bytes(self.rest[:size])
        del self.rest[:size]
        return piece

    def reply(self, to_head=False):
        """The next reply, framed as RFC 9112 6.3 says."""
        reply = Reply(self.until(b"\r\n\r\n"), b"")
        if to_head or reply.status in (204, 304) or reply.status < 200:
            return reply
        if reply.field("transfer-encoding") == "chunked":
            while True:
                size = int(self.until(b"\r\n"), 16)
                reply.body += self.take(size)
                assert self.take(2) == b"\r\n"
                if size == 0:
                    return reply
        reply.body = self.take(int(reply.field("content-length")))
        return reply

    def ask(self, target="/", method="GET", fields=(), body=b""):
        lines = ["%s %s HTTP/1.1" % (method, target), "Host: first.test", *fields]
        if body:
            lines.append("Content-Length: %d" % len(body))
        self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
        return self.reply(method == "HEAD")

    def is_closed(self):
        """Reads to the end; true when nothing more came."""
        before = len(self.rest)
        while self.fill():
            pass
        return len(self.rest) == before

    def read_all(self):
        while self.fill():
            pass
        return self.take(len(self.rest))
