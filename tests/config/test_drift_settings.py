"""``watch.drift``: tolerances of columns and columns to ignore."""

import pytest

from volant.config.dump import dump_project
from volant.config.load import load_text
from volant.config.model import DriftConfig
from volant.kernel.errors import UsageError

TEXT = "version: 1\nproject: bikes\ntask: regression\ntarget: cnt\nmetric: mae\ndata: {source: bikes.csv}\nwatch: {drift: DRIFT}\n"


def read(drift):
    return load_text(TEXT.replace("DRIFT", drift), "volant.yaml", {}).config


def test_tolerances_and_columns_to_ignore_are_read_and_written_back():
    found = read("{tolerance: 0.1, columns: {temp: {tolerance: 0.3}, prediction: {tolerance: 1}}, ignore: [comment], multivariate: true}")
    assert found.watch.drift == DriftConfig(tolerance=0.1, columns={"temp": 0.3, "prediction": 1.0}, ignore=("comment",), multivariate=True)
    assert load_text(dump_project(found), "volant.yaml", {}).config == found
    assert read("{}").watch.drift == DriftConfig()


@pytest.mark.parametrize(
    ("drift", "said"),
    [
        ("{tolerance: 0}", ["watch.drift.tolerance", "above 0"]),
        ("{tolerance: .nan}", ["watch.drift.tolerance"]),
        ("{multivariate: 1}", ["watch.drift.multivariate", "true or false"]),
        ("{columns: {temp: 0.3}}", ["watch.drift.columns.temp", "tolerance"]),
        ("{columns: {temp: {tolerence: 0.3}}}", ["tolerence", "tolerance"]),
        ("{columns: [temp]}", ["watch.drift.columns", "like {temp: {tolerance: 0.3}}"]),
        ("{columns: {temp: {tolerance: 0.3}}, ignore: [temp]}", ["'temp' has a tolerance and is ignored"]),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(drift, said):
    with pytest.raises(UsageError) as caught:
        read(drift)
    text = f"{caught.value} {caught.value.found} {caught.value.next_step}"
    assert all(part in text for part in said), text
