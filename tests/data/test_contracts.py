from datetime import date, datetime

import polars as pl
import pytest
import yaml

from volant.data.contract import Check, Contract, ContractColumn, Rule, Severity
from volant.data.contract_inference import infer_contract, value_range
from volant.data.model import Column, Dtype
from volant.data.odcs import dump_contract, load_contract
from volant.data.reading import read_frame, sniff
from volant.data.report import Status, render, stop_if_blocked
from volant.data.validate import check_file, check_frame
from volant.kernel.codec import canonical, decode
from volant.kernel.errors import CheckFailedError, UsageError


def contract(*rules, columns=None, **dtypes):
    found = columns or tuple(ContractColumn(name=n, dtype=d) for n, d in dtypes.items())
    return Contract(id="i", name="t", columns=found, rules=rules)


def broken(frame, found, **options):
    report = check_frame(frame, found, shown="t", **options)
    return {r.rule: r.failed for r in report.broken()}


def result(frame, found, rule_id):
    report = check_frame(frame, found, shown="t")
    return next(r for r in report.results if r.rule == rule_id)


@pytest.mark.parametrize("lazy", [False, True])
def test_a_lazy_frame_is_checked_as_deeply_as_an_eager_one(lazy):
    frame = pl.DataFrame({"a": [1, -2, None]})
    found = contract(
        Rule(check=Check.RANGE, columns=("a",), minimum=0), columns=(ContractColumn(name="a", dtype=Dtype.INT, required=True),)
    )
    assert broken(frame.lazy() if lazy else frame, found) == {"a: range": 1, "a: required": 1}


def test_missing_means_null_and_not_a_number():
    frame = pl.DataFrame({"a": [1.0, float("nan"), None]})
    found = contract(columns=(ContractColumn(name="a", dtype=Dtype.FLOAT, required=True),))
    one = result(frame, found, "a: required")
    assert one.failed == 2
    assert [(e.row, e.value) for e in one.examples] == [(2, "nan"), (3, None)]


def test_not_a_number_is_not_above_every_bound_but_infinity_is():
    frame = pl.DataFrame({"a": [float("nan"), float("inf"), 0.5, None]})
    found = contract(Rule(check=Check.RANGE, columns=("a",), minimum=0, maximum=1), a=Dtype.FLOAT)
    assert broken(frame, found) == {"a: range": 1}


@pytest.mark.parametrize(
    ("values", "dtype", "failed"),
    [
        ([1, 2], Dtype.FLOAT, 0),
        ([1.0, 2.5, None, float("nan")], Dtype.INT, 1),
        (["1", "x", "NA"], Dtype.INT, 1),
        (["2011-01-01", "soon"], Dtype.DATE, 1),
        ([date(2011, 1, 1)], Dtype.DATETIME, 0),
        ([datetime(2011, 1, 1), datetime(2011, 1, 1, 5), None], Dtype.DATE, 1),  # noqa: DTZ001
        ([1, 2], Dtype.STRING, 2),
        ([True], Dtype.INT, 1),
        ([True, None], Dtype.BOOL, 0),
        ([None, None], Dtype.INT, 0),
    ],
)
def test_types_are_held_cell_by_cell(values, dtype, failed):
    found = broken(pl.DataFrame({"a": values}), contract(a=dtype))
    assert found == ({"a: type": failed} if failed else {})


@pytest.mark.parametrize(
    ("rule", "values", "dtype", "failed"),
    [
        (Rule(check=Check.VALUES, columns=("a",), values=("x", "y")), ["x", "z", None], Dtype.STRING, 1),
        (Rule(check=Check.VALUES, columns=("a",), values=(0, 1)), [0, 2, None], Dtype.INT, 1),
        (Rule(check=Check.VALUES, columns=("a",), values=(True,)), [True, False], Dtype.BOOL, 1),
        (Rule(check=Check.PATTERN, columns=("a",), pattern=r"^\d+$"), ["1", "x", None], Dtype.STRING, 1),
        (Rule(check=Check.LENGTH, columns=("a",), minimum=2, maximum=3), ["é", "abc", "abcd", None], Dtype.STRING, 2),
        (Rule(check=Check.RANGE, columns=("a",), minimum="2011-01-02"), [date(2011, 1, 1), date(2011, 1, 2)], Dtype.DATE, 1),
        (Rule(check=Check.UNIQUE, columns=("a",)), [1, 2, 1, 1], Dtype.INT, 2),
        (Rule(check=Check.ROWS, minimum=5), [1, 2], Dtype.INT, 1),
    ],
)
def test_each_kind_of_rule_counts_the_rows_that_break_it(rule, values, dtype, failed):
    assert broken(pl.DataFrame({"a": values}), contract(rule, a=dtype)) == {rule.id: failed}


