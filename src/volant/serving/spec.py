"""What a worker is told when it starts: one JSON value, written by whoever supervises it."""

from volant.access.model import Permission, Principal, Token
from volant.config.model import ServeConfig
from volant.evidence.keys import KeyColumn
from volant.kernel.codec import Value

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")


class WorkerSpec(Value, frozen=True, kw_only=True):
    """One served version. Paths are absolute.

    ``worker`` names the worker's own log folder and must be new for every start. ``fd`` is an inherited listening
    socket; without it the worker binds ``host:port``. ``tokens`` None means that nobody has to say who they are,
    which the worker refuses beyond loopback. ``allowed_hosts`` are further names under which it may be asked (``*``: any, for use
    behind a proxy that checks them).
    """

    worker: str
    package: str
    objects: str
    log: str
    scratch: str
    model: str
    version: int
    epoch: int
    arm: str = "champion"
    key: tuple[KeyColumn, ...] = ()
    time: KeyColumn | None = None
    limits: ServeConfig = ServeConfig()
    host: str = "127.0.0.1"
    port: int = 0
    fd: int | None = None
    tokens: tuple[Token, ...] | None = None
    allowed_hosts: tuple[str, ...] = ()
    sync: bool = False


class Ready(Value, frozen=True, kw_only=True):
    """The worker's first line of output once it answers: where it listens and how long loading took."""

    host: str
    port: int
    pid: int
    loaded_us: int


class Failed(Value, frozen=True, kw_only=True):
    """The worker's only line of output when it cannot serve: an error as ``errors.to_record`` gives it."""

    error: dict[str, object]


class Update(Value, frozen=True, kw_only=True):
    """A line of input while serving: the tokens that hold from now on."""

    tokens: tuple[Token, ...] | None


class Tokens:
    """Who may ask, by the digest of the secret; replaced as a whole when the supervisor sends an update."""

    def __init__(self, tokens: tuple[Token, ...] | None) -> None:
        self._by_digest: dict[str, Token] | None = None
        self.replace(tokens)

    def replace(self, tokens: tuple[Token, ...] | None) -> None:
        """Take these and forget the earlier ones; None: nobody has to say who they are."""
        self._by_digest = None if tokens is None else {token.digest: token for token in tokens}

    @property
    def needed(self) -> bool:
        """Whether requests must carry a token."""
        return self._by_digest is not None

    def allows(self, secret_digest: str, permission: Permission, now: int) -> bool | None:
        """None: no live token has this digest; else whether its role grants the permission."""
        token = (self._by_digest or {}).get(secret_digest)
        if token is None or token.revoked_at is not None or (token.expires_at is not None and token.expires_at <= now):
            return None
        return Principal(name=token.name, role=token.role).may(permission)
