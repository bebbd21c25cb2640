"""Feature functions that look at other rows are refused, with the column; honest ones pass."""

import numpy as np
import polars as pl
import pytest
from model_parts import featured, model, table, trained

from volant.kernel.errors import InvalidInputError, VolantError
from volant.models.locality import prove_row_local

TEMP = pl.col("temp")


def in_polars(expression):
    return lambda rows: rows.select(fine=TEMP * 2, bad=expression)


BATCH_EFFECTS = {
    "z-score": (TEMP - TEMP.mean()) / TEMP.std(),
    "running sum": TEMP.cum_sum(),
    "row before": TEMP.shift(1).fill_null(0.0),
    "rank": TEMP.rank(),
    "share of the largest": TEMP / TEMP.max(),
    "filled with the mean": TEMP.fill_null(TEMP.mean()),
    "filled from the row before": TEMP.forward_fill(),
    "clipped to quantiles": TEMP.clip(TEMP.quantile(0.05), TEMP.quantile(0.95)),
    "quantile bins": TEMP.rank() // 10,
    "mean within a category": TEMP.mean().over("kind"),
    "codes in order of appearance": pl.col("kind").cast(pl.Categorical).rank("dense"),
    "number of rows": pl.len() + TEMP * 0,
    "sorted": TEMP.sort(),
    "count of duplicates": pl.len().over("temp", "kind"),
    "reversed": TEMP.reverse(),
    "above the median": TEMP.median() < TEMP,
    "row number": pl.int_range(pl.len()),
}


@pytest.mark.parametrize("name", BATCH_EFFECTS)
def test_a_value_computed_over_the_batch_is_refused_with_its_column(name):
    with pytest.raises(InvalidInputError) as caught:
        prove_row_local(featured(in_polars(BATCH_EFFECTS[name]), rows=table(120, holes=True)), table(120, holes=True)[0])
    assert caught.value.field == "bad"
    assert "'fine'" not in str(caught.value)
    assert "def means(rows)" in caught.value.next_step


def test_a_hole_that_only_the_sample_lacks_is_tried_too():
    rows, y = table(120, holes=True)
    full = rows.drop_nulls()
    with pytest.raises(InvalidInputError, match="'bad'"):
        prove_row_local(featured(in_polars(TEMP.fill_null(TEMP.mean())), rows=(rows, y)), full)


def test_the_fitted_version_of_the_same_score_is_accepted():
    def features(rows, means):
        return rows.select((pl.col("temp") - means["mean"]) / means["std"])

    prove_row_local(featured(features, state={"means": {"mean": 20.1, "std": 4.9}}), table(120)[0])


def test_sums_over_one_rows_columns_are_row_local():
    def features(rows):
        return rows.select(
            total=pl.sum_horizontal("temp", "count"),
            mean=pl.mean_horizontal("temp", "count"),
            wave=(pl.col("at").dt.hour() / 24 * 2 * np.pi).sin(),
            kind=pl.col("kind").cast(pl.Categorical),
            days=(pl.col("day") - pl.date(2024, 1, 1)).dt.total_days(),
        )

    prove_row_local(featured(features), table(120)[0])


@pytest.mark.parametrize(
    "function",
    [
        lambda rows: rows.unique(subset=["temp", "kind"], maintain_order=True),
        lambda rows: rows.filter(pl.col("temp") > 20),
        lambda rows: rows.head(50),
        lambda rows: pl.concat([rows, rows]),
        lambda rows: rows.group_by("kind").agg(pl.col("temp").mean()),
    ],
    ids=["unique", "filter", "head", "concat", "group"],
)
def test_losing_or_adding_rows_is_refused(function):
    with pytest.raises(VolantError, match=r"number of rows|fails when"):
        prove_row_local(featured(function), table(120)[0])


def test_columns_of_the_categories_that_happen_to_be_there_are_refused():
    pytest.importorskip("pandas")
    import pandas as pd

    with pytest.raises(InvalidInputError, match="kind_"):
        prove_row_local(featured(lambda rows: pd.get_dummies(rows[["kind"]]), takes="pandas"), table(120)[0])
    with pytest.raises(InvalidInputError, match="kind_"):
        prove_row_local(featured(lambda rows: rows.select("kind").to_dummies()), table(120)[0])


def test_changing_the_rows_that_were_given_is_refused():
    pytest.importorskip("pandas")

    def features(rows):
        rows["double"] = rows["temp"] * 2
        return rows[["double"]]

    with pytest.raises(InvalidInputError, match="changes the rows it is given") as caught:
        prove_row_local(featured(features, takes="pandas"), table(120)[0])
    assert caught.value.field == "double"
    prove_row_local(featured(lambda rows: features(rows.copy()), takes="pandas"), table(120)[0])


@pytest.mark.parametrize("effect", ["cumsum", "rank", "pct_change", "zscore"])
def test_batch_effects_of_pandas_are_refused_too(effect):
    pytest.importorskip("pandas")
    actions = {
        "cumsum": lambda t: t.cumsum(),
        "rank": lambda t: t.rank(),
        "pct_change": lambda t: t.pct_change(),
        "zscore": lambda t: (t - t.mean()) / t.std(),
    }
    with pytest.raises(InvalidInputError, match="'bad'"):
        prove_row_local(featured(lambda rows: rows[["count"]].assign(bad=actions[effect](rows["temp"])), takes="pandas"), table(120)[0])


def test_randomness_is_named_as_such():
    rng = np.random.default_rng()
    with pytest.raises(InvalidInputError, match="same result twice"):
        prove_row_local(featured(lambda rows: rows.select("temp").with_columns(noise=rng.random(rows.height))), table(120)[0])


def test_an_estimator_that_standardises_its_input_over_the_batch_is_refused():
    class Greedy:
        def predict(self, rows):
            return rows["temp"].to_numpy() - rows["temp"].mean()

    rows, y = table(60)
    with pytest.raises(InvalidInputError, match="predicts otherwise"):
        prove_row_local(model(trained(Greedy(), rows.columns), rows, y), rows)


def test_no_rows_prove_nothing_and_one_row_is_enough_to_run():
    prove_row_local(featured(lambda rows: rows.select("temp")), table(10)[0].head(0))
    prove_row_local(featured(lambda rows: rows.select("temp")), table(10)[0].head(1))


def test_a_function_that_cannot_take_one_row_is_refused():
    with pytest.raises(InvalidInputError, match="fails when it is given the rows one by one"):
        prove_row_local(featured(lambda rows: rows[["temp"]] if len(rows) > 1 else 1 / 0, takes="pandas"), table(120)[0])
