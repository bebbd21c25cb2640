"""Business metrics in ``volant.yaml``: what is read, what is refused and where, and what is written back."""

import pytest

from volant.config.dump import dump_project
from volant.config.expression_types import Sort, check
from volant.config.expressions import columns_read, parse
from volant.config.load import load_text
from volant.config.metric_text import business_metric, in_all, metric_label, metric_name
from volant.config.model import Goal
from volant.kernel.errors import UsageError

TEXT = """version: 1
project: shop
task: {task}
target: bought
metric: profit
metrics:
  profit: {{expression: "{expression}", goal: maximize, unit: EUR}}
data: {{source: a.csv, drop: [note]}}
gates:
  - {{vs: champion, margin: 1%}}
  - {{metric: accuracy, vs: champion, margin: 1%}}
"""
SPEND = "if(label == 1, 40, -5) * (prediction == 1) - `hostile: \N{GREEK SMALL LETTER LAMDA} column`"
COLUMNS = {"amount": Sort.NUMBER, "shop": Sort.TEXT, "at": Sort.MOMENT}


def loaded(expression=SPEND, task="binary", **changed):
    text = TEXT.format(expression=expression, task=task)
    for before, after in changed.get("swap", ()):
        assert before in text
        text = text.replace(before, after)
    return load_text(text, "volant.yaml", {}).config


def refusal(expression, **options):
    with pytest.raises(UsageError) as caught:
        loaded(expression, **options)
    return str(caught.value)


def test_a_metric_of_ones_own_decides_wherever_a_metric_is_named():
    config = loaded()
    metric, _term = business_metric(config.metric)
    assert (metric.name, metric.goal, metric.unit, metric.expression) == ("profit", Goal.MAXIMIZE, "EUR", SPEND)
    assert [gate.metric for gate in config.gates] == [config.metric, "accuracy"]
    assert (metric_name(config.metric), metric_label(config.metric)) == ("profit", "profit (EUR)")
    assert (metric_name("mae"), metric_label("mae"), business_metric("mae")) == ("mae", "mae", None)


def test_a_metric_may_be_shown_as_a_sum_too():
    config = loaded(swap=[("goal: maximize", "goal: maximize, aggregate: sum")])
    assert load_text(dump_project(config), "volant.yaml", {}).config == config
    assert (in_all(config.metric, 2.5, 40), in_all(config.metric, None, 40), in_all(loaded().metric, 2.5, 40)) == (100.0, None, None)
    assert config.metric != loaded().metric


def test_what_is_written_back_reads_as_the_same_settings():
    config = loaded()
    text = dump_project(config)
    assert "metric: profit" in text
    assert load_text(text, "volant.yaml", {}).config == config


@pytest.mark.parametrize(
    ("expression", "said", "next_step"),
    [
        ("if(label = 1, 2, 3) * prediction", "character 10", "write == to compare"),
        ("prediction * 2 +", "ends too early", "write a number, a column"),
        ("prediction * roun(amount)", "character 14", "did you mean 'round'?"),
        ("clip(prediction, 1)", "clip takes 3 arguments and has 2", "correct the arguments"),
        ("1 < prediction < 2", "comparisons are not chained", "a < b and b < c"),
        ("prediction in [shop]", "a list takes numbers, texts", "write"),
        ("(prediction", "needs ')'", "write ')' here"),
        ("prediction 2", "does not belong here", "operator is missing"),
        ("prediction + 'abc", "means nothing here", "close the quote"),
        ("prediction * bought", "is the target, which no request carries", "write label"),
        ("prediction * note", "under data.drop, so no request carries it", "take it out"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_place_and_what_was_meant(expression, said, next_step):
    message = refusal(expression)
    assert "volant.yaml line 7" in message
    assert said in message
    assert next_step in message


def test_probabilities_fit_neither_regression_nor_many_classes_unnamed():
    assert "numbers have no probability" in refusal("probability * 2", task="regression", swap=[("metric: accuracy", "metric: mae")])
    assert "probability of which class" in refusal("probability * 2", task="multiclass")
    assert loaded('probability(\\"red\\") * 2', task="multiclass").metrics[0].expression == 'probability("red") * 2'


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("metric: profit", "metric: proft", "did you mean 'profit'?"),
        ("  profit: {", "  accuracy: {", "is the name of something else"),
        ("  profit: {", "  'of profit': {", "is no name"),
        ("maximize", "most", "maximize, minimize"),
        ("unit: EUR", "unit: EUR each row", "a unit of up to 12 characters"),
        (", goal: maximize", "", "has no 'goal'"),
    ],
)
def test_names_goals_and_units_are_held_to_what_they_may_be(before, after, said):
    assert said in refusal("prediction", swap=[(before, after)])


@pytest.mark.parametrize(
    "hostile", ["(" * 500 + "prediction", "-" * 1500 + "prediction", "not " * 400 + "prediction", "abs(" * 300, "x" * 3000]
)
def test_nesting_without_end_is_refused_and_does_not_exhaust_the_stack(hostile):
    with pytest.raises(UsageError):
        parse(hostile)


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("amount * 2", "reads no answer of the model"),
        ("prediction + shop", "character 14 of the expression: '+' needs numbers"),
        ("prediction * amont", "did you mean 'amount'?"),
        ("if(amont > 1, 40, 0)", "did you mean 'amount'?"),
        ("prediction == shop", "compares a number with a text"),
        ("if(prediction > 1, shop, 'x')", "it gives a text"),
        ("if(prediction > 1, amount, 'x')", "chooses between a number with a text"),
        ("prediction - at", "is a time, which expressions do not read"),
        ("prediction * (shop in [1, 2])", "compares a number with a text"),
    ],
)
def test_types_are_checked_against_the_columns(expression, said):
    with pytest.raises(UsageError) as caught:
        check(expression, parse(expression), columns=COLUMNS, answer=Sort.NUMBER)
    assert said in str(caught.value)


def test_columns_are_listed_once_and_may_have_any_name():
    term = parse('prediction * `a b` + `label` - amount + `a b` * (shop == "x") ** 2')
    assert columns_read(term) == ("a b", "label", "amount", "shop")
    check("", parse("prediction * amount * (shop in ['a', 'b'])"), columns=COLUMNS, answer=Sort.NUMBER)
