"""Clients that cost a connection each and give a byte now and then."""
import selectors
import socket
import threading
import time


class SlowClients:
    """COUNT connections, each of which sends one byte every INTERVAL seconds, some in the greeting's
    wait, some in a command, some in DATA."""

    SCRIPT = b"EHLO slow.example\r\nMAIL FROM:<slow@a.example>\r\nRCPT TO:<b@example.test>\r\nDATA\r\n"

    def __init__(self, port, count, interval=1.0):
        self.socks, self.selector = [], selectors.DefaultSelector()
        self.closed, self.is_over, self.interval = 0, False, interval
        for number in range(count):
            sock = socket.create_connection(("127.0.0.1", port), 30)
            sock.setblocking(False)
            self.socks.append(sock)
            self.selector.register(sock, selectors.EVENT_READ)
            if number % 3 == 2:
                sock.send(self.SCRIPT)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        at = 0
        while not self.is_over:
            for number, sock in enumerate(self.socks):
                try:
                    if number % 3 == 1:
                        sock.send(self.SCRIPT[at % 17:at % 17 + 1])
                    elif number % 3 == 2:
                        sock.send(b"x")
                except OSError:
                    pass
            at += 1
            for key, _ in self.selector.select(0):
                try:
                    if not key.fileobj.recv(65536):
                        self.closed += 1
                        self.selector.unregister(key.fileobj)
                except OSError:
                    pass
            time.sleep(self.interval)

    def close(self):
        self.is_over = True
        self.thread.join()
        for sock in self.socks:
            sock.close()
