"""A project whose stores are files, small and real: several processes share it, and what was written survives a kill."""

import contextlib
import fcntl
import os
from pathlib import Path

import msgspec

from volant.access.model import Token
from volant.config.model import DataConfig, ProjectConfig, Task
from volant.data.model import Column, DatasetVersion, Dtype, Origin
from volant.evidence.model import Label, LabelCounts
from volant.jobs.model import Lease
from volant.kernel.clock import SystemClock
from volant.kernel.codec import canonical, decode
from volant.kernel.errors import NotFoundError
from volant.kernel.events import GENESIS, Checkpoint, Event
from volant.kernel.ids import TimeOrderedIds
from volant.registry.model import ModelState, ModelVersion, VersionState

COLUMNS = (
    Column(name="station", dtype=Dtype.STRING, nullable=False),
    Column(name="cnt", dtype=Dtype.FLOAT, nullable=False),
)


class Lines:
    """Values of one kind, one a line, appended durably under a lock."""

    def __init__(self, path, kind):
        self.path, self.kind = path, kind
        path.touch()

    @contextlib.contextmanager
    def locked(self):
        with self.path.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file

    def read(self):
        return [decode(line, self.kind) for line in self.path.read_bytes().split(b"\n")[:-1]]

    def append(self, values, file=None):
        if file is None:
            with self.locked() as own:
                return self.append(values, own)
        file.seek(0, os.SEEK_END)
        file.write(b"".join(canonical(value) + b"\n" for value in values))
        file.flush()
        os.fsync(file.fileno())
        return None


class Events:
    def __init__(self, folder, clock):
        self.lines, self.points, self.clock = Lines(folder / "events", Event), Lines(folder / "points", Checkpoint), clock

    def append_kind(self, stream, kind, data):
        with self.lines.locked() as file:
            seq = 1 + sum(event.stream == stream for event in self.lines.read())
            fields = {"stream": stream, "kind": kind, "data": data, "actor": "x", "recorded_at": self.clock.now(), "chain": GENESIS}
            self.lines.append([Event(id=f"{stream}{seq}", seq=seq, **fields)], file)

    def read(self, stream, after_seq=0):
        return tuple(event for event in self.lines.read() if event.stream == stream and event.seq > after_seq)

    def streams(self):
        return tuple(sorted({event.stream for event in self.lines.read()}))

    def checkpoint(self):
        heads = {stream: (len(self.read(stream)), GENESIS) for stream in self.streams()}
        made = Checkpoint(number=len(self.points.read()) + 1, recorded_at=self.clock.now(), heads=heads, chain=GENESIS)
        self.points.append([made])
        return made

    def checkpoints(self):
        return tuple(self.points.read())


class Registry:
    """Events ``released`` and ``proposed`` whose data is the version's number."""

    def __init__(self, events):
        self.events = events

    def state(self, model):
        fields = {"model": model, "versions": {}, "champion": None, "epoch": 0, "seq": 0}
        for event in self.events.read(f"model/{model}"):
            number, released = int(event.data), event.kind == "released"
            fields["seq"] = event.seq
            fields["versions"][number] = VersionState.CHAMPION if released else VersionState(event.kind)
            if released:
                fields |= {"champion": number, "epoch": fields["epoch"] + 1}
        return ModelState(**fields)


class Models:
    package = "sum"

    def get(self, model, number):
        fields = {"run_id": "r", "run_revision": 1, "dataset_version": 1, "pipeline": "p", "policy": "p", "metrics": {}, "trained_rows": 1}
        rest = {"trained_until_us": None, "trained_rows_digest": None, "registered_at": 0}
        return ModelVersion(model=model, number=number, package=self.package, dataset=model, **fields, **rest)


class Datasets:
    def __init__(self, clock):
        self.clock = clock

    def get(self, dataset, number):
        return DatasetVersion(
            dataset=dataset,
            number=number,
            digest="d",
            format="csv",
            rows=1,
            columns=COLUMNS,
            origin=Origin.SOURCE,
            source="s",
            recorded_at=0,
        )

    def latest(self, dataset):
        return self.get(dataset, 1)


class Tokens:
    def __init__(self, folder):
        self.lines = Lines(folder / "tokens", Token)

    def add(self, token):
        self.lines.append([token])

    def tokens(self):
        return tuple({token.name: token for token in self.lines.read()}.values())

    def revoke(self, name, at):
        token = next((token for token in self.tokens() if token.name == name), None)
        if token is None:
            raise NotFoundError("none")
        self.add(msgspec.structs.replace(token, revoked_at=at))


class Leases:
    def __init__(self, folder, clock):
        self.lines, self.clock = Lines(folder / "leases", Lease), clock

    def current(self, name):
        lease = next((lease for lease in reversed(self.lines.read()) if lease.name == name), None)
        return lease if lease is not None and lease.expires_at > self.clock.now() else None

    def acquire(self, name, holder, ttl_us):
        with self.lines.locked() as file:
            held = self.current(name)
            if held is not None and held.holder != holder:
                return None
            lease = Lease(name=name, holder=holder, fence=1, expires_at=self.clock.now() + ttl_us)
            self.lines.append([lease], file)
            return lease

    def release(self, name, holder):
        held = self.current(name)
        if held is not None and held.holder == holder:
            self.lines.append([Lease(name=name, holder=holder, fence=1, expires_at=0)])


class Labels:
    def __init__(self, folder):
        self.lines = Lines(folder / "labels", Label)

    def add(self, model, labels):
        del model
        self.lines.append(labels)
        return LabelCounts(new=len(labels), corrected=0, repeated=0)


class Transactions:
    def transaction(self):
        return contextlib.nullcontext()


class FileProject:
    """What the server uses of ``wiring.project.Project``."""

    name = "bikes"

    def __init__(self, root):
        self.root = Path(root)
        self.state = self.root / ".volant"
        self.state.mkdir(parents=True, exist_ok=True)
        self.log_folder = self.state / "log"
        self.anchors = self.state / "anchors"
        self.scratch_folder = self.state / "tmp"
        self.clock = SystemClock()
        self.ids = TimeOrderedIds(self.clock)
        self.environment = dict(os.environ)
        data = DataConfig(source="data.csv", key=("station",))
        self.config = ProjectConfig(version=1, project=self.name, task=Task.REGRESSION, target="cnt", metric="mae", data=data)
        self.events = Events(self.state, self.clock)
        self.registry = Registry(self.events)
        self.models = Models()
        self.datasets = Datasets(self.clock)
        self.tokens = Tokens(self.state)
        self.leases = Leases(self.state, self.clock)
        self.labels = Labels(self.state)
        self.tx = Transactions()

    def release(self, number):
        """As another process does it: the version is champion from now on."""
        self.events.append_kind(f"model/{self.name}", "released", str(number).encode())

    def propose(self, number):
        self.events.append_kind(f"model/{self.name}", "proposed", str(number).encode())
