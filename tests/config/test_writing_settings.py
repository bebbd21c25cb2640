import json
import string

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from volant.config.dump import dump_project
from volant.config.load import load_text
from volant.config.model import (
    Amount,
    Autonomy,
    DataConfig,
    GateConfig,
    GateKind,
    GuardConfig,
    Keep,
    Margin,
    ProjectConfig,
    ReleaseConfig,
    RetrainConfig,
    ServeConfig,
    StepConfig,
    StepKind,
    Task,
    TrainConfig,
    TrainFrom,
    TriggerConfig,
    TriggerKind,
    WindowConfig,
)
from volant.config.schema import project_schema

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\t\"'#:{}$,"), min_size=1, max_size=12)
names = texts.filter(lambda text: text not in {"target", "when"})
durations = st.integers(1, 10**9).map(lambda ms: ms * 1000)
amounts = st.builds(Amount, rows=st.integers(1, 10**9)) | st.builds(Amount, duration_us=durations)
shares = st.integers(0, 10**5).map(lambda n: n / 10**4)
margins = st.builds(Margin, value=shares, relative=st.just(True)) | st.builds(
    Margin, value=st.floats(0, 1e9, allow_nan=False), relative=st.just(False)
)
confidences = st.integers(5001, 9999).map(lambda n: n / 10**4)
metric_names = st.sampled_from(["mae", "rmse", "r2"])
compared = {"metric": metric_names, "margin": margins, "confidence": confidences}
gates = (
    st.builds(GateConfig, kind=st.sampled_from([GateKind.BASELINE, GateKind.CHAMPION]), **compared)
    | st.builds(GateConfig, kind=st.just(GateKind.SLICES), slices=st.lists(names, min_size=1, unique=True).map(tuple), **compared)
    | st.builds(GateConfig, kind=st.just(GateKind.FLOOR), metric=metric_names, maximum=st.floats(-1e9, 1e9), confidence=confidences)
    | st.builds(GateConfig, kind=st.just(GateKind.FLOOR), metric=metric_names, minimum=st.floats(-1e9, 1e9), maximum=st.just(1e9))
    | st.builds(GateConfig, kind=st.just(GateKind.LATENCY), latency_us=durations)
)
triggers = (
    st.builds(TriggerConfig, kind=st.just(TriggerKind.CLOCK), every_us=durations)
    | st.builds(TriggerConfig, kind=st.just(TriggerKind.NEW_LABELS), labels=st.integers(1, 10**9))
    | st.just(TriggerConfig(kind=TriggerKind.PERFORMANCE))
)
full = StepConfig(kind=StepKind.FULL, share=1.0)
canaries = st.lists(st.integers(1, 9999), min_size=1, max_size=3, unique=True).map(
    lambda parts: tuple(StepConfig(kind=StepKind.CANARY, rows=part, share=part / 10**4) for part in sorted(parts))
)
release_steps = st.just(()) | canaries.flatmap(
    lambda steps: st.sampled_from([(*steps, full), (StepConfig(kind=StepKind.SHADOW, rows=7), *steps, full)])
)
identifiers = st.text(string.ascii_letters + "_", min_size=1, max_size=8).filter(lambda text: text.isidentifier() and text != "seed")
values = st.none() | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | texts
files = names.filter(lambda text: "://" not in text and not text.startswith(("env:", "file:", "python:")))
configs = st.builds(
    ProjectConfig,
    version=st.just(1),
    project=st.text(string.ascii_letters + string.digits + "_-", min_size=1, max_size=9).filter(lambda text: text[0].isalnum()),
    task=st.just(Task.REGRESSION),
    target=st.just("target"),
    metric=metric_names,
    data=st.builds(
        DataConfig,
        source=files,
        key=st.lists(names, unique=True, max_size=3).map(tuple),
        group=st.none() | names,
        time=st.none() | st.just("when"),
        tick_us=st.none() | durations,
        drop=st.lists(names, unique=True, max_size=3).map(tuple),
        label_delay_us=st.just(0) | durations,
        contract=st.none() | files,
    ),
    train=st.builds(
        TrainConfig,
        pipeline=files,
        from_=st.sampled_from(TrainFrom),
        window=st.just(WindowConfig()) | st.builds(WindowConfig, keep=st.just(Keep.LAST), size=amounts),
        holdout=amounts,
        params=st.dictionaries(identifiers, values, max_size=4),
        seed=st.integers(0, 2**32 - 1),
    ),
    gates=st.lists(gates, max_size=4).map(tuple).map(lambda lines: (GateConfig(kind=GateKind.BASELINE, metric="mae"), *lines)),
    release=st.builds(ReleaseConfig, autonomy=st.sampled_from(Autonomy), steps=release_steps, time_limit_us=durations),
    retrain=st.builds(
        RetrainConfig,
        when=st.lists(triggers, max_size=3).map(tuple),
        guard=st.builds(GuardConfig, cooldown_us=durations, min_new_labels=st.integers(0, 10**9)),
    ),
    serve=st.builds(ServeConfig, max_body_bytes=st.integers(1024, 2**30), max_rows=st.integers(1, 10_000_000)),
)


@given(configs)
@settings(max_examples=80, deadline=None)
def test_every_configuration_reads_back_from_its_canonical_text(config):
    text = dump_project(config)
    assert load_text(text, "volant.yaml", {}).config == config
    assert dump_project(load_text(text, "volant.yaml", {}).config) == text


@given(configs)
@settings(max_examples=20, deadline=None)
def test_canonical_text_is_yaml_for_others_too(config):
    found = yaml.safe_load(dump_project(config))
    assert list(found)[:5] == ["version", "project", "task", "target", "metric"]


def test_the_schema_is_json_and_closed():
    schema = json.loads(json.dumps(project_schema()))
    assert schema["required"] == ["version", "project", "task", "target", "metric", "data"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["data"]["additionalProperties"] is False
    assert schema["properties"]["train"]["properties"]["seed"]["default"] == 7
    assert {
        key: value
        for key, value in schema["properties"]["retrain"]["properties"]["when"]["items"]["anyOf"][2]["properties"]["performance"].items()
        if key == "const"
    } == {"const": "worse"}
