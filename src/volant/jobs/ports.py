"""What jobs need stored."""

from typing import Protocol

from volant.jobs.model import Lease


class LeaseStore(Protocol):
    """Leases by name, decided in one transaction each."""

    def acquire(self, name: str, holder: str, ttl_us: int) -> Lease | None:
        """The lease, new or prolonged; None while another holder's lease runs."""
        ...

    def release(self, name: str, holder: str) -> None:
        """Give it back; nothing happens if it is not held by ``holder``."""
        ...

    def running(self, prefix: str) -> tuple[Lease, ...]:
        """All running leases whose names begin so, by name."""
        ...

    def current(self, name: str) -> Lease | None:
        """The running lease, or None."""
        ...
