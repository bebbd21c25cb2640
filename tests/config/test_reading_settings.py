from pathlib import Path

import pytest

from volant.config.load import load_project, load_text, load_with_origins, values_in_effect
from volant.config.metrics import METRICS_OF_TASK
from volant.config.model import Amount, Autonomy, GateConfig, GateKind, Keep, Margin, StepKind, Task, TriggerConfig, TriggerKind
from volant.kernel.clock import DAY_US, HOUR_US
from volant.kernel.errors import InvalidInputError, NotFoundError, TooLargeError, UnavailableError, UsageError
from volant.stats.names import METRICS

LEAST = "version: 1\nproject: bikes\ntask: regression\ntarget: cnt\nmetric: mae\ndata:\n  source: rides.csv\n"
WHOLE = (
    LEAST
    + """\
  key: [station, hour]
  group: station
  time: hour
  tick: 1h
  drop: [casual, no]
  label_delay: 24h
  contract: contract.odcs.yaml
train:
  pipeline: pipeline.py
  from: source
  window: {keep: last, size: 90d}
  holdout: {last: 14d}
  params: {learning_rate: 0.1, deep: true, name: x, none: null}
  seed: 11
gates:
  - {metric: mae, vs: baseline}
  - {metric: rmse, vs: champion, margin: 1%, confidence: 99%}
  - {slices: [season], margin: 0.5}
  - {metric: mae, max: 50}
  - {latency_p99: 20ms}
release:
  autonomy: autopilot
retrain:
  when: [{clock: 7d}, {performance: worse}, {new_labels: 5000}]
  guard: {cooldown: 1d, min_new_labels: 500}
serve:
  max_body_bytes: 4096
  max_rows: 10
"""
)


def read(text, **environment):
    return load_text(text, "volant.yaml", environment).config


def test_the_least_file_has_defaults_for_everything_else():
    found = read(LEAST)
    assert (found.project, found.task, found.target, found.metric) == ("bikes", Task.REGRESSION, "cnt", "mae")
    assert (found.data.source, found.data.key, found.data.label_delay_us, found.gates) == ("rides.csv", (), 0, ())
    assert (found.train.seed, found.train.window.keep, found.release.autonomy) == (7, Keep.ALL, Autonomy.PROPOSE)


def test_the_steps_of_a_release_are_read():
    text = "release: {steps: [{shadow: 500 rows}, {canary: 10%, rows: 1000}, {canary: 0.5, rows: 2000 rows}, full], time_limit: 3d}"
    found = read(LEAST + text).release
    assert [(step.kind, step.rows, step.share) for step in found.steps] == [
        (StepKind.SHADOW, 500, 0.0),
        (StepKind.CANARY, 1000, 0.1),
        (StepKind.CANARY, 2000, 0.5),
        (StepKind.FULL, 0, 1.0),
    ]
    assert found.time_limit_us == 3 * DAY_US
    assert read(LEAST).release.steps == ()


def test_every_key_is_read():
    found = read(WHOLE)
    assert (found.data.key, found.data.group, found.data.time, found.data.tick_us) == (("station", "hour"), "station", "hour", HOUR_US)
    assert (found.data.drop, found.data.label_delay_us, found.data.contract) == (("casual", "no"), DAY_US, "contract.odcs.yaml")
    assert (found.train.from_.value, found.train.window.size, found.train.holdout) == (
        "source",
        Amount(duration_us=90 * DAY_US),
        Amount(duration_us=14 * DAY_US),
    )
    assert found.train.params == {"learning_rate": 0.1, "deep": True, "name": "x", "none": None}
    assert found.train.seed == 11
    assert found.gates == (
        GateConfig(kind=GateKind.BASELINE, metric="mae"),
        GateConfig(kind=GateKind.CHAMPION, metric="rmse", margin=Margin(value=0.01, relative=True), confidence=0.99),
        GateConfig(kind=GateKind.SLICES, metric="mae", slices=("season",), margin=Margin(value=0.5, relative=False)),
        GateConfig(kind=GateKind.FLOOR, metric="mae", maximum=50.0),
        GateConfig(kind=GateKind.LATENCY, latency_us=20_000),
    )
    assert found.retrain.when == (
        TriggerConfig(kind=TriggerKind.CLOCK, every_us=7 * DAY_US),
        TriggerConfig(kind=TriggerKind.PERFORMANCE),
        TriggerConfig(kind=TriggerKind.NEW_LABELS, labels=5000),
    )
    assert (found.retrain.guard.cooldown_us, found.retrain.guard.min_new_labels) == (DAY_US, 500)
    assert (found.serve.max_body_bytes, found.serve.max_rows) == (4096, 10)


