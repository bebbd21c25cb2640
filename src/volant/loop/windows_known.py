"""What windows of the champion's traffic are known to a look: as stored then, or computed once more from the records."""

from typing import Protocol

from volant.gates.model import GateReport
from volant.loop.grounds import Seen
from volant.loop.setting import Ports
from volant.monitoring.drift_keeping import drift_again
from volant.monitoring.drift_model import DriftReport
from volant.monitoring.live import recomputed
from volant.monitoring.model import EstimatedWindow, LiveReport, MovedColumn, Reference, WindowEvidence, estimated_windows
from volant.monitoring.reference import full_reference


class Windows(Protocol):
    """Where the champion's windows come from."""

    def evidence(self, seen: Seen) -> tuple[WindowEvidence, ...]:
        """Those that decisions may rest on, oldest first."""
        ...

    def estimates(self, seen: Seen) -> tuple[EstimatedWindow, ...]:
        """What is to be expected of the full windows without labels, oldest first."""
        ...

    def reference(self, seen: Seen, report: GateReport) -> Reference | None:
        """What the champion showed on its own holdout."""
        ...

    def moved(self, seen: Seen) -> tuple[MovedColumn, ...]:
        """Columns that moved away from what the champion learned, the strongest first."""
        ...


class Stored:
    """As the jobs process keeps them up to date: the row that was there at the look."""

    def __init__(self, ports: Ports, live: LiveReport | None, drift: DriftReport | None = None) -> None:
        self._ports = ports
        self._live = live
        self._drift = drift

    def evidence(self, seen: Seen) -> tuple[WindowEvidence, ...]:
        """See the protocol."""
        return () if self._live is None or seen.windows is None else self._live.evidence()

    def estimates(self, seen: Seen) -> tuple[EstimatedWindow, ...]:
        """See the protocol."""
        return () if self._live is None or seen.windows is None else self._live.estimates()

    def reference(self, seen: Seen, report: GateReport) -> Reference | None:
        """See the protocol."""
        kept = None if self._live is None or self._live.version != report.version else self._live.reference
        return kept or full_reference(report, self._ports.objects, seen.metric)

    def moved(self, seen: Seen) -> tuple[MovedColumn, ...]:
        """See the protocol."""
        return () if self._drift is None or seen.drift is None else self._drift.evidence()


class Recomputed:
    """Once more from the log, the labels and the gate's stored answers, as they were."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    def evidence(self, seen: Seen) -> tuple[WindowEvidence, ...]:
        """See the protocol."""
        if seen.windows is None:
            return ()
        found = recomputed(self._ports.predictions, self._ports.labels, seen.windows)
        return tuple(window.evidence() for window in found.windows if window.ready)

    def estimates(self, seen: Seen) -> tuple[EstimatedWindow, ...]:
        """See the protocol."""
        if seen.windows is None:
            return ()
        return estimated_windows(recomputed(self._ports.predictions, self._ports.labels, seen.windows, self._ports.objects).windows)

    def reference(self, seen: Seen, report: GateReport) -> Reference | None:
        """See the protocol."""
        return full_reference(report, self._ports.objects, seen.metric)

    def moved(self, seen: Seen) -> tuple[MovedColumn, ...]:
        """See the protocol."""
        if seen.drift is None:
            return ()
        return drift_again(self._ports.windows, self._ports.objects, seen.model, seen.drift, seen.at)
