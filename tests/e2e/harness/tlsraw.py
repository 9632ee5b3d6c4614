"""TLS by hand: records, alerts and ClientHellos that no library sends, and handshakes that a library
begins and that are cut, repeated or damaged on the way. Each function gets a socket on which the
peer has just said that TLS may begin."""
import socket
import ssl
import struct

from . import PATIENCE
from .client import client_context

ALERT, HANDSHAKE, APPLICATION, CHANGE_CIPHER = 21, 22, 23, 20


def record(kind, body, version=(3, 1)):
    return struct.pack("!BBBH", kind, version[0], version[1], len(body)) + body


def handshake(kind, body, length=None, version=(3, 1)):
    size = struct.pack("!I", len(body) if length is None else length)[1:]
    return record(HANDSHAKE, bytes([kind]) + size + body, version)


def alert(description, level=2):
    return record(ALERT, bytes([level, description]))


class Engine:
    """A client whose flights are bytes that the test sends, or does not."""

    def __init__(self, context=None, **settings):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = context or client_context(**settings)
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="gateway.example.test")

    def step(self):
        """Goes on as far as it can; what it wants to send, and whether it is done."""
        try:
            self.tls.do_handshake()
            is_done = True
        except ssl.SSLWantReadError:
            is_done = False
        return self.outgoing.read(), is_done

    def flights(self, sock):
        """Does the handshake up to the client's last flight, which is returned instead of sent."""
        flight, _ = self.step()
        sock.sendall(flight)
        sock.settimeout(10 * PATIENCE)
        flight = b""
        while True:
            data = sock.recv(65536)
            if not data:
                raise EOFError("the server ended the handshake early")
            self.incoming.write(data)
            more, is_done = self.step()
            flight += more
            if begins_with_hello(flight):
                sock.sendall(flight)  # the server wants another key share: a second hello
                flight = b""
            # TLS 1.3 says its (empty) change of cipher before it has seen the whole flight.
            if flight and (is_done or len(records(flight)) > 1):
                return flight


def begins_with_hello(flight):
    """Not any record: what looks like a hello further on may be an encrypted one's random start."""
    for each in records(flight):
        if each[0] != CHANGE_CIPHER:
            return each[0] == HANDSHAKE and each[5] == 1
    return False


def records(data):
    found = []
    while data:
        size = 5 + struct.unpack("!H", data[3:5])[0]
        found.append(data[:size])
        data = data[size:]
    return found


def client_hello(**settings):
    return Engine(**settings).step()[0]


def rewrite_hello(hello, version=None, suites=None, compression=None, extensions=None):
    """A library's ClientHello with parts of it replaced; EXTENSIONS maps number -> new body, or None to
    leave the extension out, or a function of the old body."""
    body = hello[9:]
    at = 2 + 32
    session = body[at:at + 1 + body[at]]
    at += len(session)
    size = struct.unpack("!H", body[at:at + 2])[0]
    old_suites = body[at + 2:at + 2 + size]
    at += 2 + size
    old_compression = body[at:at + 1 + body[at]]
    at += len(old_compression) + 2
    parts = b""
    while at < len(body):
        number, size = struct.unpack("!HH", body[at:at + 4])
        value = body[at + 4:at + 4 + size]
        at += 4 + size
        if extensions and number in extensions:
            value = extensions[number](value) if callable(extensions[number]) else extensions[number]
            if value is None:
                continue
        parts += struct.pack("!HH", number, len(value)) + value
    suites = old_suites if suites is None else suites
    compression = old_compression if compression is None else compression
    new = ((version or body[:2]) + body[2:34] + session + struct.pack("!H", len(suites)) + suites +
           compression + struct.pack("!H", len(parts)) + parts)
    return handshake(1, new)


# --- what a client does instead of a handshake: functions of a socket ---

def sends(data):
    def act(sock):
        sock.sendall(data() if callable(data) else data)
        drain(sock)
    return act


def cuts(data=b""):
    """Sends DATA, ends the connection in good order."""
    def act(sock):
        sock.sendall(data() if callable(data) else data)
        sock.shutdown(socket.SHUT_WR)
        drain(sock)
    return act


def cuts_after_flight(**settings):
    """Reads the server's first flight, then leaves."""
    def act(sock):
        Engine(**settings).flights(sock)
        sock.shutdown(socket.SHUT_WR)
        drain(sock)
    return act


def last_flight(change, cut=False, **settings):
    """A true handshake whose last flight goes through CHANGE (list of records -> bytes)."""
    def act(sock):
        flight = Engine(**settings).flights(sock)
        sock.sendall(change(records(flight)))
        if cut:
            sock.shutdown(socket.SHUT_WR)
        drain(sock)
    return act


def drain(sock):
    sock.settimeout(5 * PATIENCE)
    try:
        while sock.recv(65536):
            pass
    except OSError:
        pass
