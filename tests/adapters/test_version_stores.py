"""Dataset versions, model versions, aliases and gate reports, the same over every adapter."""

import math

import msgspec
import pytest
from stored_values import PACKAGE, dataset_version, gate_report, model_version

from volant.kernel.errors import AlreadyExistsError, ConflictError, InvalidInputError, NotFoundError


def test_dataset_versions_come_back_as_added(stores):
    first, second = dataset_version(1), dataset_version(2, base=1, label_cutoff_at=5, columns=())
    stores.datasets.add(first)
    stores.datasets.add(second)
    assert stores.datasets.get("bikes", 1) == first
    assert stores.datasets.latest("bikes") == second
    assert stores.datasets.versions("bikes") == (first, second)
    assert stores.datasets.datasets() == ("bikes",)


@pytest.mark.parametrize("number", [0, -1, 1, 3, 10**12])
def test_dataset_numbers_are_dense(stores, number):
    stores.datasets.add(dataset_version(1))
    with pytest.raises(ConflictError, match=f"bikes@{number} is not the next version"):
        stores.datasets.add(dataset_version(number))
    assert len(stores.datasets.versions("bikes")) == 1


def test_a_dataset_with_the_same_content_is_found_newest_first(stores):
    for number, content in ((1, "a" * 64), (2, "b" * 64), (3, "a" * 64)):
        stores.datasets.add(dataset_version(number, digest=content))
    stores.datasets.add(dataset_version(1, dataset="other", digest="c" * 64))
    assert stores.datasets.with_digest("bikes", "a" * 64).number == 3
    assert stores.datasets.with_digest("bikes", "b" * 64).number == 2
    assert stores.datasets.with_digest("bikes", "c" * 64) is None
    assert stores.datasets.datasets() == ("bikes", "other")


def test_a_missing_dataset_version_names_those_that_exist(stores):
    with pytest.raises(NotFoundError) as nothing:
        stores.datasets.get("bikes", 1)
    assert "no versions yet" in str(nothing.value)
    for number in (1, 2, 3):
        stores.datasets.add(dataset_version(number))
    for missing in (0, 4, -1):
        with pytest.raises(NotFoundError) as some:
            stores.datasets.get("bikes", missing)
        assert "1-3" in str(some.value)
    assert stores.datasets.latest("nobody") is None
    assert stores.datasets.versions("nobody") == ()


def test_model_versions_come_back_as_added_newest_first(stores):
    versions = [model_version(n, metrics={"mae": n / 3, "épsilon": -0.0}) for n in (1, 2, 3)]
    for version in versions:
        stores.models.add(version)
    stores.models.add(model_version(1, model="other"))
    assert stores.models.versions("bikes") == tuple(reversed(versions))
    assert stores.models.get("bikes", 2) == versions[1]
    assert stores.models.with_package("bikes", versions[0].package) == versions[0]
    assert stores.models.with_package("bikes", "nothing") is None
    assert stores.models.models() == ("bikes", "other")


@pytest.mark.parametrize("number", [0, 1, 3])
def test_model_numbers_are_dense(stores, number):
    stores.models.add(model_version(1))
    with pytest.raises(ConflictError, match="not the next version"):
        stores.models.add(model_version(number, package="c" * 64))


def test_a_package_is_registered_once_per_model(stores):
    stores.models.add(model_version(1, package=PACKAGE))
    with pytest.raises(ConflictError, match="registered already"):
        stores.models.add(model_version(2, package=PACKAGE))
    stores.models.add(model_version(1, model="other", package=PACKAGE))
    assert [v.number for v in stores.models.versions("bikes")] == [1]


def test_a_missing_model_version_names_those_that_exist(stores):
    with pytest.raises(NotFoundError, match="no versions yet"):
        stores.models.get("bikes", 1)
    for number in (1, 2):
        stores.models.add(model_version(number))
    with pytest.raises(NotFoundError, match="1-2"):
        stores.models.get("bikes", 3)


def test_aliases_point_and_move_and_go(stores):
    for number in (1, 2):
        stores.models.add(model_version(number))
    stores.models.set_alias("bikes", "champion", 1)
    stores.models.set_alias("bikes", "challenger", 2)
    stores.models.set_alias("bikes", "champion", 2)
    assert stores.models.aliases("bikes") == {"challenger": 2, "champion": 2}
    for _ in range(2):
        stores.models.remove_alias("bikes", "challenger")
    assert stores.models.aliases("bikes") == {"champion": 2}
    assert stores.models.aliases("other") == {}


def test_an_alias_needs_a_version(stores):
    stores.models.add(model_version(1))
    with pytest.raises(NotFoundError, match="bikes@2"):
        stores.models.set_alias("bikes", "champion", 2)
    assert stores.models.aliases("bikes") == {}


def test_gate_reports_come_back_as_added_newest_first(stores):
    reports = [gate_report("g1"), gate_report("g2", package="cd" * 32), gate_report("g3", recorded_at=1)]
    for report in reports:
        stores.gates.add(report)
    stores.gates.add(gate_report("g4", model="other"))
    assert stores.gates.reports("bikes") == (reports[2], reports[1], reports[0])
    assert stores.gates.for_package("bikes", PACKAGE) == (reports[2], reports[0])
    assert stores.gates.get("g2") == reports[1]
    assert stores.gates.reports("nobody") == ()


def test_a_gate_report_never_changes(stores):
    stores.gates.add(gate_report("g1"))
    with pytest.raises(AlreadyExistsError, match="g1"):
        stores.gates.add(gate_report("g1", seed=8))
    assert stores.gates.get("g1").seed == 7
    with pytest.raises(NotFoundError):
        stores.gates.get("g2")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_json_lacks_is_refused_where_there_must_be_one(stores, value):
    with pytest.raises(InvalidInputError, match="cannot be stored"):
        stores.models.add(model_version(1, metrics={"mae": value}))
    with pytest.raises(InvalidInputError, match="cannot be stored"):
        stores.gates.add(gate_report(baselines={"mean": value}))
    assert stores.models.models() == ()
    assert stores.gates.reports("bikes") == ()


def test_a_number_that_json_lacks_is_stored_as_absent_where_it_may_be(stores):
    (check,) = gate_report().checks
    stores.gates.add(gate_report("g1", checks=(msgspec.structs.replace(check, candidate=math.nan),)))
    assert stores.gates.get("g1").checks[0].candidate is None
    assert stores.gates.reports("bikes")[0].checks[0].candidate is None


@pytest.mark.parametrize("text", ["lone \ud800 surrogate", "\udfff"])
def test_text_that_is_not_unicode_is_refused(stores, text):
    with pytest.raises(InvalidInputError):
        stores.datasets.add(dataset_version(1, source=text))
    with pytest.raises(InvalidInputError):
        stores.gates.add(gate_report(text))
    assert stores.datasets.datasets() == ()


@pytest.mark.parametrize("name", ["a'b; DROP TABLE run;--", "näme\u0000nul", "%", "", "🚲" * 500])
def test_hostile_names_are_only_names(stores, name):
    stores.datasets.add(dataset_version(1, dataset=name))
    stores.models.add(model_version(1, model=name))
    stores.models.set_alias(name, name, 1)
    stores.gates.add(gate_report(name, model=name))
    assert stores.datasets.datasets() == (name,)
    assert stores.datasets.get(name, 1).dataset == name
    assert stores.models.models() == (name,)
    assert stores.models.aliases(name) == {name: 1}
    assert stores.gates.get(name).model == name
