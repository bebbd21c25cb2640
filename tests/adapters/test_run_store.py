"""Runs, and what is logged to them, the same over every adapter."""

import math

import msgspec
import pytest
from stored_values import AT, run

from volant.kernel.errors import AlreadyExistsError, ConflictError, InvalidInputError, NotFoundError
from volant.tracking.model import Artifact, Metric, RunStatus, StepRecord

ID = run().id


def point(key: str, value: float, step: int = 0, at: int = AT) -> Metric:
    return Metric(key=key, value=value, step=step, timestamp_us=at)


def names(details) -> list[str]:
    return [detail.run.name for detail in details]


def test_a_run_comes_back_as_created(stores):
    made = run(
        ended_at=AT + 9, source="volant run", git_commit="c" * 40, git_dirty=True, dataset="bikes", dataset_version=3, error="Zürich ☂"
    )
    stores.runs.create(made)
    detail = stores.runs.get(ID)
    assert detail.run == made
    assert (detail.params, detail.metrics, detail.tags, detail.artifacts, detail.steps) == ({}, {}, {}, (), ())
    with pytest.raises(AlreadyExistsError, match=ID):
        stores.runs.create(run(name="again"))


def test_a_change_must_follow_the_stored_revision(stores):
    stores.runs.create(run())
    done = run(revision=2, status=RunStatus.FINISHED, ended_at=AT + 5, experiment="other", name="new name")
    stores.runs.update(done)
    assert stores.runs.get(ID).run == done
    for revision in (1, 2, 4):
        with pytest.raises(ConflictError, match="changed by someone else") as error:
            stores.runs.update(run(revision=revision))
        assert f"revision {revision}" in str(error.value)
    assert stores.runs.get(ID).run == done
    with pytest.raises(NotFoundError):
        stores.runs.update(run(7, revision=2))


def test_a_run_is_found_by_a_unique_prefix_of_six_digits(stores):
    for name in ("abcdef00" * 4, "abcdef01" * 4, "0123456f" * 4):
        stores.runs.create(run(id=name))
    assert stores.runs.get("012345").run.id == "0123456f" * 4
    assert stores.runs.get("abcdef01").run.id == "abcdef01" * 4
    with pytest.raises(InvalidInputError, match="More than one run") as error:
        stores.runs.get("abcdef")
    assert "abcdef00" in str(error.value)
    with pytest.raises(NotFoundError, match="at least 6"):
        stores.runs.get("01234")


@pytest.mark.parametrize(
    "wanted", ["", "zzzzzz", "fffffff", "012345678", "%%%%%%", "ABCDEF", "~" * 40, "☂☂☂☂☂☂☂", "\x00\x00\x00\x00\x00\x00"]
)
def test_what_is_no_run_is_not_found(stores, wanted):
    stores.runs.create(run(id="abcdef00" * 4))
    with pytest.raises(NotFoundError):
        stores.runs.get(wanted)


def test_an_exact_id_wins_over_longer_ones(stores):
    for name in ("short", "abcdef", "abcdef1", "abcdef2"):
        stores.runs.create(run(id=name))
    assert stores.runs.get("abcdef").run.id == "abcdef"
    assert stores.runs.get("short").run.id == "short"


def test_runs_are_listed_newest_first_with_offset_and_limit(stores):
    for number in range(1, 6):
        stores.runs.create(run(number, experiment="a" if number % 2 else "b"))
    assert names(stores.runs.search()) == ["run 5", "run 4", "run 3", "run 2", "run 1"]
    assert names(stores.runs.search("a")) == ["run 5", "run 3", "run 1"]
    assert names(stores.runs.search(limit=2, offset=1)) == ["run 4", "run 3"]
    assert names(stores.runs.search("a", limit=5, offset=2)) == ["run 1"]
    assert stores.runs.search(offset=9) == ()
    assert stores.runs.search(limit=0) == ()
    assert stores.runs.search("nobody") == ()


RANKED = (
    ("high", [9.0]),
    ("inf", [math.inf]),
    ("low", [-2.5]),
    ("nan", [math.nan]),
    ("minus inf", [-math.inf]),
    ("none", []),
    ("tie", [9.0]),
)


