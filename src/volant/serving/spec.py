"""What a worker is told when it starts: one JSON value, written by whoever supervises it."""

from volant.access.model import Token
from volant.config.model import ServeConfig
from volant.deployments.arms import Routing
from volant.evidence.keys import KeyColumn
from volant.kernel.codec import Value


class WorkerSpec(Value, frozen=True, kw_only=True):
    """One served version. Paths are absolute.

    ``worker`` names the worker's own log folder and must be new for every start. ``fd`` is an inherited listening
    socket; without it the worker binds ``host:port``. ``private_fd`` is a second one that no other worker shares.
    ``tokens`` None means that nobody has to say who they are, which the worker refuses beyond loopback.
    ``allowed_hosts`` are further names under which it may be asked. With ``arm_socket`` the process is a further arm: it
    listens there, speaks only with champions' workers, and neither logs nor knows tokens. ``routing`` is where a
    champion's worker finds such an arm. One that is not ``open`` accepts nothing on the shared socket until it is told to.
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
    private_fd: int | None = None
    tokens: tuple[Token, ...] | None = None
    allowed_hosts: tuple[str, ...] = ()
    sync: bool = False
    arm_socket: str | None = None
    routing: Routing | None = None
    open: bool = True


class Ready(Value, frozen=True, kw_only=True):
    """The worker's first line of output once it answers: where it listens and how long loading took."""

    host: str
    port: int
    pid: int
    loaded_us: int
    inputs: tuple[str, ...] = ()
    classes: tuple[bool | int | float | str, ...] = ()


class Failed(Value, frozen=True, kw_only=True):
    """The worker's only line of output when it cannot serve: an error as ``errors.to_record`` gives it."""

    error: dict[str, object]


class Update(Value, frozen=True, kw_only=True):
    """A line of input while serving: everything that holds from now on.

    ``epoch`` None leaves it as it was. A worker that is not ``open`` answers what was asked and accepts nothing more: it
    is kept warm.
    """

    serial: int = 0
    tokens: tuple[Token, ...] | None
    routing: Routing | None = None
    epoch: int | None = None
    open: bool = True


class Done(Value, frozen=True, kw_only=True):
    """A line of output: the update with this number holds."""

    serial: int