def test_a_share_of_rows_may_break_a_rule_that_says_so():
    frame = pl.DataFrame({"a": [1] * 99 + [-1]})
    assert broken(frame, contract(Rule(check=Check.RANGE, columns=("a",), minimum=0, max_share=0.01), a=Dtype.INT)) == {}
    assert broken(frame, contract(Rule(check=Check.RANGE, columns=("a",), minimum=0, max_share=0.009), a=Dtype.INT)) == {"a: range": 1}


def test_what_cannot_be_checked_is_said_and_never_counts_as_held():
    found = contract(
        Rule(check=Check.RANGE, columns=("b",), minimum=0, severity=Severity.WARN),
        Rule(check=Check.RANGE, columns=("a",), minimum="low", severity=Severity.WARN),
        Rule(check=Check.FOREIGN, text="SELECT 1"),
        a=Dtype.INT,
    )
    report = check_frame(pl.DataFrame({"a": [1]}), found, shown="t")
    assert [r.status for r in report.results[-3:]] == [Status.UNCHECKED] * 3
    assert not report.valid
    assert not report.blocked
    assert "[not checked]" in render(report)


def test_a_missing_column_breaks_the_contract_unless_it_need_not_be_there():
    found = contract(a=Dtype.INT, y=Dtype.INT)
    frame = pl.DataFrame({"a": [1], "more": [2]})
    report = check_frame(frame, found, shown="t")
    assert report.blocked
    assert report.notes == ("columns that the contract does not name: more",)
    assert check_frame(frame, found, shown="t", without=("y",)).valid


def test_warnings_do_not_block_and_blocking_rules_stop_with_rows_and_a_proposal():
    frame = pl.DataFrame({"a": [1, 7]})
    warn = contract(Rule(check=Check.RANGE, columns=("a",), maximum=5, severity=Severity.WARN), a=Dtype.INT)
    stop_if_blocked(check_frame(frame, warn, shown="t"))
    with pytest.raises(CheckFailedError, match=r"(?s)'a' is outside -inf to 5 in 1 of 2 rows.*row 2: 7.*set maximum: 7 for a"):
        stop_if_blocked(check_frame(frame, contract(Rule(check=Check.RANGE, columns=("a",), maximum=5), a=Dtype.INT), shown="t"))


def test_a_file_is_checked_as_written_with_lines_keys_and_raw_cells(write):
    path = write('k,a\nx,"1"\n"y\nz",oops\n\nw,-3\n')
    key = ContractColumn(name="k", dtype=Dtype.STRING, key_position=1)
    found = contract(Rule(check=Check.RANGE, columns=("a",), minimum=0), columns=(key, ContractColumn(name="a", dtype=Dtype.INT)))
    report = check_file(path, "csv", found, shown="rows.csv")
    examples = {r.rule: r.examples[0] for r in report.broken()}
    assert (examples["a: type"].row, examples["a: type"].line, examples["a: type"].key) == (2, 3, '["y\\nz"]')
    assert (examples["a: range"].row, examples["a: range"].line, examples["a: range"].value) == (3, 6, "-3")
    assert report.bad_rows == 2


def test_at_most_ten_examples_are_given():
    frame = pl.DataFrame({"a": [-1] * 500})
    assert len(result(frame, contract(Rule(check=Check.RANGE, columns=("a",), minimum=0), a=Dtype.INT), "a: range").examples) == 10