@pytest.fixture
def ranked(stores):
    for number, (name, values) in enumerate(RANKED, start=1):
        stores.runs.create(run(number, name=name, experiment="a" if number % 2 else "b"))
        stores.runs.log_metrics(f"{number:032x}", [point("mae", value) for value in values] + [point("other", -number)])
    return stores.runs


HIGHEST = ["inf", "tie", "high", "low", "minus inf", "nan", "none"]
LOWEST = ["minus inf", "low", "tie", "high", "inf", "nan", "none"]


def test_runs_are_ranked_by_a_metric_with_nan_then_missing_last(ranked):
    assert names(ranked.search(order_by_metric="mae")) == HIGHEST
    assert names(ranked.search(order_by_metric="mae", descending=False)) == LOWEST
    assert names(ranked.search("a", order_by_metric="mae")) == ["tie", "high", "low", "minus inf"]
    assert names(ranked.search("b", order_by_metric="mae", descending=False)) == ["inf", "nan", "none"]
    assert names(ranked.search(order_by_metric="nobody")) == [name for name, _ in reversed(RANKED)]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
@pytest.mark.parametrize("offset", range(9))
def test_every_page_of_a_ranking_is_a_slice_of_the_whole(ranked, offset, limit):
    assert names(ranked.search(order_by_metric="mae", offset=offset, limit=limit)) == HIGHEST[offset : offset + limit]
    assert names(ranked.search(order_by_metric="mae", descending=False, offset=offset, limit=limit)) == LOWEST[offset : offset + limit]
    only_a = ["tie", "high", "low", "minus inf"]
    assert names(ranked.search("a", order_by_metric="mae", offset=offset, limit=limit)) == only_a[offset : offset + limit]


def test_a_ranking_follows_a_run_to_another_experiment(ranked):
    first = ranked.get(f"{1:032x}").run
    ranked.update(msgspec.structs.replace(first, revision=2, experiment="b"))
    assert names(ranked.search("a", order_by_metric="mae")) == ["tie", "low", "minus inf"]
    assert names(ranked.search("b", order_by_metric="mae")) == ["inf", "high", "nan", "none"]


def test_the_latest_point_is_that_of_the_highest_step_then_time(stores):
    stores.runs.create(run())
    stores.runs.log_metrics(ID, [point("mae", 1.0, 2), point("mae", 2.0, 3, AT - 5), point("mae", 3.0, 1, AT + 99)])
    assert stores.runs.get(ID).metrics == {"mae": 2.0}
    stores.runs.log_metrics(ID, [point("mae", 0.5, 3, AT - 4)])
    stores.runs.log_metrics(ID, [point("mae", 7.0, 3, AT - 9)])
    assert stores.runs.get(ID).metrics == {"mae": 0.5}
    assert [m.value for m in stores.runs.history(ID, "mae")] == [3.0, 1.0, 7.0, 2.0, 0.5]


def test_of_points_at_one_place_the_greatest_number_counts(stores):
    stores.runs.create(run())
    stores.runs.log_metrics(ID, [point("mae", 2.0), point("mae", math.nan), point("mae", 1.0)])
    assert stores.runs.get(ID).metrics == {"mae": 2.0}
    assert len(stores.runs.history(ID, "mae")) == 3


def test_nan_and_infinities_are_kept(stores):
    stores.runs.create(run())
    stores.runs.log_metrics(ID, [point("a", math.nan), point("b", math.inf), point("c", -math.inf), point("d", 1e308), point("e", 5e-324)])
    found = stores.runs.get(ID).metrics
    assert math.isnan(found.pop("a"))
    assert found == {"b": math.inf, "c": -math.inf, "d": 1e308, "e": 5e-324}
    assert math.isnan(stores.runs.history(ID, "a")[0].value)


def test_identical_points_are_kept_once(stores):
    stores.runs.create(run())
    for value in (1.0, math.nan):
        for _ in range(2):
            stores.runs.log_metrics(ID, [point("mae", value), point("mae", value)])
    assert len(stores.runs.history(ID, "mae")) == 2
    assert stores.runs.history(ID, "nobody") == ()


