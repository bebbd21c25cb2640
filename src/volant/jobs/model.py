"""Values of the jobs package."""

from volant.kernel.codec import Value


class Lease(Value, frozen=True, kw_only=True):
    """The right to do something until ``expires_at``. ``fence`` grows with every change of holder."""

    name: str
    holder: str
    fence: int
    expires_at: int
