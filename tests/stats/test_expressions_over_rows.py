"""Expressions row by row: against plain Python, and what becomes of rows without a value."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volant.config.expressions import parse
from volant.config.metric_text import metric_text
from volant.config.model import BusinessMetric, Goal
from volant.kernel.errors import InvalidInputError
from volant.stats.expression_values import values_of_rows
from volant.stats.metrics import row_losses, score
from volant.stats.names import best_is_highest, metric_named
from volant.stats.predicted import Predicted, joined

LABEL = np.array([1.0, 0.0, 1.0, np.nan])
COLUMNS = {
    "amount": np.array([10.0, 20.0, np.nan, 40.0]),
    "shop": np.array(["a", None, "b", "a"], dtype=object),
    "open": np.array([True, None, False, True], dtype=object),
    "count": np.array([1, 2, 0, 4]),
}
ANSWERS = Predicted(np.array([1.0, 1.0, 0.0, 0.0]), np.array([[0.1, 0.9], [0.4, 0.6], [0.7, 0.3], [0.8, 0.2]]), (0, 1), COLUMNS)


def rows(expression, label=LABEL, predicted=ANSWERS):
    values, there = values_of_rows(parse(expression), label, predicted)
    return [float(value) if known else None for value, known in zip(values, there, strict=True)]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("if(label == 1, 40, -5) * (prediction == 1)", [40, -5, 0, None]),
        ("prediction * amount", [10, 20, None, 0]),
        ("coalesce(amount, 7) - 1", [9, 19, 6, 39]),
        ("(amount is null) + prediction", [1, 1, 1, 0]),
        ("(shop is not null) + 0", [1, 0, 1, 1]),
        ("(shop == 'a') * 3", [3, None, 0, 3]),
        ("(shop in ['b', 'c']) * 3", [0, None, 3, 0]),
        ("(shop not in ['b']) + 0", [1, None, 0, 1]),
        ("probability * 10", [9, 6, 3, 2]),
        ("probability(0) * 10", [1, 4, 7, 8]),
        ("probability(7)", [0, 0, 0, 0]),
        ("open * 2", [2, None, 0, 2]),
        ("amount / count", [10, 10, None, 10]),
        ("log(prediction)", [0, 0, None, None]),
        ("sqrt(0 - count)", [None, None, 0, None]),
        ("exp(count * 1000)", [None, None, 1, None]),
        ("7 % count", [0, 1, None, 3]),
        ("-2 ** 2", [-4, -4, -4, -4]),
        ("2 ** -count", [0.5, 0.25, 1, 0.0625]),
        ("1 + 2 * 3 - 4 / 2", [5, 5, 5, 5]),
        ("10 - 3 - 2", [5, 5, 5, 5]),
        ("min(count, 2) + max(count, 2, 3) + clip(count, 1, 2)", [5, 7, 4, 8]),
        ("round(probability * 3, 1)", [2.7, 1.8, 0.9, 0.6]),
        ("floor(probability * 3) + ceil(probability)", [3, 2, 1, 1]),
        ("abs(label - prediction)", [0, 1, 1, None]),
        ("not (prediction == 1)", [0, 0, 1, 1]),
        ("prediction == 0 and amount > 1", [0, 0, None, 1]),
        ("prediction == 1 or amount > 1", [1, 1, None, 1]),
        ("if(amount > 15, 1, 2)", [2, 1, None, 1]),
        ("if(prediction == 1, 5, null)", [5, 5, None, None]),
        ("count >= 2 and count != 4", [0, 1, 0, 0]),
    ],
)
def test_expressions_mean_what_they_say_and_rows_without_a_value_have_none(expression, expected):
    assert rows(expression) == [None if value is None else pytest.approx(value) for value in expected]


NUMBERS = st.floats(-1e6, 1e6) | st.sampled_from([0.0, 1.0, math.nan, math.inf, -math.inf, 1e300])


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        st.sampled_from(["a", "label", "prediction", "2", "0.5"]),
        lambda inner: st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "%", "**", "<", "==", "and", "or"]), inner).map(
            lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"
        ),
        max_leaves=8,
    ),
    st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=5),
)
def test_whatever_the_numbers_no_result_is_other_than_finite(expression, numbers):
    label, answer, column = (np.array(values) for values in zip(*numbers, strict=True))
    values, there = values_of_rows(parse(expression), label, Predicted(answer, columns={"a": column}))
    assert np.isfinite(values).all()
    assert there.shape == values.shape == (len(numbers),)


def test_a_metric_is_the_mean_over_rows_that_have_a_label_and_a_value():
    text = metric_text(BusinessMetric(name="profit", expression="prediction * amount", goal=Goal.MAXIMIZE, unit="EUR"))
    found = score(text, LABEL, ANSWERS)
    assert (found.value, found.rows) == (15.0, 2)
    named = metric_named(text)
    assert not named.lower_is_better
    assert named.columns == ("amount",)
    losses = row_losses(named.row_loss, LABEL, ANSWERS)
    assert losses.values.tolist() == [-10.0, -20.0, 0.0, 0.0]
    assert losses.valid.tolist() == [True, True, False, False]
    assert metric_named(named.row_loss).row_loss == named.row_loss
    assert best_is_highest("profit", [text])


def test_what_is_minimised_is_its_own_loss():
    text = metric_text(BusinessMetric(name="cost", expression="amount * (1 - prediction)", goal=Goal.MINIMIZE))
    assert metric_named(text).row_loss == text
    assert not best_is_highest("cost", [text])


def test_a_column_that_is_not_there_or_holds_texts_is_said():
    with pytest.raises(InvalidInputError, match="no column 'price'"):
        rows("prediction * price")
    with pytest.raises(InvalidInputError, match="character 14"):
        rows("prediction * shop")
    with pytest.raises(InvalidInputError, match="orders a number and a text"):
        rows("prediction < shop")
    with pytest.raises(InvalidInputError, match="probabilities"):
        rows("probability", predicted=Predicted(ANSWERS.values))


def test_labels_of_words_compare_with_words():
    said = Predicted(np.array(["yes", "no"], dtype=object), np.array([[0.2, 0.8], [0.6, 0.4]]), ("no", "yes"))
    truth = np.array(["yes", None], dtype=object)
    assert rows("if(label == prediction, 3, -1) * probability('yes')", truth, said) == [pytest.approx(2.4), None]


def test_columns_go_where_their_rows_go():
    both = joined([ANSWERS.take(np.array([0])), ANSWERS.take(np.array([3, 1]))])
    assert both.columns["count"].tolist() == [1, 4, 2]
    assert rows("prediction + count", np.ones(3), both) == [2.0, 4.0, 3.0]
