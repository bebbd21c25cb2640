"""Does the policy that a replay recommends hold up? ``python benchmarks/replay_recommendation.py [elec2 bike noaa nyc]``.

Of each file the recommendation is chosen on the first half of the windows. On the second half, which it has not seen, its gain over never
is compared with that of the best policy in hindsight. Asked for: at least 95 % of that gain with at most 1.2 x its retrains, and nine
policies at no more than 1.1 x the time of the distinct trainings (processor time, so that a busy machine does not count). The rule was
settled with all four files in view at this cut; ``replay_cuts.py`` looks at others.
"""

import sys
import time

import numpy as np
import polars as pl
from replay_marks import FOLDER, bike, config_for, elec2, noaa, trainer_for

from volant.config.model import Task
from volant.kernel.clock import DAY_US
from volant.loop.hindsight import bound
from volant.loop.replay import replay
from volant.loop.replay_model import PolicyResult, ReplayResult
from volant.loop.replay_wheel import History
from volant.loop.replay_windows import plan_windows


def nyc():
    """Temperature from wind, humidity, pressure, visibility and the hour; known a day later."""
    frame = pl.read_csv(FOLDER / "nyc2013_weather.csv", null_values="NA", infer_schema_length=None)
    frame = frame.filter(pl.col("temp").is_not_null()).sort("time_hour", maintain_order=True)
    times = frame["time_hour"].str.to_datetime(time_unit="us", time_zone="UTC").to_physical().to_numpy()
    features = frame.select("hour", "humid", "wind_dir", "wind_speed", "precip", "pressure", "visib").cast(pl.Float64)
    return features, frame["temp"].to_numpy().astype(float), times, DAY_US, Task.REGRESSION


DATA = {"elec2": elec2, "bike": bike, "noaa": noaa, "nyc": nyc}


class ProcessorClock:
    """Microseconds of processor time of all threads of this process."""

    def now(self):
        return int(time.process_time() * 1e6)


def gains(result: ReplayResult) -> dict[str, tuple[float, int]]:
    """Gain over never on the second half (windows weighted by rows), and retrains there, of every policy."""
    half = len(result.windows) // 2
    weights = np.array([window.rows for window in result.windows[half:]])
    sign = 1 if result.lower_is_better else -1

    def later(policy: PolicyResult) -> float:
        return float(np.average(np.array(policy.window_metrics[half:], dtype=float), weights=weights))

    never = later(next(policy for policy in result.policies if policy.name == "never"))
    return {p.name: (sign * (never - later(p)), sum(at >= half for at in p.retrain_windows)) for p in result.policies}


def run(name: str) -> None:
    """One file: nine policies and their cost beside the trainings alone, the recommendation on the second half, the bound."""
    features, target, times, delay, task = DATA[name]()
    metric = "mae" if task is Task.REGRESSION else "error"
    history = History(name, task, metric, times, times + delay, target, None, {})
    config = config_for(name, metric, task, len(target))
    started = time.process_time()
    done = replay(config, history, trainer_for(features, target, task), clock=ProcessorClock())
    seconds, result = time.process_time() - started, done.result
    training = sum(result.training_us) / 1e6
    print(f"\n{name}: {metric}, {result.trainings} distinct trainings; nine policies took {seconds / training:.2f} x their time", end="")
    print(f" ({training:.1f} s)")
    chosen, found = result.recommended, gains(result)
    best = max(found, key=lambda policy: found[policy][0])
    share = found[chosen.policy][0] / found[best][0] if found[best][0] > 0 else 1.0
    met = share >= 0.95 and found[chosen.policy][1] <= 1.2 * found[best][1]
    for policy, (gain, retrains) in sorted(found.items(), key=lambda item: -item[1][0]):
        mark = " <- recommended" if policy == chosen.policy else ""
        print(f"   second half: {policy:26s} gain {gain:9.4f} with {retrains:2d} retrains{mark}")
    print(f"   recommended keeps {share:.1%} of the gain of the best ({best}): {'met' if met else 'NOT met'}; ", end="")
    print(f"difference {chosen.difference} [{chosen.low}, {chosen.high}]")
    started = time.perf_counter()
    limits = bound(history, plan_windows(times), done.ledger, 0)
    points = ", ".join(f"{point.retrains}: {point.metric:.4f}" for point in limits if point.retrains in {0, 1, 2, 4, 8, 12, 24, 47})
    print(f"   bound over trained models by retrains: {points} (least {limits[-1].metric:.4f} with {limits[-1].retrains};", end="")
    print(f" {time.perf_counter() - started:.1f} s)")


if __name__ == "__main__":
    for wanted in sys.argv[1:] or DATA:
        run(wanted)
