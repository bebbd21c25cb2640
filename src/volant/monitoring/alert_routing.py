"""Which alerts go where: what is worth a page, a ticket or a note, and which targets want which of them."""

from collections.abc import Iterable, Mapping, Sequence

from volant.monitoring.alert_model import Alert, Severity, Urgency

# Inputs that move, and answers whose labels stopped, need not be wrong answers: they never rouse anybody.
NEVER_PAGES = frozenset({"drift", "labels", "skew"})
_BY_SEVERITY = {Severity.CRITICAL: Urgency.PAGE, Severity.WARNING: Urgency.TICKET, Severity.INFO: Urgency.NOTE}


def urgency_of(alert: Alert) -> Urgency:
    """What an alert asks for now. Performance and broken contracts may page; drift opens a ticket at most."""
    found = _BY_SEVERITY[alert.severity]
    return Urgency.TICKET if found is Urgency.PAGE and alert.cause in NEVER_PAGES else found


class Routes:
    """The targets in their order, and what each wants; one that is not among ``only`` wants everything."""

    def __init__(self, targets: Iterable[str], only: Mapping[str, Sequence[Urgency]] | None = None) -> None:
        self._targets = tuple(dict.fromkeys(targets))
        self._only = {target: frozenset(wanted) for target, wanted in (only or {}).items() if wanted}

    def wanting(self, alert: Alert) -> tuple[str, ...]:
        """Who is told that it holds."""
        urgency = urgency_of(alert)
        return tuple(target for target in self._targets if urgency in self._only.get(target, frozenset(Urgency)))

    def heard(self, alert: Alert) -> tuple[str, ...]:
        """Who is told that it is over: those that were told of it and are named still."""
        return tuple(target for target in self._targets if alert.addressed is None or target in alert.addressed)
