"""Rows and bodies of any shape: either checked columns come out or an error that names what was wrong."""

import json
import math

from hypothesis import given, settings
from hypothesis import strategies as st
from worker_entry import REGRESSION

from volant.data.model import Dtype
from volant.evidence.keys import KeyColumn
from volant.kernel.errors import InvalidInputError
from volant.models.model import Field
from volant.serving import invocations, v2
from volant.serving.rows import RowRules
from volant.serving.tensors import DATATYPES, Tensor, read_binary, write_binary

RULES = RowRules(REGRESSION, key=(KeyColumn(name="station", dtype="string"),), time=KeyColumn(name="at", dtype="datetime"), max_rows=50)
NAMES = [field.name for field in REGRESSION.inputs]

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["2026-01-01", "nan", "1"])
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3), max_leaves=5
)
names = st.sampled_from([*NAMES, "station", "at", "other"])
rows = st.dictionaries(names, values, max_size=8)
good = st.fixed_dictionaries(
    {
        "temp": st.floats(allow_nan=False, allow_infinity=False),
        "hum": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "season": st.integers(-(1 << 63), (1 << 63) - 1),
        "city": st.none() | st.text(max_size=5),
        "holiday": st.booleans(),
        "day": st.none() | st.dates().map(str),
    }
)


def outcome(work):
    """The columns, or None where they were refused. Any other error is a failure."""
    try:
        return RULES.check(work())
    except InvalidInputError as error:
        assert error.what  # noqa: PT017 - raising is allowed, not demanded
        return None


@settings(max_examples=150)
@given(st.lists(good, min_size=1, max_size=5))
def test_good_rows_come_through_every_form_unchanged(records):
    wanted = {name: [record[name] for record in records] for name in NAMES}
    split = {"columns": NAMES, "data": [[record[name] for name in NAMES] for record in records]}
    forms = ({"dataframe_records": records}, {"inputs": wanted}, {"dataframe_split": split})
    for form in forms:
        checked = RULES.check(invocations.parse_json(json.dumps(form).encode()))
        assert checked.columns == wanted
        assert checked.count == len(records)


@settings(max_examples=300)
@given(st.lists(rows | values, max_size=4), st.sampled_from(["dataframe_records", "instances", "inputs", "dataframe_split"]))
def test_any_json_is_checked_or_refused(content, form):
    checked = outcome(lambda: invocations.parse_json(json.dumps({form: content}).encode()))
    if checked is not None:
        assert set(NAMES) <= checked.columns.keys()
        assert all(len(column) == checked.count for column in checked.columns.values())
        assert all(math.isfinite(v) for column in checked.columns.values() for v in column if isinstance(v, float))


@settings(max_examples=300)
@given(st.binary(max_size=80) | st.text(alphabet='{}[]",:0123456789instancesNaN', max_size=60).map(str.encode))
def test_any_bytes_are_refused_or_read(body):
    outcome(lambda: invocations.parse_json(body))
    outcome(lambda: invocations.parse_csv(body, RULES))


cells = st.text(alphabet='a1.,"-\n e_', max_size=6)


@settings(max_examples=200)
@given(st.lists(st.lists(cells, min_size=6, max_size=6), max_size=4))
def test_any_csv_is_checked_or_refused(lines):
    text = ",".join(NAMES) + "\n" + "".join(",".join(line) + "\n" for line in lines)
    outcome(lambda: invocations.parse_csv(text.encode(), RULES))


tensor = st.fixed_dictionaries(
    {
        "name": names | values,
        "shape": st.lists(st.integers(-1, 4), max_size=3) | values,
        "datatype": st.sampled_from([*DATATYPES, "X"]) | values,
    },
    optional={
        "data": st.lists(values, max_size=4) | values,
        "parameters": st.dictionaries(st.sampled_from(["binary_data_size", "a"]), values),
    },
)
outputs = st.lists(st.fixed_dictionaries({"name": st.sampled_from(["predict", "x"]) | values}), max_size=2) | values


@settings(max_examples=400)
@given(st.lists(tensor | values, max_size=6) | values, outputs, st.binary(max_size=20), values)
def test_any_infer_request_is_checked_or_refused(inputs, wanted, tail, request_id):
    head = json.dumps({"inputs": inputs, "outputs": wanted, "id": request_id}).encode()
    outcome(lambda: v2.parse_infer(head + tail, len(head), RULES, ("predict",)).columns)


@given(st.sampled_from(DATATYPES), st.integers(0, 5), st.binary(max_size=48))
def test_any_tensor_bytes_are_read_or_refused(datatype, count, raw):
    try:
        found = read_binary("t", datatype, count, memoryview(raw))
    except InvalidInputError as error:
        assert error.field == "t"  # noqa: PT017 - as above
        return
    assert len(found) == count


@given(st.lists(st.text(max_size=6), max_size=5))
def test_texts_survive_the_binary_form(texts):
    raw = write_binary(Tensor(name="t", datatype="BYTES", shape=[len(texts)], data=texts))
    assert read_binary("t", "BYTES", len(texts), memoryview(raw)) == texts


def test_a_key_that_the_model_takes_itself_is_still_a_key():
    own = RowRules(REGRESSION, key=(KeyColumn(name="season", dtype="int"),))
    row = {"temp": [1.0], "hum": [None], "season": [2.0], "city": ["a"], "holiday": [True], "day": [None]}
    assert own.check(row).keys == ["[2]"]


def test_times_are_brought_into_one_form():
    signature_field = Field(name="when", dtype=Dtype.DATETIME, nullable=False)
    from volant.serving.rows import _times

    assert _times(["2026-01-01 05:00", "2026-01-01T06:00:00+01:00"], signature_field) == ["2026-01-01T05:00:00Z"] * 2


def test_event_times_come_from_the_time_column():
    row = {"temp": [1.0], "hum": [None], "season": [2], "city": ["a"], "holiday": [True], "day": [None], "at": ["1970-01-01 00:00:01"]}
    checked = RULES.check(row)
    assert checked.event_times == [1_000_000]
    assert checked.columns["at"] == ["1970-01-01T00:00:01Z"]
    assert checked.keys is None