def test_parameters_are_written_once(stores):
    stores.runs.create(run())
    for _ in range(2):
        stores.runs.log_params(ID, {"rate": "0.1", "a": "☂"})
    with pytest.raises(ConflictError, match="rate") as error:
        stores.runs.log_params(ID, {"new": "1", "rate": "0.2"})
    assert error.value.field == "rate"
    assert "'0.1'" in str(error.value)
    assert stores.runs.get(ID).params == {"a": "☂", "rate": "0.1"}


def test_tags_artifacts_and_steps_are_replaced(stores):
    stores.runs.create(run())
    stores.runs.set_tags(ID, {"team": "a", "b": ""})
    stores.runs.set_tags(ID, {"team": "c"})
    old, new = Artifact(path="plots/a.png", digest="a" * 64, size_bytes=1), Artifact(path="plots/a.png", digest="b" * 64, size_bytes=0)
    for artifact in (old, Artifact(path="a", digest="c" * 64, size_bytes=3), new):
        stores.runs.add_artifact(ID, artifact)
    step = StepRecord(run_id=ID, position=1, step="model", key=None, cached=False, status=RunStatus.RUNNING, duration_us=0)
    first = msgspec.structs.replace(step, position=0, step="features", key="k", cached=True)
    done = msgspec.structs.replace(step, status=RunStatus.FAILED, duration_us=5, detail="it raised")
    for record in (step, first, done):
        stores.runs.add_step(record)
    detail = stores.runs.get(ID)
    assert detail.tags == {"b": "", "team": "c"}
    assert [a.path for a in detail.artifacts] == ["a", "plots/a.png"]
    assert detail.artifacts[1] == new
    assert detail.steps == (first, done)


def test_nothing_can_be_logged_to_a_run_that_is_not_there(stores):
    record = StepRecord(run_id=ID, position=1, step="model", key=None, cached=False, status=RunStatus.RUNNING, duration_us=0)
    for log in (
        lambda: stores.runs.log_params(ID, {"a": "1"}),
        lambda: stores.runs.log_metrics(ID, [point("mae", 1.0)]),
        lambda: stores.runs.set_tags(ID, {"a": "1"}),
        lambda: stores.runs.add_artifact(ID, Artifact(path="a", digest="d", size_bytes=1)),
        lambda: stores.runs.add_step(record),
    ):
        with pytest.raises(NotFoundError):
            log()
    stores.runs.create(run())
    detail = stores.runs.get(ID)
    assert (detail.params, detail.metrics, detail.tags, detail.artifacts, detail.steps) == ({}, {}, {}, (), ())


def test_details_of_many_runs_are_not_mixed_up(stores):
    for number in range(1, 30):
        stores.runs.create(run(number))
        stores.runs.log_params(run(number).id, {"n": str(number)})
        stores.runs.log_metrics(run(number).id, [point("n", number), point("n", number + 0.5, 1)])
        stores.runs.set_tags(run(number).id, {"t": str(number)})
    for detail in stores.runs.search(order_by_metric="n", limit=50):
        number = detail.run.name.removeprefix("run ")
        assert (detail.params, detail.tags, detail.metrics) == ({"n": number}, {"t": number}, {"n": int(number) + 0.5})


@pytest.mark.parametrize("key", ["a'; DROP TABLE run;--", "nul\u0000here", "☂", "", "k" * 5000])
def test_hostile_keys_are_only_keys(stores, key):
    stores.runs.create(run())
    stores.runs.log_params(ID, {key: key})
    stores.runs.set_tags(ID, {key: key})
    stores.runs.log_metrics(ID, [point(key, 1.0)])
    detail = stores.runs.get(ID)
    assert (detail.params, detail.tags, detail.metrics) == ({key: key}, {key: key}, {key: 1.0})
    assert names(stores.runs.search(order_by_metric=key)) == ["run 1"]


def test_text_and_numbers_that_cannot_be_stored_are_refused_whole(disk):
    disk.runs.create(run())
    with pytest.raises(InvalidInputError, match="text"):
        disk.runs.log_params(ID, {"fine": "1", "bad": "\ud800"})
    with pytest.raises(InvalidInputError, match="64 bits"):
        disk.runs.log_metrics(ID, [point("mae", 1.0), point("mae", 1.0, step=2**63)])
    detail = disk.runs.get(ID)
    assert (detail.params, detail.metrics) == ({}, {})
