"""``tests/test_pipeline.py`` of a new project: plain pytest, a handful of rows from the data, no Volant."""

import datetime as dt
from typing import TYPE_CHECKING, Any

from volant.config.model import Task
from volant.data.model import Dtype
from volant.data.plan import Plan
from volant.data.written_pipeline import literal

if TYPE_CHECKING:
    import polars as pl

_ROWS = 8
_CLASSES = 4
_WIDTH = 76
_TYPES = {
    Dtype.INT: "pl.Int64",
    Dtype.FLOAT: "pl.Float64",
    Dtype.STRING: "pl.String",
    Dtype.BOOL: "pl.Boolean",
    Dtype.DATE: "pl.Date",
    Dtype.DATETIME: 'pl.Datetime("us")',
}


def test_text(plan: Plan, frame: "pl.DataFrame") -> str:
    """The file's text. ``frame``: the whole data; a few rows of it are written down as the tests' sample."""
    sample = frame[_sample_rows(frame, plan)]
    used = [c for c in plan.columns if c.name != plan.target and c.name not in plan.drop]
    columns = "".join(f"        {literal(c.name)}: {_values(sample[c.name])},\n" for c in used)
    schema = "".join(f"        {literal(c.name)}: {_TYPES[c.dtype]},\n" for c in used)
    dated = any(c.dtype in {Dtype.DATE, Dtype.DATETIME} for c in used)
    parts = [
        '"""The pipeline under plain pytest. ROWS are a few rows of the data; add the cases you care about."""\n',
        ("import datetime\n" if dated else "") + "import sys\nfrom pathlib import Path\n",
        "import polars as pl\nfrom polars.testing import assert_frame_equal\n",
        "sys.path.insert(0, str(Path(__file__).parents[1]))\n",
        "import pipeline  # noqa: E402\n",
        f"ROWS = pl.DataFrame(\n    {{\n{columns}    }},\n    schema={{\n{schema}    }},\n)",
        f"TARGET = pl.Series({literal(plan.target)}, {_values(sample[plan.target])})\n\n",
        _BODY,
    ]
    return "\n".join(parts) + (_UNSEEN if plan.roles.categories else "") + (_CLASS_TEST if plan.task is not Task.REGRESSION else "")


def _sample_rows(frame: "pl.DataFrame", plan: Plan) -> list[int]:
    """Rows spread over the file, and the first row of some classes, so that a classifier has something to tell apart."""
    rows = {i * (frame.height - 1) // (_ROWS - 1) for i in range(_ROWS)}
    if plan.task is not Task.REGRESSION:
        rows |= {int(i) for i in frame[plan.target].arg_unique().head(_CLASSES)}
    return sorted(rows)


def _values(values: "pl.Series") -> str:
    texts = [_value(value) for value in values.to_list()]
    flat = f"[{', '.join(texts)}]"
    return flat if len(flat) <= _WIDTH else "[\n" + "".join(f"            {text},\n" for text in texts) + "        ]"


def _value(value: Any) -> str:
    if isinstance(value, str):
        return literal(value)
    if isinstance(value, float) and value - value != 0:
        return f'float("{value}")'
    if isinstance(value, dt.date):
        return repr(value)  # datetime.date(...) or datetime.datetime(...)
    return repr(value)


_BODY = """def test_features_look_at_one_row_at_a_time() -> None:
    together = pipeline.features(ROWS)
    alone = pl.concat([pipeline.features(ROWS[i]) for i in range(ROWS.height)])
    assert_frame_equal(together, alone)


def test_the_model_answers_every_row() -> None:
    features = pipeline.features(ROWS)
    fitted = pipeline.model(features, TARGET)
    assert len(fitted.predict(features)) == ROWS.height


def test_missing_values_are_no_reason_to_fail() -> None:
    fitted = pipeline.model(pipeline.features(ROWS), TARGET)
    empty = ROWS.clear(n=1)
    assert len(fitted.predict(pipeline.features(empty))) == 1


def test_the_same_seed_gives_the_same_answers() -> None:
    features = pipeline.features(ROWS)
    first, second = (pipeline.model(features, TARGET, seed=1).predict(features) for _ in range(2))
    assert list(first) == list(second)
"""

_UNSEEN = """

def test_a_category_that_was_never_seen_gets_an_answer() -> None:
    features = pipeline.features(ROWS)
    fitted = pipeline.model(features, TARGET)
    unseen = features[:1].with_columns(pl.lit("never seen before").alias(name) for name in pipeline.CATEGORIES)
    assert len(fitted.predict(unseen)) == 1
"""

_CLASS_TEST = """

def test_answers_are_classes_of_the_target() -> None:
    features = pipeline.features(ROWS)
    assert set(pipeline.model(features, TARGET).predict(features)) <= set(TARGET.to_list())
"""
