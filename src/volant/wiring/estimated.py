"""What is to be expected of the champion without labels, and whether that may be believed, from the stored report alone."""

from typing import Any

from volant.kernel.codec import plain
from volant.loop.estimated import VALIDITY_LIMIT, estimated_signal
from volant.loop.performance import LIMIT
from volant.monitoring.model import LiveReport

Json = dict[str, Any]


def estimate_view(live: LiveReport | None) -> Json | None:
    """What the trigger ``estimated_performance: worse`` hears, and the check of it. None where nothing is estimated."""
    windows = () if live is None else live.estimates()
    if live is None or live.reference is None or not windows:
        return None
    reference = live.reference
    found = estimated_signal(windows, reference.loss, reference.loss_variance, reference.df)
    newest = windows[-1].estimate
    return {
        "fired": found.fired,
        "worse": {**plain(found.worse), "limit": LIMIT},
        "validity": {**plain(found.validity), "limit": VALIDITY_LIMIT},
        "outside": found.outside,
        "windows": len(windows),
        "newest": {**plain(newest), "doubt": newest.outside_column is not None},
    }
