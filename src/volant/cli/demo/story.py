"""The story: what people do, what the product then does by itself, and one step after another what must have come of it."""

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from volant.cli.demo import edits
from volant.cli.demo.news import News
from volant.cli.demo.promises import Cast, check_all, expect, lineage_of, newest
from volant.cli.demo.running import Server, volant
from volant.cli.demo.teller import Teller
from volant.cli.demo.world import World, passing
from volant.deployments.model import Phase, Rollout
from volant.gates.model import Verdict
from volant.testing.city import CHANGE_DAY, City, write_rides

if TYPE_CHECKING:
    from volant.wiring.project import Project

NAME = "city"
CALM_DAYS = 6
HISTORY_DAYS = CHANGE_DAY - CALM_DAYS
MOST_DAYS = 45
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS")  # small work: threads would only wait for each other


class Story:
    """Runs the commands that people would type, lets days pass, and checks what the product made of them."""

    def __init__(self, environment: Mapping[str, str], teller: Teller, folder: Path, seed: int) -> None:
        self._given = environment
        self._teller = teller
        self._folder = folder
        self.home = folder / NAME
        self._city = City(seed)
        self._began = self._city.beginning_of(HISTORY_DAYS)
        self._world = World(folder, self._city, self._began)

    def play(self, *, keep: bool) -> dict[str, Any]:
        """All of it; with ``keep`` it goes on until somebody interrupts."""
        self._teller.say("Everything below is SIMULATED: a made-up city of rental bikes, and its clock. The commands are real.")
        self._data()
        self._project_files()
        self._first_champion()
        with Server(self.home, self._environment, self._folder / "server.log") as server:
            self._serve(server)
            self._good_candidate(server)
            good = self._promotion(server)
            refused = self._mistake(server)
            broken = self._trap(server)
            cast = Cast(good=good, refused=refused, broken=broken)
            facts = self._look_back(server, cast)
            if keep:
                self._keep(server)
        return facts

    def _data(self) -> None:
        self._teller.next("A city and its rides")
        rides = [ride for _ in range(HISTORY_DAYS) for ride in self._city.next_day()]
        write_rides(self._folder / "rides.csv", rides)
        self._teller.say(f"  rides.csv: {len(rides):,} hours of demand at three stations, {HISTORY_DAYS} days")
        self._teller.say(f"  {CALM_DAYS} days after its end a tram line will open and change who rides where; no column says so")

    def _project_files(self) -> None:
        self._teller.next("A project from the file, and a policy that lets the gates decide")
        words = ["init", NAME, "--data", "rides.csv", "--target", "rentals", "--time", "hour", "--key", "station,hour"]
        self._run([*words, "--label-delay", "1d"], folder=self._folder, choose=lambda line: line.startswith("wrote"))
        edits.write_pipeline(self._pipeline)
        policy = edits.write_policy(self.home / "volant.yaml")
        self._teller.say("  pipeline.py becomes a small model of its own; volant.yaml says:")
        self._teller.printed(policy)

    def _first_champion(self) -> None:
        self._teller.next("The first champion: better than the last known value?")
        self._run(["run"])
        state = self._project.registry.state(NAME)
        expect(state.champion == 1, f"version 1 should be the champion, and {state.champion} is")
        self._news.fresh()

    def _serve(self, server: Server) -> None:
        self._teller.next("It serves, and the days go by: every hour is asked for over HTTP, the truth comes a day later")
        self._teller.typed(["up"])
        server.settle()
        self._teller.say(f"  {server.url} answers with {NAME}@1")
        self._pass(server, lambda: self._world.day >= CHANGE_DAY, CALM_DAYS, "the calm days should have passed")

    def _good_candidate(self, server: Server) -> None:
        self._teller.next("The tram line opens. Nobody tells the model; its live error does, and the wheel turns by itself")
        self._pass(server, lambda: self._rollout.active, MOST_DAYS, "the automation should have found a better version by itself")

    def _promotion(self, server: Server) -> int:
        candidate = self._rollout.candidate
        self._teller.next(f"{NAME}@{candidate} goes into traffic step by step: shadow, canary, everything")
        ended = "its rollout should have ended"
        self._pass(server, lambda: not self._rollout.active, MOST_DAYS, ended)
        expect(self._rollout.phase is Phase.PROMOTED, f"{NAME}@{candidate} should be promoted: {self._rollout.sentence}")
        return candidate

    def _mistake(self, server: Server) -> int:
        self._teller.next("A colleague adds thirty bikes to every answer, to be on the safe side")
        self._change("- {}", "+ {}", edits.MISTAKE)
        self._run(["run"], code=3)
        edits.edit(self._pipeline, (edits.MISTAKE[1], edits.MISTAKE[0]))
        self._tell_news()
        server.settle()
        version = newest(self._project)
        verdict = self._project.registry.report(self._project.models.get(NAME, version))
        expect(verdict is not None and verdict.verdict is Verdict.FAIL, f"the gate should have failed {NAME}@{version}")
        self._teller.say("  the gate refused it; it never met a request, and the edit is taken back")
        return version

    def _trap(self, server: Server) -> int:
        self._teller.next("Another counts the rain, and the docks of each station that there is today")
        for change in edits.TRAP:
            self._change("- {}", "+ {}", change)
        self._run(["run"])
        version = newest(self._project)
        self._tell_news()
        expect(self._rollout.candidate == version and self._rollout.active, f"{NAME}@{version} should be on its way into traffic")
        server.settle()
        self._pass(server, lambda: self._rollout.phase is not Phase.SHADOW, MOST_DAYS, "its shadow should have ended")
        expect(self._rollout.phase is Phase.CANARY, f"{NAME}@{version} should answer some requests: {self._rollout.sentence}")
        self._teller.next("A station opens at the terminus, and the canary does not know its docks")
        self._world.open_terminus()
        self._pass(server, lambda: not self._rollout.active, MOST_DAYS, "the canary should have been taken back")
        expect(self._rollout.phase is Phase.ROLLED_BACK, f"{NAME}@{version} should be rolled back: {self._rollout.sentence}")
        self._teller.say("  each request that it failed on was answered by the champion; the colleague repairs pipeline.py:")
        self._change("- {}", "+ {}", edits.REPAIR)
        return version

    def _look_back(self, server: Server, cast: Cast) -> dict[str, Any]:
        self._pass(server, lambda: True, 1, "a day should have passed")
        self._teller.next("Every automatic decision, with its reason")
        for item in self._news.all:
            if item.decision:
                self._teller.news(item.at, item.text)
        self._teller.next("The last prediction, and everything it was made of")
        self._run(["lineage", self._world.last_prediction], choose=lambda line: "│" not in line)
        self._teller.next("Would the same evidence lead to the same decisions? Was anything edited?")
        self._run(["replay", "--lived"], code=None, choose=lambda line: "automatic decisions" in line)
        self._run(["audit", "verify"])
        facts = check_all(self._project, cast, answered=self._world.answered, asked=self._world.asked)
        lineage_of(self._project, self._world.last_prediction)
        self._teller.say(f"  {self._world.answered:,} rows were asked for, and each was answered: no request failed")
        return {**facts, "prediction": self._world.last_prediction, "decisions": sum(item.decision for item in self._news.all)}

    def _keep(self, server: Server) -> None:
        self._teller.next("It goes on: an hour of the city in a second, until Ctrl-C")
        self._teller.say(f"  pages  {server.url}")
        self._teller.say(f"  folder {self.home}")
        self._teller.say(f"  time   VOLANT_CLOCK={self._world.steering.path} gives your own commands the city's time")
        try:
            self._world.go_on(server, self._teller, self._news)
        except KeyboardInterrupt:
            self._teller.say("\n  ending the server")

    def _pass(self, server: Server, until: Callable[[], bool], most: int, otherwise: str) -> None:
        passing(self._world, server, self._news, self._teller, until=until, most=most, otherwise=otherwise)

    def _tell_news(self) -> None:
        for item in self._news.fresh():
            self._teller.news(item.at, item.text)

    def _change(self, removed: str, added: str, change: tuple[str, str]) -> None:
        edits.edit(self._pipeline, change)
        self._teller.printed(removed.format(change[0]))
        self._teller.printed("\n".join(added.format(line) for line in change[1].splitlines()))

    def _run(
        self, words: list[str], *, folder: Path | None = None, code: int | None = 0, choose: Callable[[str], bool] = lambda _: True
    ) -> None:
        """Type a command and show the lines of what it says that are chosen."""
        self._teller.typed(words)
        text = volant(words, folder or self.home, self._environment, code=code)
        self._teller.printed("\n".join(filter(choose, text.splitlines())))

    @property
    def _pipeline(self) -> Path:
        return self.home / "pipeline.py"

    @property
    def _rollout(self) -> Rollout:
        return self._project.rollouts.state(NAME)

    @cached_property
    def _news(self) -> News:
        return News(self._project)

    @cached_property
    def _project(self) -> "Project":
        """What the other processes write is read from the store each time."""
        from volant.wiring.project import open_project

        return open_project(self.home, environment=self._environment)

    @property
    def _environment(self) -> dict[str, str]:
        quiet = {"NO_COLOR": "1", "PYTHONUNBUFFERED": "1", **dict.fromkeys(THREADS, "1")}
        return {**self._given, **self._world.steering.environment, **quiet}