@pytest.mark.parametrize("word", ["yes", "no", "on", "off", "Yes", "1:30", "0b1", "1_000", "2011-01-01", "=", "<<"])
def test_words_that_yaml_1_1_turns_into_something_else_stay_texts(word):
    assert read(LEAST.replace("target: cnt", f"target: {word}")).target == word
    assert read(LEAST + f"train:\n  params: {{x: {word}}}\n").train.params == {"x": word}


@pytest.mark.parametrize("written", ["2011", "1.50", "true", "'2011'"])
def test_columns_may_have_names_that_look_like_numbers(written):
    assert read(LEAST.replace("target: cnt", f"target: {written}")).target == written.strip("'")


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("14d", Amount(duration_us=14 * DAY_US)),
        ("2000 rows", Amount(rows=2000)),
        ("2000", Amount(rows=2000)),
        ("1 row", Amount(rows=1)),
        ("'2000'", Amount(rows=2000)),
        ("1d12h", Amount(duration_us=36 * HOUR_US)),
    ],
)
def test_amounts_are_rows_or_stretches_of_time(written, amount):
    assert read(LEAST + f"train:\n  holdout: {{last: {written}}}\n").train.holdout == amount


def replaced(old, new):
    assert old in WHOLE
    return WHOLE.replace(old, new, 1)


