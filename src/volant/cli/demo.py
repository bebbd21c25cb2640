"""``volant demo``: the whole wheel on a simulated city, told step by step with the real commands."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from volant.cli.blocks import Text, bad, good, strong
from volant.cli.demo_parts import Server, StoryError, ask, volant
from volant.cli.plain import coloured, colourless
from volant.cli.session import Answer, Session
from volant.kernel.errors import AlreadyExistsError

if TYPE_CHECKING:
    from volant.testing.city import Ride
    from volant.wiring.project import Project

NAME = "city"


def tell(session: Session, keep: Path | None, seed: int) -> Answer:
    """Play the story in a new folder; exit code 1 if it did not happen as told."""
    with _stage(keep) as folder:
        story = _Story(session, folder, seed)
        try:
            facts = story.play()
        except StoryError as error:
            broke = f"the story broke at step {story.step}: {error}"
            return Answer({"happened": False, "step": story.step, "why": str(error)}, [Text(bad(broke))], 1)
    where = f"the project is in {keep / NAME}" if keep is not None else "the project is gone; keep one with: volant demo --keep DIR"
    return Answer({"happened": True, **facts}, [Text(good("the wheel turned once, as told")), Text(where)])


@contextmanager
def _stage(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="volant-demo-") as folder:
            yield Path(folder)
        return
    if keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        raise AlreadyExistsError(f"{keep} exists already.", next_step="name a new folder: volant demo --keep DIR")
    keep.mkdir(parents=True, exist_ok=True)
    yield keep.resolve()


class _Story:
    """Eight steps; each runs commands that a person would type and checks what came of them."""

    def __init__(self, session: Session, folder: Path, seed: int) -> None:
        self._session = session
        self._out = session.err if session.as_json else session.out
        self._paint = coloured if session.colour(self._out) else colourless
        self._folder = folder
        self._home = folder / NAME
        self._seed = seed
        self._live_rides: list[Ride] = []
        self.step = 0

    def play(self) -> dict[str, Any]:
        """All of it."""
        self._say("Everything below is SIMULATED: a made-up city of rental bikes. The commands are real.\n")
        self._data()
        self._init()
        self._first_run()
        with Server(self._home, self._environment()) as server:
            self._say(f"  {server.started['url']} answers with {NAME}@{server.started['champion']}, in a process of its own\n")
            prediction = self._live(server)
            self._labels()
            self._second_run(server)
            self._lineage(prediction)
        return {"prediction": prediction, "replay": self._replay()}

    def _data(self) -> None:
        from volant.testing.city import CHANGE_DAY, HISTORY_DAYS, LIVE_DAYS, simulate, write_rides, write_truth

        self._next("A city and its rides")
        rides = simulate(HISTORY_DAYS, seed=self._seed)
        self._live_rides = simulate(LIVE_DAYS, seed=self._seed, first_day=HISTORY_DAYS)
        write_rides(self._folder / "rides.csv", rides)
        write_truth(self._folder / "truth.csv", self._live_rides)
        self._say(f"  rides.csv: {len(rides):,} hours of demand at three stations, {HISTORY_DAYS} days")
        self._say(f"  {CHANGE_DAY - HISTORY_DAYS} days after its end a tram line will open and change who rides where\n")

    def _init(self) -> None:
        self._next("A project from the file")
        options = ["--data", "rides.csv", "--target", "rentals", "--time", "hour", "--key", "station,hour", "--label-delay", "1d"]
        self._run(["init", NAME, *options], folder=self._folder)
        policy = self._home / "volant.yaml"
        policy.write_text(policy.read_text(encoding="utf-8").replace("latency_p99: 100ms", "latency_p99: 5s"), encoding="utf-8")
        self._say("  for this demo the latency limit in volant.yaml is raised to 5 s: the machine may be busy\n")

    def _first_run(self) -> None:
        self._next("Data, training and the gate: is it better than the last known value?")
        self._run(["run"])
        found = self._version(1)
        self._expect(found["state"] == "proposed", f"the first version should be proposed, and is {found['state']}")
        self._next("A person lets it out")
        self._run(["approve", f"{NAME}@1", "--reason", "better than yesterday's value"])
        self._next("It serves")
        self._command(["up"])

    def _live(self, server: Server) -> str:
        """Two months of requests; the id of the last prediction."""
        rows = [ride.features for ride in self._live_rides]
        daily = 24 * 3
        self._next(f"{len(rows) // daily} days pass: each day asks for its demand over HTTP")
        identifier = ""
        for start in range(0, len(rows), daily):
            answers, identifier = ask(server.started["url"], rows[start : start + daily])
            self._expect(len(answers) == daily, "a day should have been answered")
        errors = [abs(answer - ride.demand) for answer, ride in zip(answers, self._live_rides[-daily:], strict=True)]
        self._say(f"  {len(rows):,} predictions answered, and logged before they were answered")
        self._say(f"  on the last day they were wrong by {sum(errors) / daily:.1f} rentals an hour; nobody knows that yet\n")
        return f"{identifier}.{daily - 1}"

    def _labels(self) -> None:
        self._next("The truth comes a day late")
        self._run(["labels", "add", "../truth.csv", "--on", "station,hour", "--known-at", "known_at"])
        project = self._project()
        known = project.labels.count(project.name, known_by=project.clock.now())
        self._expect(known == len(self._live_rides), f"{len(self._live_rides)} labels should be known, and {known} are")

    def _second_run(self, server: Server) -> None:
        self._next("The wheel turns by itself: the server has noticed, and trains on what was logged and labelled")
        server.wait_for(lambda: len(self._project().models.versions(NAME)) > 1, "the server should have retrained by itself")
        self._run(["policy", "show"])
        found = self._version(2)
        self._expect(found["state"] == "proposed", f"the second version should be proposed, and is {found['state']}")
        against = found["against_champion"]
        self._expect(against is not None and against["high"] < 0, "the second version should surely be better than the first")
        self._run(["models", "show", f"{NAME}@2"])
        self._run(["approve", f"{NAME}@2", "--reason", "it knows about the tram"])
        server.wait_for_version(2)
        self._say(f"  the server answers with {NAME}@2 now; nobody started it again\n")

    def _lineage(self, prediction: str) -> None:
        from volant.wiring import commands

        self._next("One of those predictions, and everything it was made of")
        self._run(["lineage", prediction])
        above = commands.lineage(self._project(), prediction)["from"]
        self._expect(bool(above) and above[0]["node"] == f"model:{NAME}@1", "the prediction should lead to version 1")
        self._run(["audit", "verify"])

    def _replay(self) -> dict[str, float | None]:
        import orjson

        self._next("Would retraining have helped? History again, as the world would have seen it")
        self._run(["replay", "--windows", "8", "--policy", "never,every:1:growing,project:growing"])
        project = self._project()
        result = orjson.loads(project.objects.get(project.replays.replays(NAME)[0].result))
        metrics = {policy["name"]: policy["metric"] for policy in result["policies"]}
        self._expect(min(metrics.values()) < metrics["never"], "retraining should have helped")
        return metrics

    def _version(self, number: int) -> dict[str, Any]:
        from volant.wiring import commands

        return commands.version_detail(self._project(), number)

    def _project(self) -> "Project":
        """Opened anew: other processes have written since."""
        from volant.wiring.project import open_project

        return open_project(self._home, environment=self._session.environment)

    def _environment(self) -> Mapping[str, str]:
        return {**self._session.environment, "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"}

    def _run(self, words: list[str], folder: Path | None = None) -> None:
        """Type a command and show what it says."""
        self._command(words)
        text = volant(words, folder or self._home, self._environment())
        self._say("".join(f"  {line}\n" for line in text.splitlines()))

    def _command(self, words: list[str]) -> None:
        typed = " ".join(f'"{word}"' if " " in word else word for word in words)
        self._say(f"  {self._paint(strong(f'$ volant {typed}'))}")

    def _next(self, title: str) -> None:
        self.step += 1
        self._say(self._paint(strong(f"{self.step}. {title}")))

    def _say(self, text: str) -> None:
        self._out.write(f"{text}\n")
        self._out.flush()

    def _expect(self, happened: bool, otherwise: str) -> None:
        if not happened:
            raise StoryError(otherwise)
