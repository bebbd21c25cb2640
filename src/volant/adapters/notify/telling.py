"""Tells the targets of ``watch.alerts``: the log, signed webhooks, Slack, mail, an Alertmanager."""

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TextIO

from volant.adapters.notify.mailing import SECONDS as MAIL_SECONDS
from volant.adapters.notify.mailing import mail_server, post_letter
from volant.adapters.notify.posting import SECONDS, post
from volant.adapters.notify.signing import signed
from volant.config.alert_lines import DEFAULT_SECRET, DEFAULT_SERVER, MAIL_ADDRESS
from volant.config.model import AlertTarget
from volant.kernel.clock import Clock
from volant.monitoring.alert_digest import slack_digest_body
from volant.monitoring.alert_model import Alert, Notice
from volant.monitoring.alert_ports import Undelivered
from volant.monitoring.alert_states import State, alert_state, notice_states, states_body
from volant.monitoring.alert_text import log_line, slack_body, webhook_body

if TYPE_CHECKING:
    from email.message import EmailMessage

    from volant.monitoring.alert_letter import Envelope

PUBLIC_URL = "VOLANT_PUBLIC_URL"  # where people reach the pages; messages link to them
_STATES_PATH = "/api/v2/alerts"


class Teller:
    """See :class:`volant.monitoring.alert_ports.Sender`. ``targets`` gives those that are named now.

    ``log`` is standard error unless another is given.
    """

    def __init__(
        self,
        targets: Callable[[], Sequence[AlertTarget]],
        environment: Mapping[str, str],
        clock: Clock,
        *,
        log: TextIO | None = None,
        seconds: float = SECONDS,
    ) -> None:
        self._targets = targets
        self._environment = environment
        self._clock = clock
        self._log = log
        self._seconds = seconds
        self._mail_seconds = MAIL_SECONDS if seconds == SECONDS else seconds

    async def __call__(self, target: str, delivery_id: str, notice: Notice) -> str:
        """See the port."""
        known = self._known(target)
        kind, _, reference = target.partition(":")
        now = self._clock.now()
        if kind == "log":
            return self._write(log_line(notice, now))
        if kind == "slack":
            return await post(self._value(reference), slack_body(notice, now), {}, seconds=self._seconds)
        if kind == "alertmanager":
            return await self._post_states(known, notice_states(notice, now, self._page()))
        if kind == "mail":
            from volant.monitoring.alert_letter import letter

            return await self._mail(known, lambda envelope: letter(notice, delivery_id, envelope))
        url, secret, body = self._value(reference), self._value(known.secret or DEFAULT_SECRET), webhook_body(notice)
        return await post(url, body, signed(secret, delivery_id, body, now), seconds=self._seconds)

    async def together(self, target: str, delivery_id: str, notices: Sequence[Notice]) -> str:
        """See the port."""
        known = self._known(target)
        kind, _, reference = target.partition(":")
        if kind == "slack":
            return await post(self._value(reference), slack_digest_body(notices), {}, seconds=self._seconds)
        from volant.monitoring.alert_letter import digest_letter

        return await self._mail(known, lambda envelope: digest_letter(notices, delivery_id, envelope))

    async def say_again(self, target: str, alerts: Sequence[Alert]) -> str:
        """Tell an Alertmanager how alerts stand. :class:`Undelivered`."""
        now, page = self._clock.now(), self._page()
        return await self._post_states(self._known(target), [alert_state(alert, now, page) for alert in alerts])

    async def _post_states(self, known: AlertTarget, states: Sequence[State]) -> str:
        token = {"Authorization": f"Bearer {_token(self._value(known.secret))}"} if known.secret else {}
        url = self._value(known.to.partition(":")[2]).rstrip("/").removesuffix(_STATES_PATH) + _STATES_PATH
        return await post(url, states_body(states), token, seconds=self._seconds)

    async def _mail(self, known: AlertTarget, write: Callable[["Envelope"], "EmailMessage"]) -> str:
        from volant.monitoring.alert_letter import Envelope

        url = self._value(known.server or DEFAULT_SERVER)
        server = mail_server(url)
        named = re.fullmatch(MAIL_ADDRESS, server.user, re.ASCII) is not None
        sender = known.sender or (server.user if named else f"volant@{_domain(server.host)}")
        reference = known.to.partition(":")[2]
        to = _addresses(self._value(reference)) if reference.startswith("env:") else [reference]
        envelope = Envelope(sender, ", ".join(to), self._clock.now(), self._page())
        return await post_letter(url, write(envelope), sender, to, seconds=self._mail_seconds)

    def _known(self, target: str) -> AlertTarget:
        known = next((one for one in self._targets() if one.to == target), None)
        if known is None:
            raise Undelivered("it is no longer named under watch.alerts", final=True)
        return known

    def _page(self) -> str | None:
        """Where people reach the pages, or None where nobody said it."""
        url = self._environment.get(PUBLIC_URL, "").strip().rstrip("/")
        usable = url.startswith(("http://", "https://")) and url.isascii() and url.isprintable() and not set(url) & set(' "<>')
        return url if usable else None

    def _write(self, line: str) -> str:
        try:
            print(line, file=self._log or sys.stderr, flush=True)
        except (OSError, ValueError) as error:  # a pipe that nobody reads any more, a closed file
            raise Undelivered("standard error cannot be written to") from error
        return "it was written to standard error"

    def _value(self, reference: str) -> str:
        """What a reference stands for in this process's environment."""
        name = reference.removeprefix("env:")
        value = self._environment.get(name, "").strip()
        if not value:
            raise Undelivered(f"the environment variable {name} is not set where volant up runs")
        return value


def _addresses(text: str) -> list[str]:
    found = [one.strip() for one in text.split(",") if one.strip()]
    if not found or any(re.fullmatch(MAIL_ADDRESS, one, re.ASCII) is None for one in found):
        raise Undelivered("its addresses are not a list like ana@example.com, ben@example.com")
    return found


def _domain(host: str) -> str:
    return host if any(sign.isalpha() for sign in host) and ":" not in host else "localhost"


def _token(text: str) -> str:
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise Undelivered("its token holds what no header may hold")
    return text