WRONG = [
    (replaced("  window:", "  windwo:"), ["line 18", "train.windwo", "did you mean 'window'"]),
    (replaced("autonomy: autopilot", "autonomy: autopilote"), ["line 29", "did you mean 'autopilot'"]),
    (replaced("metric: mae\n", "metric: error\n"), ["line 5", "does not fit the task 'regression'", "mae, rmse"]),
    (replaced("metric: rmse", "metric: rsme"), ["gates[1].metric", "did you mean 'rmse'"]),
    (replaced("metric: rmse", "metric: auc"), ["line 24", "does not fit"]),
    (replaced("tick: 1h", "tick: 1 hour"), ["line 11", "data.tick", "'1 hour'"]),
    (replaced("tick: 1h", "tick: 0s"), ["line 11", "out of range"]),
    (replaced("tick: 1h", "tick: 99999999w"), ["line 11", "out of range"]),
    (replaced("margin: 1%", "margin: -1"), ["gates[1].margin", "-1"]),
    (replaced("margin: 1%", "margin: .nan"), ["gates[1].margin"]),
    (replaced("confidence: 99%", "confidence: 100%"), ["gates[1].confidence", "100%"]),
    (replaced("confidence: 99%", "confidence: 0.5"), ["gates[1].confidence"]),
    (replaced("version: 1", "version: 2"), ["line 1", "must be 1"]),
    (replaced("version: 1", "version: true"), ["line 1", "must be 1"]),
    (replaced("target: cnt", "target:"), ["line 4", "nothing"]),
    (replaced("target: cnt", "target: [cnt, x]"), ["line 4", "a list of 2"]),
    (replaced("target: cnt\n", ""), ["has no 'target'", "column to predict"]),
    (replaced("task: regression", "task: multilabel"), ["line 3", "one of binary, multiclass, regression"]),
    (replaced("from: source", "from: logs"), ["train.from", "did you mean 'log'"]),
    (replaced("  group: station", "  group: a\n  group: b"), ["line 10", "data.group", "set twice (first on line 9)"]),
    (replaced("seed: 11", "seed: 1.5"), ["train.seed", "whole number"]),
    (replaced("seed: 11", "seed: true"), ["train.seed"]),
    (replaced("seed: 11", "seed: -1"), ["train.seed"]),
    (replaced("deep: true", "deep: [1]"), ["train.params.deep", "single value"]),
    (replaced("deep: true", "deep: .inf"), ["train.params.deep", "finite"]),
    (replaced("deep: true", "deep-er: 1"), ["cannot be a keyword argument"]),
    (replaced("deep: true", "seed: 1"), ["train.params.seed", "write train.seed"]),
    (replaced("{last: 14d}", "14d"), ["train.holdout", "section with last"]),
    (replaced("{last: 14d}", "{last: 0}"), ["train.holdout.last", "out of range"]),
    (replaced("{keep: last, size: 90d}", "{keep: last}"), ["train.window", "needs a size"]),
    (replaced("{keep: last, size: 90d}", "{keep: all, size: 90d}"), ["train.window.size", "takes no size"]),
    (replaced("max_rows: 10", "max_rows: 0"), ["serve.max_rows"]),
    (replaced("[season]", "[]"), ["gates[2].slices"]),
    (replaced("[season]", "[season, season]"), ["listed twice"]),
    (replaced("[season]", "[cnt]"), ["gates[2].slices", "is the target"]),
    (replaced("max: 50", "min: 60, max: 50"), ["gates[3]", "nothing passes"]),
    (replaced("vs: baseline", "slice: [a]"), ["gates[0]", "did you mean 'slices'"]),
    (replaced("- {latency_p99: 20ms}", "- fast"), ["gates[4]", "write {vs: baseline}"]),
    (replaced("{latency_p99: 20ms}", "{latency_p99: 20ms, metric: mae}"), ["gates[4].metric"]),
    (replaced("new_labels: 5000", "new_label: 5000"), ["retrain.when[2]", "did you mean 'new_labels'"]),
    (replaced("performance: worse", "performance: better"), ["retrain.when[1].performance", "worse"]),
    (replaced("drop: [casual, no]", "drop: [cnt]"), ["data.drop", "is the target"]),
    (replaced("key: [station, hour]", "key: [cnt]"), ["data.key", "is the target"]),
    (replaced("drop: [casual, no]", "drop: [hour]"), ["data.drop", "time column"]),
    (replaced("drop: [casual, no]", "drop: casual"), ["data.drop", "list of columns"]),
    (replaced("source: rides.csv", "source: env:RIDES"), ["data.source", "no secret reference", "${NAME}"]),
    (replaced("source: rides.csv", "source: s3://bucket/rides.csv"), ["data.source", "is no file"]),
    (replaced("project: bikes", "project: a/b"), ["line 2", "must be a name"]),
    (replaced("project: bikes", "project: a..b"), ["line 2", "must be a name"]),
    (replaced("release:", "watch: {window: 5}\nrelease:"), ["watch.window", "must be"]),
    (replaced("release:", "watching: {window: 5}\nrelease:"), ["there is no key 'watching'", "watch"]),
    (replaced("release:", "release:\n  stages: [full]"), ["there is no key 'release.stages'", "did you mean 'steps'"]),
    (LEAST + "release: {steps: 5}\n", ["release.steps", "a list like"]),
    (LEAST + "release: {steps: [half, full]}\n", ["release.steps[0]", "no step", "or full"]),
    (LEAST + "release: {steps: [{shadow: 0 rows}, full]}\n", ["release.steps[0].shadow", "a number of rows"]),
    (LEAST + "release: {steps: [{shadow: 5d}, full]}\n", ["a number of rows"]),
    (LEAST + "release: {steps: [{canary: 100%, rows: 5}, full]}\n", ["release.steps[0].canary", "below 100%"]),
    (LEAST + "release: {steps: [{canary: 10%}, full]}\n", ["has no 'rows'"]),
    (LEAST + "release: {steps: [{canary: 10%, rows: 5, row: 6}, full]}\n", ["there is no key"]),
    (LEAST + "release: {steps: [{canary: 10%, rows: 5}]}\n", ["last step is not full"]),
    (LEAST + "release: {steps: [full]}\n", ["full alone is no rollout"]),
    (LEAST + "release: {steps: [full, {shadow: 5}, full]}\n", ["full is the end"]),
    (LEAST + "release: {steps: [{canary: 10%, rows: 5}, {shadow: 5}, full]}\n", ["a shadow comes first"]),
    (LEAST + "release: {steps: [{canary: 50%, rows: 5}, {canary: 10%, rows: 5}, full]}\n", ["must grow"]),
    (LEAST + "release: {time_limit: soon}\n", ["release.time_limit", "a duration"]),
    (replaced("target: cnt", "target: &x cnt"), ["line 4", "anchor"]),
    (replaced("target: cnt", "target: *x"), ["line 4", "anchor"]),
    (replaced("target: cnt", "target: !!python/name:os.system x"), ["line 4", "tag"]),
    (replaced("target: cnt", "target: cnt\n? [a]\n: b"), ["line 5", "no plain text"]),
    (replaced("task: regression", "task: ["), ["is not YAML"]),
    (replaced("task: regression", "\ttask: regression"), ["line 3", "is not YAML"]),
    (WHOLE + "---\nversion: 1\n", ["more than one document"]),
    (LEAST + "release: {autonomy: autopilot}\n", ["release.autonomy", "no gate tests the model"]),
    (LEAST + "release: {autonomy: autopilot}\ngates: [{latency_p99: 1s}]\n", ["no gate tests the model"]),
    ("[" * 5000, ["nested more than 20 deep"]),
    ("", ["is empty"]),
    ("# nothing\n", ["is empty"]),
    ("just text", ["section with version"]),
    ("- a\n", ["section with version"]),
]


