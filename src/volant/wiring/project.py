"""An opened project: its configuration, its stores and its services, put together from the adapters."""

from collections.abc import Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from volant.config.load import load_text, read_settings
from volant.config.model import ProjectConfig
from volant.deployments.service import Rollouts
from volant.kernel.clock import Clock, SystemClock
from volant.kernel.errors import NotFoundError
from volant.kernel.ids import Ids, TimeOrderedIds
from volant.kernel.steered_clock import clock_of
from volant.monitoring.alert_model import Urgency
from volant.monitoring.alerts import Alerts
from volant.monitoring.rollout_alerts import tell
from volant.registry.service import Registry
from volant.wiring.pausing import Pauses
from volant.wiring.stores import Stores, sqlite_stores

if TYPE_CHECKING:
    from volant.evidence.open_rows import OpenRows
    from volant.wiring.glances import Glances

CONFIG_FILE = "volant.yaml"
STATE_FOLDER = ".volant"


def find_root(start: Path) -> Path:
    """The nearest folder at or above ``start`` that holds a ``volant.yaml``."""
    for folder in (start.resolve(), *start.resolve().parents):
        if (folder / CONFIG_FILE).is_file():
            return folder
    raise NotFoundError(
        "There is no Volant project here.",
        found=f"no {CONFIG_FILE} in {start.resolve()} or any folder above it",
        next_step="volant init NAME --data FILE --target COLUMN, then cd NAME",
    )


class Project:
    """One project. Attributes are the ports and services that commands, server and jobs use.

    Opening reads ``volant.yaml`` and opens the database; it imports nothing heavy. Threads may share it.
    """

    def __init__(
        self,
        root: Path,
        config: ProjectConfig,
        stores: Stores,
        *,
        clock: Clock,
        ids: Ids,
        lease_clock: Clock | None = None,
        environment: Mapping[str, str],
        settings: str | None = None,
    ) -> None:
        self.root = root
        self.state = root / STATE_FOLDER
        self.config = config
        self._settings = settings
        self.clock = clock
        self.lease_clock = lease_clock or clock
        self.ids = ids
        self.environment = environment
        self.stores = stores
        self.tx = stores.tx
        self.events = stores.events
        self.objects = stores.objects
        self.datasets = stores.datasets
        self.runs = stores.runs
        self.steps = stores.steps
        self.gates = stores.gates
        self.models = stores.models
        self.labels = stores.labels
        self.segments = stores.segments
        self.tokens = stores.tokens
        self.leases = stores.leases
        self.lineage = stores.lineage
        self.replays = stores.replays
        self.registry = Registry(tx=stores.tx, events=stores.events, models=stores.models, gates=stores.gates)
        self.windows = stores.windows
        self.inspections = stores.inspections
        self.alerts = Alerts(
            stores.alerts,
            clock,
            ids,
            tx=stores.tx,
            events=stores.events,
            targets=tuple(target.to for target in config.watch.alerts),
            only={target.to: tuple(map(Urgency, target.only)) for target in config.watch.alerts},
        )
        self.rollouts = Rollouts(
            tx=stores.tx,
            events=stores.events,
            registry=self.registry,
            clock=clock,
            ids=ids,
            paused=Pauses(stores.events),
            tell=partial(tell, self.alerts),
        )

    @cached_property
    def glances(self) -> "Glances":
        """The wheels of all models, as pages and ``status`` show them. Kept up to date from glance to glance."""
        from volant.wiring.glances import Glances

        return Glances(self)

    @property
    def name(self) -> str:
        """The project's name, which is also its model's and its dataset's."""
        return self.config.project

    @property
    def settings(self) -> str:
        """The text of ``volant.yaml`` that ``config`` was read from, whatever the file holds by now."""
        if self._settings is None:
            self._settings = read_settings(self.root / CONFIG_FILE)
        return self._settings

    @cached_property
    def open_rows(self) -> "OpenRows":
        """Counts the predicted rows that are in the log and not sealed yet."""
        from volant.evidence.open_rows import OpenRows

        return OpenRows(self.log_folder)

    @property
    def anchors(self) -> Path:
        """Checkpoints' chain values, kept beside the database (``kernel/audit.py``)."""
        return self.state / "anchors"

    @property
    def log_folder(self) -> Path:
        """Where workers append their predictions."""
        return self.state / "log"

    @property
    def cache_folder(self) -> Path:
        """Memos that may be deleted at any time."""
        return self.state / "cache"

    @property
    def scratch_folder(self) -> Path:
        """Half-made files, swept when their process is gone."""
        return self.state / "tmp"


def open_project(
    start: Path,
    *,
    environment: Mapping[str, str],
    clock: Clock | None = None,
    ids: Ids | None = None,
    settings: str | None = None,
) -> Project:
    """Open the project at or above ``start``.

    ``settings`` are used in place of what ``volant.yaml`` at ``start`` holds. Raises ``NotFoundError`` if there is no project,
    ``UsageError`` for settings that cannot be used and ``UnavailableError`` or ``IntegrityError`` for a database that cannot be
    opened.
    """
    root = find_root(start) if settings is None else start.resolve()
    text = read_settings(root / CONFIG_FILE) if settings is None else settings
    config = load_text(text, CONFIG_FILE, environment).config
    lease_clock = clock or SystemClock()
    clock = clock or clock_of(environment)
    ids = ids or TimeOrderedIds(clock)
    stores = sqlite_stores(root / STATE_FOLDER, clock, ids, lease_clock=lease_clock)
    return Project(root, config, stores, clock=clock, lease_clock=lease_clock, ids=ids, environment=environment, settings=text)