def test_a_report_survives_storage():
    report = check_frame(pl.DataFrame({"a": [1, 7]}), contract(Rule(check=Check.RANGE, columns=("a",), maximum=5), a=Dtype.INT), shown="t")
    assert decode(canonical(report), type(report)) == report


FULL = Contract(
    id="urn:x",
    name='we"ird: name',
    columns=(
        ContractColumn(name="yes", dtype=Dtype.STRING, key_position=1, required=True, description="a key"),
        ContractColumn(name="1", dtype=Dtype.FLOAT, unique=True),
        ContractColumn(name="a: #b\n", dtype=Dtype.DATETIME),
        ContractColumn(name="d", dtype=Dtype.DATE),
        ContractColumn(name="b", dtype=Dtype.BOOL),
        ContractColumn(name="i", dtype=Dtype.INT),
    ),
    rules=(
        Rule(check=Check.VALUES, columns=("yes",), values=("no", "1", "null", "é"), severity=Severity.WARN),
        Rule(check=Check.LENGTH, columns=("yes",), maximum=5),
        Rule(check=Check.RANGE, columns=("1",), minimum=0.5, maximum=1e300, severity=Severity.WARN, max_share=0.25),
        Rule(check=Check.RANGE, columns=("a: #b\n",), minimum="2011-01-01T00:00:00Z"),
        Rule(check=Check.PATTERN, columns=("yes",), pattern="^a+$"),
        Rule(check=Check.REQUIRED, columns=("i",), max_share=0.1, severity=Severity.WARN),
        Rule(check=Check.UNIQUE, columns=("yes", "i")),
        Rule(check=Check.ROWS, minimum=10),
        Rule(check=Check.ROWS, maximum=1000, severity=Severity.WARN),
    ),
)


def test_a_contract_reads_back_from_odcs_as_it_was_written():
    found = load_contract(dump_contract(FULL), "c.yaml")
    assert found.columns == FULL.columns
    assert sorted(found.rules, key=repr) == sorted(FULL.rules, key=repr)


def test_the_written_document_is_odcs():
    document = yaml.safe_load(dump_contract(FULL))
    assert document["apiVersion"] == "v3.1.0"
    assert {"version", "apiVersion", "kind", "id", "status"} <= set(document)
    table = document["schema"][0]
    kinds = {"string", "date", "timestamp", "time", "number", "integer", "object", "array", "boolean"}
    assert {p["logicalType"] for p in table["properties"]} <= kinds
    for quality in table["quality"] + [q for p in table["properties"] for q in p.get("quality", [])]:
        if quality["type"] == "custom":
            assert quality["engine"] == "volant"
            assert isinstance(quality["implementation"], dict)
        else:
            assert quality["metric"] in {"nullValues", "missingValues", "invalidValues", "duplicateValues", "rowCount"}
            assert sum(key.startswith("must") for key in quality) == 1


HEAD = "apiVersion: v3.1.0\nkind: DataContract\nid: i\nversion: '1'\nstatus: active\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not YAML"),
        ("[]", "no mapping"),
        ("kind: Other", "not an ODCS 3 contract"),
        (HEAD + "scema: []\n", "did you mean 'schema'"),
        (HEAD + "schema: []\n", "exactly one table"),
        (HEAD + "schema: [{name: t, propertis: []}]\n", "did you mean 'properties'"),
        (HEAD + "schema: [{name: t, properties: [{name: a, logicalType: strin}]}]\n", "did you mean 'string'"),
        (HEAD + "schema: [{name: t, properties: [{name: a, logicalType: array}]}]\n", "does not hold"),
        (HEAD + "schema: [{name: t, properties: [{name: a, logicalType: string, requird: true}]}]\n", "did you mean 'required'"),
        (HEAD + "schema: [{name: t, properties: [{name: a, logicalType: string}, {name: a, logicalType: string}]}]\n", "name of its own"),
        (HEAD + "schema: [{name: t, quality: [{metric: rowCont, mustBe: 0}]}]\n", "did you mean 'rowCount'"),
        (HEAD + "schema: [{name: t, quality: [{metric: rowCount, mustBe: 0, severity: wran}]}]\n", "did you mean 'warn'"),
        (HEAD + "schema: [{name: t, quality: [{type: custom, engine: volant, implementation: {check: rang}}]}]\n", "did you mean 'range'"),
        (HEAD + "schema: [{name: t, quality: [{type: custom, engine: volant, implementation: {chek: range}}]}]\n", "did you mean 'check'"),
        (
            HEAD + "schema: [{name: t, properties: [{name: a, logicalType: string, logicalTypeOptions: {pattern: '('}}]}]\n",
            "pattern that cannot be used",
        ),
    ],
)
def test_a_mistake_in_a_contract_names_its_place_and_the_nearest_word(text, says):
    with pytest.raises(UsageError, match=says):
        load_contract(text, "c.yaml")