@pytest.mark.parametrize(("text", "says"), WRONG, ids=[says[-1] + str(n) for n, (_, says) in enumerate(WRONG)])
def test_what_cannot_be_used_is_named_with_its_line(text, says):
    with pytest.raises(UsageError) as caught:
        read(text)
    for part in says:
        assert part in str(caught.value)
    assert caught.value.next_step


def test_environment_variables_are_filled_in_with_defaults():
    text = LEAST.replace("rides.csv", "${FOLDER:-data}/${FILE}") + "train:\n  seed: ${SEED:-9}\n  params: {a: '${SEED:-9}'}\n"
    found = read(text, FILE="rides.csv", SEED="")
    assert (found.data.source, found.train.seed, found.train.params["a"]) == ("data/rides.csv", 9, "9")
    assert read(text, FILE="x.csv", FOLDER="d", SEED="12").train.seed == 12


def test_a_dollar_sign_can_be_written():
    assert read(LEAST.replace("rides.csv", "'$${FILE} $5.csv'")).data.source == "${FILE} $5.csv"


@pytest.mark.parametrize(("text", "says"), [("${FILE}", "needs the environment variable FILE"), ("${", "names no"), ("${a b}", "names no")])
def test_references_that_lead_nowhere_are_named(text, says):
    with pytest.raises(UsageError, match="line 7.*" + says):
        read(LEAST.replace("rides.csv", text))


def test_what_a_variable_holds_is_not_expanded_again():
    assert read(LEAST.replace("rides.csv", "${A}"), A="${B}").data.source == "${B}"


def test_every_value_remembers_where_it_came_from(tmp_path):
    path = tmp_path / "volant.yaml"
    path.write_text(LEAST + "train:\n  seed: ${SEED:-9}\n  params: {a: 1}\ngates:\n  - {vs: baseline}\n")
    loaded = load_with_origins(path, {"SEED": "3"})
    assert loaded.origin("train.seed") == "line 9, environment variable SEED"
    assert loaded.origin("data.source") == "line 7"
    assert loaded.origin("train.from") == "default"
    rows = {key: (value, origin) for key, value, origin in values_in_effect(loaded)}
    assert rows["train.seed"] == (3, "line 9, environment variable SEED")
    assert rows["train.params"] == ({"a": 1}, "line 10")
    assert rows["gates"][1] == "line 12"
    assert rows["serve.max_rows"] == (10_000, "default")


def test_files_that_cannot_be_read_say_why(tmp_path):
    path = tmp_path / "volant.yaml"
    with pytest.raises(NotFoundError):
        load_project(path, {})
    path.write_bytes(LEAST.replace("rides", "r\xe9des").encode("latin-1"))
    with pytest.raises(InvalidInputError, match=r"line 7 is not UTF-8(?s:.*)0xe9"):
        load_project(path, {})
    path.write_bytes(b"#" * 5_000_000)
    with pytest.raises(TooLargeError):
        load_project(path, {})
    with pytest.raises(UnavailableError):
        load_project(tmp_path, {})


def test_a_byte_order_mark_and_windows_lines_do_no_harm(tmp_path):
    path = tmp_path / "volant.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + LEAST.replace("\n", "\r\n").encode())
    assert load_project(path, {}) == read(LEAST)


def test_the_metrics_of_each_task_are_those_that_can_be_computed():
    assert {task: {m.name for m in METRICS.values() if task in m.tasks} for task in METRICS_OF_TASK} == {
        task: set(names) for task, names in METRICS_OF_TASK.items()
    }


def test_huge_numbers_and_deep_files_end_quickly():
    assert isinstance(read(LEAST + f"train:\n  params: {{a: {'9' * 5000}}}\n").train.params["a"], str)
    with pytest.raises(UsageError, match="64 bits"):
        read(LEAST + f"train:\n  params: {{a: {'9' * 30}}}\n")
    with pytest.raises(TooLargeError):
        read("a: " + "x" * 300_000)


def test_paths_in_messages_are_those_of_the_file(tmp_path):
    path = Path(tmp_path) / "odd name.yaml"
    path.write_text("version: 3\n")
    with pytest.raises(UsageError, match=r"odd name\.yaml line 1"):
        load_project(path, {})
