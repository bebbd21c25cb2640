"""Tells the targets of ``watch.alerts``: the log, signed webhooks, Slack."""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TextIO

from volant.adapters.notify.posting import SECONDS, post
from volant.adapters.notify.signing import signed
from volant.config.alert_lines import DEFAULT_SECRET
from volant.config.model import AlertTarget
from volant.kernel.clock import Clock
from volant.monitoring.alert_model import Notice
from volant.monitoring.alert_ports import Undelivered
from volant.monitoring.alert_text import log_line, slack_body, webhook_body


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

    async def __call__(self, target: str, delivery_id: str, notice: Notice) -> None:
        """See the port."""
        known = next((one for one in self._targets() if one.to == target), None)
        if known is None:
            raise Undelivered("it is no longer named under watch.alerts", final=True)
        kind, _, reference = target.partition(":")
        if kind == "log":
            self._write(log_line(notice, self._clock.now()))
        elif kind == "slack":
            await post(self._value(reference), slack_body(notice, self._clock.now()), {}, seconds=self._seconds)
        else:
            url, secret, body = self._value(reference), self._value(known.secret or DEFAULT_SECRET), webhook_body(notice)
            await post(url, body, signed(secret, delivery_id, body, self._clock.now()), seconds=self._seconds)

    def _write(self, line: str) -> None:
        try:
            print(line, file=self._log or sys.stderr, flush=True)
        except (OSError, ValueError) as error:  # a pipe that nobody reads any more, a closed file
            raise Undelivered("standard error cannot be written to") from error

    def _value(self, reference: str) -> str:
        """What a reference stands for in this process's environment."""
        name = reference.removeprefix("env:")
        value = self._environment.get(name, "").strip()
        if not value:
            raise Undelivered(f"the environment variable {name} is not set where volant up runs")
        return value
