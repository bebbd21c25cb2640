"""Tells the targets of ``watch.alerts``: the log, signed webhooks, Slack."""

import sys
from collections.abc import Mapping, Sequence
from typing import TextIO

from volant.adapters.notify.posting import SECONDS, post
from volant.adapters.notify.signing import signed
from volant.config.model import AlertTarget
from volant.kernel.clock import Clock
from volant.monitoring.alert_model import Notice
from volant.monitoring.alert_ports import Undelivered
from volant.monitoring.alert_text import log_line, slack_body, webhook_body

DEFAULT_SECRET = "env:VOLANT_WEBHOOK_SECRET"  # noqa: S105 - where it is, not what it is


class Teller:
    """See :class:`volant.monitoring.alert_ports.Sender`. ``log`` is standard error unless another is given."""

    def __init__(
        self,
        targets: Sequence[AlertTarget],
        environment: Mapping[str, str],
        clock: Clock,
        *,
        log: TextIO | None = None,
        seconds: float = SECONDS,
    ) -> None:
        self._targets = {target.to: target for target in targets}
        self._environment = environment
        self._clock = clock
        self._log = log
        self._seconds = seconds

    async def __call__(self, target: str, delivery_id: str, notice: Notice) -> None:
        """See the port."""
        known = self._targets.get(target)
        if known is None:
            raise Undelivered("it is no longer named under watch.alerts", final=True)
        kind, _, reference = target.partition(":")
        if kind == "log":
            print(log_line(notice), file=self._log or sys.stderr, flush=True)
        elif kind == "slack":
            await post(self._value(reference), slack_body(notice), {}, seconds=self._seconds)
        else:
            url, secret, body = self._value(reference), self._value(known.secret or DEFAULT_SECRET), webhook_body(notice)
            await post(url, body, signed(secret, delivery_id, body, self._clock.now()), seconds=self._seconds)

    def _value(self, reference: str) -> str:
        """What a reference stands for in this process's environment."""
        name = reference.removeprefix("env:")
        value = self._environment.get(name, "").strip()
        if not value:
            raise Undelivered(f"the environment variable {name} is not set where volant up runs")
        return value
