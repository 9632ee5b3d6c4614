"""SMTP by hand: bytes go out as they are given, replies are read one at a time."""
import socket
import ssl

from . import PATIENCE


class Reply:
    def __init__(self, lines):
        self.lines = lines
        self.code = int(lines[-1][:3])
        self.text = "\n".join(line[4:] for line in lines)

    def __repr__(self):
        return "Reply(%r)" % (self.lines,)


class Closed(Exception):
    """The other side ended the connection where a reply was expected."""


def client_context(**settings):
    """Encrypts, verifies nothing: the demonstration certificate cannot be verified."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers(settings.pop("ciphers", "DEFAULT:@SECLEVEL=1"))
    if "curve" in settings:
        context.set_ecdh_curve(settings.pop("curve"))
    for name, value in settings.items():
        setattr(context, name, value)
    return context


class Client:
    def __init__(self, port, host="127.0.0.1", greet=True, helo=None, timeout=20.0, source=None):
        self.sock = socket.create_connection((host, port), timeout * PATIENCE,
                                             source_address=(source, 0) if source else None)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.held = b""
        self.greeting = self.read() if greet else None
        if helo:
            self.ehlo(helo)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def read_line(self):
        while b"\n" not in self.held:
            try:
                more = self.sock.recv(65536)
            except (ConnectionResetError, ssl.SSLError) as error:
                raise Closed(str(error)) from error
            if not more:
                raise Closed("end of the connection, held: %r" % self.held)
            self.held += more
        line, self.held = self.held.split(b"\n", 1)
        assert line.endswith(b"\r"), "a reply line without CR LF: %r" % line
        return line[:-1].decode("utf-8", "surrogateescape")

    def read(self):
        lines = [self.read_line()]
        while lines[-1][3:4] == "-":
            lines.append(self.read_line())
        assert len({line[:3] for line in lines}) == 1, lines
        return Reply(lines)

    def command(self, line):
        self.send(line.encode("utf-8", "surrogateescape") + b"\r\n")
        return self.read()

    def ehlo(self, name="client.example"):
        reply = self.command("EHLO " + name)
        assert reply.code == 250, reply
        return reply

    def starttls(self, context=None, server_hostname=None):
        reply = self.command("STARTTLS")
        assert reply.code == 220, reply
        assert self.held == b""
        self.sock = (context or client_context()).wrap_socket(self.sock,
                                                              server_hostname=server_hostname)
        return self.sock

    def envelope(self, sender="a@sender.example", *recipients):
        reply = self.command("MAIL FROM:<%s>" % sender)
        assert reply.code == 250, reply
        for recipient in recipients or ("b@example.test",):
            reply = self.command("RCPT TO:<%s>" % recipient)
            assert reply.code == 250, reply

    def message(self, sender, recipient, content):
        """Envelope, DATA, CONTENT as it stands, the ending; the reply behind it."""
        self.envelope(sender, *([recipient] if isinstance(recipient, str) else recipient))
        reply = self.command("DATA")
        assert reply.code == 354, reply
        self.send(content + b"\r\n.\r\n")
        return self.read()

    def is_closed(self, seconds=5.0):
        """Waits for the end of the connection; False when it is still open then."""
        self.sock.settimeout(seconds * PATIENCE)
        try:
            while True:
                if not self.sock.recv(65536):
                    return True
        except socket.timeout:
            return False
        except (ConnectionResetError, ssl.SSLError):
            return True


def send_message(port, content=b"Subject: one\r\n\r\nbody", sender="a@sender.example",
                 recipient="b@example.test", starttls=True, host="127.0.0.1"):
    """A whole session; the reply to the message."""
    with Client(port, host, helo="client.example") as client:
        if starttls:
            client.starttls()
            client.ehlo()
        reply = client.message(sender, recipient, content)
        client.command("QUIT")
        return reply
