"""``pipeline.py`` of a new project: a feature function and a model, short enough to be read and changed."""

import json

from volant.config.model import Task
from volant.data.plan import Plan

_WIDTH = 100


def pipeline_text(plan: Plan) -> str:
    """The file's text: plain Polars and scikit-learn, Volant is not imported."""
    head = "\n\n".join(part for part in (_docstring(plan), _imports(plan), _constants(plan)) if part)
    return f"{head}\n\n\n{_features(plan)}\n\n\n{_model(plan)}\n"


def literal(text: str) -> str:
    """A text as a Python literal in double quotes, on one line."""
    return json.dumps(text, ensure_ascii=not text.isprintable())


def names(values: tuple[str, ...], indent: str = "") -> str:
    """A list literal, wrapped."""
    flat = f"[{', '.join(map(literal, values))}]"
    if len(indent) + len(flat) <= _WIDTH - 14:
        return flat
    return "[\n" + "".join(f"{indent}    {literal(value)},\n" for value in values) + f"{indent}]"


def _docstring(plan: Plan) -> str:
    target = "".join(c if c.isprintable() and c not in '"\\' else "?" for c in plan.target)
    return (
        f'"""How {target} is predicted.\n\n'
        "Functions are wired by parameter name: `rows` and `target` come from the data, `features` from the function of\n"
        "that name. Keyword-only arguments are parameters; `train.params` in volant.yaml and `volant run --set` change them.\n"
        '"""'
    )


def _estimator(plan: Plan) -> str:
    return "HistGradientBoostingRegressor" if plan.task is Task.REGRESSION else "HistGradientBoostingClassifier"


def _imports(plan: Plan) -> str:
    lines = ["import polars as pl"]
    if plan.roles.categories:
        lines.append("from sklearn.compose import ColumnTransformer")
    lines.append(f"from sklearn.ensemble import {_estimator(plan)}")
    if plan.roles.categories:
        lines += ["from sklearn.pipeline import Pipeline", "from sklearn.preprocessing import OrdinalEncoder"]
    return "\n".join(lines)


def _constants(plan: Plan) -> str:
    lines = []
    if plan.roles.numbers:
        lines.append(f"NUMBERS = {names(plan.roles.numbers)}")
    if plan.roles.categories:
        lines.append(f"CATEGORIES = {names(plan.roles.categories)}")
    return "\n".join(lines)


_PART_NAMES = {"hour": "hour_of_day", "weekday": "day_of_week", "month": "month_of_year"}


def _part_name(plan: Plan, part: str) -> str:
    """The feature that holds a part of the time."""
    name = _PART_NAMES[part]
    return name if name not in {column.name for column in plan.columns} else f"{plan.time}_{name}"


def _features(plan: Plan) -> str:
    chosen = []
    if plan.roles.categories:
        chosen.append("pl.col(CATEGORIES)")
    if plan.roles.numbers:
        chosen.append("pl.col(NUMBERS).cast(pl.Float64)")
    for part in plan.roles.time_parts:
        time = plan.time or ""
        chosen.append(f"pl.col({literal(time)}).dt.{part}().cast(pl.Float64).alias({literal(_part_name(plan, part))})")
    body = "".join(f"        {expression},\n" for expression in chosen)
    return (
        "def features(rows: pl.DataFrame) -> pl.DataFrame:\n"
        '    """One row in, one row out. It runs again on every request, so no row may look at another one."""\n'
        f"    return rows.select(\n{body}    )"
    )


def _model(plan: Plan) -> str:
    returns = "Pipeline" if plan.roles.categories else _estimator(plan)
    head = (
        "def model(\n"
        "    features: pl.DataFrame, target: pl.Series, *, learning_rate: float = 0.1, seed: int = 7\n"
        f") -> {returns}:\n"
        '    """Gradient-boosted trees; missing values are fine."""\n'
    )
    if not plan.roles.categories:
        return (
            head + f"    trees = {_estimator(plan)}(learning_rate=learning_rate, random_state=seed)\n    return trees.fit(features, target)"
        )
    return head + (
        "    # Categories become codes; one that was never seen in training, or is missing, counts as missing.\n"
        "    codes = OrdinalEncoder(\n"
        '        handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1, max_categories=250\n'
        "    )\n"
        '    columns = ColumnTransformer([("categories", codes, CATEGORIES)], remainder="passthrough")\n'
        f"    trees = {_estimator(plan)}(\n"
        "        learning_rate=learning_rate, random_state=seed, categorical_features=list(range(len(CATEGORIES)))\n"
        "    )\n"
        '    return Pipeline([("columns", columns), ("trees", trees)]).fit(features, target)'
    )
