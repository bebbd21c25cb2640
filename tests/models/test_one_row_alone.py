"""One row alone gives the very bits that it gives among others, whatever Polars does for a single row."""

import polars as pl
import pytest
from model_parts import featured, table

from volant.models.features import column_values

ROWS, TARGET = table(400)


@pytest.mark.parametrize("takes", ["polars", "polars-lazy"])
def test_a_row_divided_by_a_number_is_the_same_alone_and_among_others(takes):
    features = featured(lambda rows: rows.select(z=(pl.col("temp") - 19.987) / 4.961), rows=(ROWS, TARGET), takes=takes).features
    whole = column_values(features(ROWS))["z"]
    alone = [column_values(features(ROWS[i]))["z"] for i in range(ROWS.height)]
    assert alone == [[value] for value in whole]