def test_words_of_other_odcs_users_are_understood():
    text = HEAD + (
        "description: {purpose: p}\nteam: {name: t}\n"
        "schema: [{name: t, properties: [{name: a, logicalType: number, logicalTypeOptions: {minimum: 0, maximum: 9}, tags: [x],"
        " quality: [{metric: nullValues, mustBe: 0, severity: error}, {metric: nullValues, mustBeLessThan: 5, unit: percent},"
        " {type: sql, query: SELECT 1, mustBe: 1}, {type: custom, engine: soda, implementation: x}]}],"
        " quality: [{metric: rowCount, mustBeBetween: [1, 5]}]}]\n"
    )
    found = load_contract(text, "c.yaml")
    assert [rule.check for rule in found.rules] == [Check.RANGE, Check.REQUIRED, Check.FOREIGN, Check.FOREIGN, Check.FOREIGN, Check.ROWS]
    assert (found.rules[1].severity, found.rules[-1].minimum, found.rules[-1].maximum) == (Severity.BLOCK, 1, 5)


def test_a_contract_learned_from_data_holds_on_them_and_ranges_only_warn():
    frame = pl.DataFrame({"k": range(1000), "x": [i % 7 + 0.5 for i in range(1000)], "c": ["a", "b"] * 500, "n": [None, 1.0] * 500})
    columns = [
        Column(name="k", dtype=Dtype.INT, nullable=False),
        Column(name="x", dtype=Dtype.FLOAT, nullable=False),
        Column(name="c", dtype=Dtype.STRING, nullable=False),
        Column(name="n", dtype=Dtype.FLOAT, nullable=True),
    ]
    found = infer_contract(frame, columns, name="t", key=("k",))
    assert check_frame(frame, found, shown="t").valid
    moved = frame.with_columns(x=pl.col("x") * 10, c=pl.lit("z"))
    report = check_frame(moved, found, shown="t")
    assert {r.rule for r in report.broken()} == {"x: range", "c: values"}
    assert not report.blocked
    assert check_frame(frame.head(400), found, shown="t").blocked


@pytest.mark.parametrize(
    ("values", "bounds"),
    [
        ([0.0, 1.0] * 50, (0.0, 1.25)),
        ([-1.0, 1.0] * 50, (-1.5, 1.5)),
        ([2.0] * 50, None),
        ([None, None], None),
        ([float("inf"), float("nan"), 1.0], None),
        ([float(i % 30) for i in range(1000)] + [1048.0], (0.0, 36.3)),
    ],
)
def test_a_range_leaves_slack_and_is_not_stretched_by_absurd_values(values, bounds):
    assert value_range(pl.Series(values, dtype=pl.Float64)) == bounds


@pytest.mark.data
def test_the_absurd_wind_speed_is_found_and_nothing_else(data_folder):
    path = data_folder / "nyc2013_weather.csv"
    table = sniff(path)
    frame = read_frame(path, table.format, table.columns, trusted=True)
    clean = frame.filter(pl.col("wind_speed").is_null() | (pl.col("wind_speed") < 1000))
    for learned_from in (clean, frame):
        found = infer_contract(learned_from, table.columns, name="weather", key=("origin", "time_hour"))
        report = check_file(path, "csv", found, shown=path.name)
        assert {r.rule: r.failed for r in report.broken()} == {"wind_speed: range": 1}
        example = report.broken()[0].examples[0]
        assert (example.line, example.value) == (1011, "1048.36058")
