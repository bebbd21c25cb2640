"""Handing a letter to a mail server (RFC 5321): over TLS, with a login, bounded in time.

``smtp://USER:PASSWORD@HOST:587`` goes over to TLS before anything else is said (STARTTLS), or nothing is sent; only a server
on this very machine may be spoken to in the open. ``smtps://`` is TLS from the first byte. User and password are percent-encoded.
"""

import asyncio
import contextlib
import os
import socket
import ssl
import threading
from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

from volant.monitoring.alert_ports import Undelivered

if TYPE_CHECKING:
    from email.message import EmailMessage
    from smtplib import SMTP

SECONDS = 20.0  # servers greet late on purpose
GOODBYE_SECONDS = 2.0
MOST_LETTERS = 4  # that may hang at once
_turns = threading.BoundedSemaphore(MOST_LETTERS)


class MailServer(NamedTuple):
    """Where letters are handed in."""

    host: str
    port: int
    tls: bool  # from the first byte
    user: str
    password: str

    @property
    def is_here(self) -> bool:
        """Whether it is on this machine."""
        with contextlib.suppress(ValueError):
            return ip_address(self.host).is_loopback
        return self.host == "localhost"


def mail_server(url: str) -> MailServer:
    """The parts of the address. :class:`Undelivered`, not naming it, if it is none that can be used."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as error:
        raise Undelivered("the mail server's address cannot be read") from error
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or parts.path.strip("/") or parts.query:
        raise Undelivered("the mail server's address is not one like smtp://USER:PASSWORD@HOST:587")
    tls = parts.scheme == "smtps"
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return MailServer(host=parts.hostname, port=port or (465 if tls else 587), tls=tls, user=user, password=password)


async def post_letter(url: str, letter: "EmailMessage", sender: str, to: list[str], *, seconds: float = SECONDS) -> str:
    """Returns what the server answered when it took the letter for everybody; else raises :class:`Undelivered`.

    The standard library's client waits, so it does in a thread of its own: the event loop's shared threads renew the lease.
    """
    server = mail_server(url)
    if not _turns.acquire(blocking=False):
        raise Undelivered("earlier letters still wait for their mail server")
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[str] = loop.create_future()

    def tell(result: str | Undelivered) -> None:
        if answered.done():  # nobody waits any more
            return
        if isinstance(result, Undelivered):
            answered.set_exception(result)
        else:
            answered.set_result(result)

    def hand_in() -> None:
        result: str | Undelivered
        try:
            result = _handed_in(server, letter, sender, to, seconds)
        except Undelivered as error:
            result = error
        finally:
            _turns.release()
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(tell, result)

    threading.Thread(target=hand_in, name="alert letter", daemon=True).start()
    try:
        async with asyncio.timeout(seconds):
            return await answered
    except TimeoutError as error:
        raise Undelivered(f"the mail server did not take it within {seconds:g} s") from error


def _handed_in(server: MailServer, letter: "EmailMessage", sender: str, to: list[str], seconds: float) -> str:
    import smtplib

    try:
        connection = _connected(server, seconds)
        try:
            return _transaction(connection, letter, sender, to)
        finally:
            _part(connection)
    except smtplib.SMTPResponseException as error:
        raise _refused(error.smtp_code, error.smtp_error) from error
    except smtplib.SMTPRecipientsRefused as error:
        code, said = next(iter(error.recipients.values()))
        raise _refused(code, said) from error
    except smtplib.SMTPNotSupportedError as error:
        raise Undelivered("the mail server cannot do what is needed: no STARTTLS, no login or no such letters") from error
    except smtplib.SMTPException as error:
        raise Undelivered("the mail server broke off the conversation") from error
    except ssl.SSLError as error:
        raise Undelivered("no secure connection to the mail server: its certificate or protocol is not accepted") from error
    except socket.gaierror as error:
        raise Undelivered("the mail server's host name is not known") from error
    except TimeoutError as error:
        raise Undelivered("the mail server is silent") from error
    except OSError as error:
        raise Undelivered(os.strerror(error.errno).lower() if error.errno else "the connection broke") from error
    except (UnicodeError, ValueError) as error:
        raise Undelivered("the letter or the login cannot be written as the mail server wants it") from error


def _connected(server: MailServer, seconds: float) -> "SMTP":
    import smtplib

    if server.tls:
        connection: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=seconds, context=ssl.create_default_context())
    else:
        connection = smtplib.SMTP(server.host, server.port, timeout=seconds)
    try:
        connection.ehlo_or_helo_if_needed()
        if not server.tls and (connection.has_extn("starttls") or not server.is_here):
            connection.starttls(context=ssl.create_default_context())  # raises where it is not offered
            connection.ehlo()
        if server.user:
            connection.login(server.user, server.password)
    except BaseException:
        connection.close()
        raise
    return connection


def _part(connection: "SMTP") -> None:
    """Politely, but whatever comes now changes nothing: the letter was taken, or not."""
    with contextlib.suppress(Exception):
        if connection.sock is not None:
            connection.sock.settimeout(GOODBYE_SECONDS)
        connection.quit()
    connection.close()


def _transaction(connection: "SMTP", letter: "EmailMessage", sender: str, to: list[str]) -> str:
    """MAIL, RCPT for everybody or nobody, DATA. The answer to DATA says that the server has it now."""
    import smtplib

    code, said = connection.mail(sender)
    if code != 250:
        raise smtplib.SMTPSenderRefused(code, said, sender)
    for address in to:
        code, said = connection.rcpt(address)
        if code not in {250, 251}:
            connection.rset()
            raise smtplib.SMTPRecipientsRefused({address: (code, said)})
    code, said = connection.data(letter.as_bytes())
    if code != 250:
        raise smtplib.SMTPDataError(code, said)
    return f"it answered {code} {_shown(said)}"


def _refused(code: int, said: bytes | str) -> Undelivered:
    """4xx asks to try again later, 5xx says no for good; a person may repair both in time, so both are tried again."""
    return Undelivered(f"the mail server answered {code} {_shown(said)}")


def _shown(said: bytes | str) -> str:
    from volant.monitoring.alert_text import one_line

    return one_line(said.decode("utf-8", "replace") if isinstance(said, bytes) else said, 160)
