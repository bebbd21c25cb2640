"""A mail server on 127.0.0.1: STARTTLS, logins and refusals as a test wants, over real sockets."""

import base64
import socket
import ssl
import threading
from contextlib import contextmanager
from email import message_from_bytes, policy


class MailServer:
    """Keeps ``letters`` as (sender, recipients, message, was it secure, user). ``refuse`` maps a verb to an answer."""

    def __init__(self, certificate=None, *, tls=False, refuse=None, greets=True):
        self.letters, self.said = [], []
        self.refuse = dict(refuse or {})
        self._greets, self._tls, self._context = greets, tls, None
        if certificate is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(certificate)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            connection.settimeout(60)
            if not self._greets:
                connection.recv(1)
                return
            if self._tls:
                connection = self._context.wrap_socket(connection, server_side=True)
            self._talk(connection)
        except OSError:
            return
        finally:
            connection.close()

    def _talk(self, connection):
        stream, user, sender, to = connection.makefile("rwb"), None, None, []
        secure = self._tls

        def answer(text):
            stream.write(text.encode() + b"\r\n")
            stream.flush()

        answer("220 test")
        while line := stream.readline():
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            verb = text.split(" ", maxsplit=1)[0].upper()
            self.said.append(text)
            if verb in self.refuse:
                answer(self.refuse[verb])
            elif verb == "EHLO":
                offers = ["test", "AUTH PLAIN LOGIN"] + (["STARTTLS"] if self._context and not secure else [])
                for offer in offers[:-1]:
                    answer(f"250-{offer}")
                answer(f"250 {offers[-1]}")
            elif verb == "STARTTLS":
                answer("220 go on")
                stream.close()
                connection = self._context.wrap_socket(connection, server_side=True)
                stream, secure = connection.makefile("rwb"), True
            elif verb == "AUTH":
                user = base64.b64decode(text.split(" ")[2]).decode().split("\0")[1:]
                answer("235 welcome")
            elif verb == "MAIL":
                sender, to = text.partition(":")[2].split(" ")[0], []
                answer("250 ok")
            elif verb == "RCPT":
                to.append(text.partition(":")[2])
                answer("250 ok")
            elif verb == "DATA":
                answer("354 go on")
                body = b""
                while (line := stream.readline()) != b".\r\n":
                    body += line.removeprefix(b".") if line.startswith(b"..") else line
                self.letters.append((sender, to, message_from_bytes(body, policy=policy.default), secure, user))
                answer(self.refuse.get("END", "250 2.0.0 queued as 77"))
            elif verb == "QUIT":
                answer("221 bye")
                return
            else:
                answer("250 ok")

    def close(self):
        self._listener.close()


@contextmanager
def mail_serving(certificate=None, **how):
    server = MailServer(certificate, **how)
    try:
        yield server
    finally:
        server.close()
