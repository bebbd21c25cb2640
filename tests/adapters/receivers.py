"""A receiver on 127.0.0.1 that answers as a test wants, byte by byte."""

import base64
import hashlib
import hmac
import socket
import ssl
import threading
import time
from contextlib import contextmanager

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def answer(status, *headers):
    lines = [f"HTTP/1.1 {status} Any", *headers, "Content-Length: 0", "", ""]
    return "\r\n".join(lines).encode()


class Receiver:
    """Keeps what it was sent. ``script`` holds one answer for each request, the last one for all that follow:
    bytes to send, or a function of the connection."""

    def __init__(self, *script, certificate=None):
        self.script = list(script) or [OK]
        self.requests = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._tls = None
        if certificate is not None:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(certificate)
        self.port = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def url(self):
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/hook?key=s3cr3t"

    def _accept(self):
        while not self._over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            connection.settimeout(60)
            try:
                if self._tls is not None:
                    connection = self._tls.wrap_socket(connection, server_side=True)
                request = read_request(connection)
                with self._lock:
                    self.requests.append(request)
                    step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
                if callable(step):
                    step(connection)
                else:
                    connection.sendall(step)
            except OSError:
                return

    def close(self):
        self._over.set()
        self._listener.close()


@contextmanager
def receiving(*script, certificate=None):
    receiver = Receiver(*script, certificate=certificate)
    try:
        yield receiver
    finally:
        receiver.close()


def read_request(connection):
    """Method line, headers in lower case, body."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            raise ConnectionError
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
    while len(body) < int(headers["content-length"]):
        body += connection.recv(65536)
    return line, headers, body


def trickle(connection):
    """An answer of one byte in each tenth of a second."""
    for sign in OK * 20:
        connection.sendall(bytes([sign]))
        time.sleep(0.1)


def silence(_connection):
    time.sleep(3)


def cut(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-")


def verified(headers, body, key):
    """As a receiver checks it, written from the specification and not from the sender."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return f"v1,{wanted}" in headers["webhook-signature"].split(" ")
