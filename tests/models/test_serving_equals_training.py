"""What is answered offline for a frame is answered for the same rows one by one, as a worker asks."""

import warnings

import numpy as np
import polars as pl
import pytest
from model_parts import DATA, model, table, trained
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from volant.config.model import Task
from volant.kernel.clock import iso
from volant.kernel.errors import InvalidInputError, UserCodeError
from volant.models.frames import to_columns
from volant.models.packaging import pack
from volant.models.runner import load_runner
from volant.serving.rows import RowRules


def served(fitted, rows):
    """Every row through the worker's own checks, alone."""
    rules = RowRules(fitted.signature)
    columns = to_columns(rows.select(field.name for field in fitted.signature.inputs), fitted.signature.inputs)
    answers = []
    for row in range(rows.height):
        checked = rules.check({name: [values[row]] for name, values in columns.items()})
        answers.append(fitted.predict_columns(checked.columns, 1))
    return answers


def assert_equal(fitted, rows, *, exact=True):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        whole, ones = fitted.predict(rows), served(fitted, rows)
    values = [one.values.tolist()[0] for one in ones]
    assert list(map(type, values)) == list(map(type, whole.values.tolist()))
    if exact or whole.values.dtype.kind != "f":
        assert values == whole.values.tolist()
    else:
        assert values == pytest.approx(whole.values.tolist(), rel=1e-12)
    if whole.scores is not None:
        scores = np.vstack([one.scores for one in ones])
        assert np.array_equal(scores, whole.scores) if exact else np.allclose(scores, whole.scores, rtol=1e-12)


def read(name, count, **options):
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{name} is not there")
    return pl.read_csv(path, null_values=["", "NA"], **options).head(count)


def calendar(rows, means):
    """A feature function with fitted state, dates and holes."""
    return rows.select(
        pl.col("temp", "hum", "windspeed"),
        pl.col("season").cast(pl.Float64),
        weekday=pl.col("dteday").dt.weekday().cast(pl.Float64),
        month=pl.col("dteday").dt.month().cast(pl.Float64),
        usual=pl.col("hr").replace_strict(means["hr"], means["cnt"], default=None),
    )


@pytest.mark.data
def test_bike_demand_with_a_feature_function_is_answered_alike_packed_and_served(tmp_path):
    from volant.adapters.objects.local import LocalObjects

    data = read("bike_hourly.csv", 4000, try_parse_dates=True)
    rows, y = data.drop("cnt", "casual", "registered", "instant"), data["cnt"].cast(pl.Float64)
    means = data.group_by("hr").agg(pl.col("cnt").mean()).sort("hr").to_dict(as_series=False)
    made = calendar(rows, means)
    source = "import polars as pl\n\n\ndef calendar" + _source(calendar)
    estimator = HistGradientBoostingRegressor(max_iter=40).fit(made, y)
    parts = trained(estimator, made.columns, function=calendar, state={"means": means}, code={"pipeline.py": source.encode()})
    fitted = model(parts, rows, y)
    assert_equal(fitted, rows.tail(1000))
    objects = LocalObjects(tmp_path / "objects")
    package = pack(objects, parts, project="bikes", signature=fitted.signature, sample=rows)
    loaded = load_runner(objects, package, tmp_path / "scratch")
    assert loaded.predict(rows.tail(1000)).values.tolist() == fitted.predict(rows.tail(1000)).values.tolist()
    assert_equal(loaded, rows.tail(1000))


def _source(function):
    import inspect

    return inspect.getsource(function).removeprefix("def calendar")


@pytest.mark.data
def test_electricity_prices_are_answered_alike_with_their_own_labels():
    data = read("elec2.csv", 6000)
    y = data["class"].cast(pl.String)
    rows = data.drop("class")
    fitted = model(trained(HistGradientBoostingClassifier(max_iter=30).fit(rows, y), rows.columns), rows, y, Task.BINARY)
    assert set(fitted.predict(rows).values.tolist()) == set(y.unique().to_list())
    assert_equal(fitted, rows.tail(1000))


@pytest.mark.data
def test_the_weather_is_answered_alike():
    data = read("noaa_bellevue_weather.csv", 4000)
    y = data["target"]
    rows = data.drop("target")
    columns = ColumnTransformer([("n", make_pipeline(SimpleImputer(), StandardScaler()), rows.columns)])
    forest = Pipeline([("columns", columns), ("trees", RandomForestClassifier(n_estimators=8, random_state=0))])
    fitted = model(trained(forest.fit(rows, y), rows.columns), rows, y, Task.BINARY)
    assert_equal(fitted, rows.tail(300))
    plain = model(trained(HistGradientBoostingClassifier(max_iter=20).fit(rows, y), rows.columns), rows, y, Task.BINARY)
    assert_equal(plain, rows.tail(1000))


NUMBERS = ["temp", "count"]
ARRAYS = {
    "boosting": HistGradientBoostingRegressor(max_iter=10),
    "boosting, absolute error": HistGradientBoostingRegressor(max_iter=10, loss="absolute_error"),
    "boosting, poisson": HistGradientBoostingRegressor(max_iter=10, loss="poisson"),
    "boosting, categories": HistGradientBoostingRegressor(max_iter=10, categorical_features=[1], max_bins=100),
    "scaled boosting": make_pipeline(StandardScaler(), HistGradientBoostingRegressor(max_iter=10)),
    "extra trees": make_pipeline(SimpleImputer(), ExtraTreesRegressor(n_estimators=5)),
    "old boosting": make_pipeline(SimpleImputer(add_indicator=True), GradientBoostingRegressor(n_estimators=5)),
    "line": make_pipeline(SimpleImputer(), StandardScaler(), LinearRegression()),
}


@pytest.mark.parametrize("form", ["polars", "pandas", "numpy"])
@pytest.mark.parametrize("name", ARRAYS)
def test_numbers_go_to_array_models_without_a_frame_and_come_out_the_same(name, form):
    from sklearn.base import clone

    rows, y = table(300, holes=True)
    rows = rows.select(NUMBERS)
    if name == "boosting, categories":
        rows = rows.with_columns(pl.col("count") % 20)
    given = {"polars": rows, "pandas": rows.to_pandas(), "numpy": rows.to_numpy()}[form]
    fitted = model(trained(clone(ARRAYS[name]).fit(given, y.to_numpy().clip(0)), NUMBERS, frame=form), rows, y)
    assert_equal(fitted, rows, exact=name != "line")


@pytest.mark.parametrize("form", ["polars", "pandas"])
def test_whole_pipelines_that_choose_columns_by_name_take_raw_rows(form):
    rows, y = table(300, holes=True)
    rows = rows.drop("at", "day").with_columns(pl.col("open").cast(pl.Float64))
    columns = ColumnTransformer(
        [
            ("kind", OneHotEncoder(handle_unknown="ignore"), ["kind"]),
            ("numbers", SimpleImputer(), ["temp", "count", "open"]),
        ]
    )
    pipeline = Pipeline([("columns", columns), ("trees", HistGradientBoostingRegressor(max_iter=10))])
    given = rows if form == "polars" else rows.to_pandas()
    fitted = model(trained(pipeline.fit(given, y), rows.columns, frame=form), rows, y)
    assert_equal(fitted, rows)


@pytest.mark.parametrize("holes", [True, False])
def test_a_pandas_feature_function_sees_the_types_of_the_training_in_every_row(holes):
    rows, y = table(200, holes=holes)
    seen = set()

    def features(frame):
        seen.add(tuple(map(str, frame.dtypes)))
        made = frame[["temp", "count"]].copy()
        made["hour"] = frame["at"].dt.hour + frame["day"].dt.day
        made["open"] = frame["open"].map({True: 1.0, False: 0.0})
        made["length"] = frame["count"].astype(str).str.len()
        return made

    made = features(rows.to_pandas())
    fitted = model(
        trained(HistGradientBoostingRegressor(max_iter=5).fit(made, y), made.columns, frame="pandas", function=features, takes="pandas"),
        rows,
        y,
    )
    assert_equal(fitted, rows)
    assert len(seen) == 1


LABELS = {
    "texts": pl.Series("y", ["low", "mid", "high"] * 60),
    "numbers": pl.Series("y", [3, 1, 2] * 60),
    "floats": pl.Series("y", [0.5, 1.5, 2.0] * 60),
    "flags": pl.Series("y", [True, False, True] * 60),
}


@pytest.mark.parametrize("name", LABELS)
@pytest.mark.parametrize(
    "kind", [HistGradientBoostingClassifier, RandomForestClassifier, LinearSVC, DummyClassifier, DecisionTreeClassifier]
)
def test_labels_keep_their_type_and_scores_the_order_of_the_classes(name, kind):
    rows, y = table(180)[0].select(NUMBERS), LABELS[name]
    task = Task.BINARY if name == "flags" else Task.MULTICLASS
    options = {"max_iter": 5} if kind is HistGradientBoostingClassifier else {"n_estimators": 5} if kind is RandomForestClassifier else {}
    labels = y if name != "floats" else y.cast(pl.String)  # scikit-learn takes broken floats for a regression
    y = labels
    fitted = model(trained(kind(**options).fit(rows, labels), NUMBERS), rows, y, task)
    answer = fitted.predict(rows)
    assert fitted.signature.classes == tuple(sorted(set(y.to_list())))
    assert {type(value) for value in answer.values.tolist()} == {type(y[0])}
    assert set(answer.values.tolist()) <= set(y.to_list())
    if answer.scores is not None:
        assert answer.scores.shape == (180, len(fitted.signature.classes))
        assert np.allclose(answer.scores.sum(axis=1), 1)
    assert_equal(fitted, rows)


def test_scores_of_a_model_that_never_saw_a_class_or_orders_them_otherwise_are_put_right():
    class Backwards:
        classes_ = np.array(["c", "a"])

        def predict_proba(self, rows):
            return np.tile([0.7, 0.3], (len(rows), 1))

        def predict(self, rows):
            return np.array(["c"] * len(rows))

    rows, _ = table(30)
    y = pl.Series("y", ["a", "b", "c"] * 10)
    answer = model(trained(Backwards(), rows.columns), rows, y, Task.MULTICLASS).predict(rows.head(2))
    assert answer.scores.tolist() == [[0.3, 0.0, 0.7]] * 2
    assert answer.values.tolist() == ["c", "c"]


def test_a_model_of_other_labels_is_refused():
    rows, _ = table(30)
    y = pl.Series("y", ["a", "b"] * 15)
    with pytest.raises(InvalidInputError, match="other labels than the target"):
        model(
            trained(LogisticRegression().fit(rows.select(NUMBERS), (y == "a").cast(pl.Int64) * 2), NUMBERS),
            rows.select(NUMBERS),
            y,
            Task.BINARY,
        )


def test_columns_made_inside_the_model_step_are_refused_and_chosen_ones_are_fine():
    rows, y = table(60)
    numbers = rows.select(NUMBERS)
    inside = numbers.with_columns(extra=pl.col("temp") * 2)
    with pytest.raises(InvalidInputError, match="'extra'"):
        model(trained(LinearRegression().fit(inside, y), NUMBERS), numbers, y)
    with pytest.raises(InvalidInputError, match="3 columns"):
        model(trained(LinearRegression().fit(inside.to_numpy(), y), NUMBERS), numbers, y)
    assert_equal(model(trained(HistGradientBoostingRegressor().fit(numbers.select("count"), y), NUMBERS), numbers, y), numbers)
    bare = model(trained(HistGradientBoostingRegressor().fit(numbers.to_numpy(), y), NUMBERS), numbers, y)
    assert_equal(bare, numbers)


def test_rows_may_come_in_other_forms_of_the_same_values():
    rows, y = table(40)
    fitted = model(trained(HistGradientBoostingRegressor().fit(rows.select(NUMBERS), y), NUMBERS), rows.select(NUMBERS), y)
    expected = fitted.predict(rows).values.tolist()
    other = rows.select("kind", pl.col("count").cast(pl.Float64), pl.col("temp").cast(pl.Float64))
    assert fitted.predict(other).values.tolist() == expected
    empty = fitted.predict(rows.head(0))
    assert empty.values.shape == (0,)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("count", ["1"]),
        ("count", [1.5]),
        ("count", [2**63]),
        ("temp", ["warm"]),
        ("temp", [True]),
        ("kind", [7]),
        ("open", [1]),
        ("at", [5]),
    ],
)
def test_a_column_whose_values_do_not_fit_is_named(name, values):
    rows, y = table(40)

    class Nothing:
        def predict(self, frame):
            return np.zeros(len(frame))

    fitted = model(trained(Nothing(), rows.columns), rows, y)
    with pytest.raises(InvalidInputError) as caught:
        fitted.predict(rows.head(1).with_columns(pl.Series(name, values)))
    assert caught.value.field == name
    with pytest.raises(InvalidInputError, match="is missing"):
        fitted.predict(rows.drop(name))
    assert fitted.predict(rows.head(1).with_columns(pl.lit(None).alias(name))).values.tolist() == [0.0]


def test_times_reach_the_feature_function_as_in_training_to_the_microsecond():
    rows, y = table(30)
    rows = rows.with_columns(pl.col("at") + pl.duration(microseconds=pl.int_range(pl.len()) * 7))

    def features(frame):
        assert frame.schema["at"] == pl.Datetime("us")
        assert frame.schema["day"] == pl.Date
        return frame.select(us=pl.col("at").dt.epoch("us").cast(pl.Float64), day=pl.col("day").dt.ordinal_day().cast(pl.Float64))

    estimator = LinearRegression().fit(features(rows), y)
    fitted = model(trained(estimator, ("us", "day"), function=features), rows, y)
    columns = to_columns(rows, fitted.signature.inputs)
    assert columns["at"][1] == iso(int(rows["at"].dt.epoch("us")[1]))
    assert_equal(fitted, rows, exact=False)


def test_what_the_users_code_raises_says_where():
    rows, y = table(30)

    def features(frame):
        return frame.select(pl.col("tmep"))

    class Broken:
        def predict(self, _frame):
            raise ZeroDivisionError("of my own")

    with pytest.raises(UserCodeError, match="feature function 'features' raised") as caught:
        model(trained(Broken(), ("temp",), function=features), rows, y).predict(rows)
    assert "test_serving_equals_training.py" in caught.value.details[0]
    assert not any("volant/models" in line for line in caught.value.details)
    with pytest.raises(UserCodeError, match="Broken") as caught:
        model(trained(Broken(), rows.columns), rows, y).predict(rows)
    assert caught.value.found == "ZeroDivisionError: of my own"
    with pytest.raises(InvalidInputError, match="cannot predict"):
        model(trained({"not": "a model"}, rows.columns), rows, y)


@pytest.mark.parametrize("answer", [np.zeros(3), np.zeros((30, 2)), np.array(["a"] * 30), 5.0])
def test_misshapen_predictions_are_refused(answer):
    class Odd:
        def predict(self, _frame):
            return answer

    rows, y = table(30)
    with pytest.raises(UserCodeError):
        model(trained(Odd(), rows.columns), rows, y).predict(rows)


@pytest.mark.parametrize("task", [Task.REGRESSION, Task.BINARY, Task.MULTICLASS])
def test_single_rows_walk_boosted_trees_to_the_same_bits_on_every_edge(task):
    from volant.models.answers import AnswerMaker
    from volant.models.boosted_row import boosted_row
    from volant.models.signature import infer_signature

    rows, y = table(900, holes=True)
    rows = rows.select(NUMBERS).with_columns(never_missing=pl.int_range(pl.len()) % 17)
    target = {Task.REGRESSION: y, Task.BINARY: y > y.median(), Task.MULTICLASS: (y // 8).cast(pl.Int64)}[task]
    kind = HistGradientBoostingRegressor if task is Task.REGRESSION else HistGradientBoostingClassifier
    estimator = kind(max_iter=25, max_depth=None).fit(rows.to_numpy(), target.to_numpy())
    answers = AnswerMaker(estimator, infer_signature(rows, target, task, "y"))
    quick = boosted_row(estimator, answers)
    assert quick is not None
    thresholds = np.concatenate([tree.nodes["num_threshold"] for trees in estimator._predictors for tree in trees])
    rng = np.random.default_rng(4)
    probes = rng.choice(np.concatenate([thresholds, np.nextafter(thresholds, -np.inf), [np.nan, np.inf, -np.inf]]), (300, 3))
    expected = answers.ask(estimator, probes, 300)
    for number, probe in enumerate(probes):
        answer = quick.answer(probe.reshape(1, -1))
        assert answer.values.tolist() == [expected.values.tolist()[number]]
        assert answer.scores is None or np.array_equal(answer.scores[0], expected.scores[number])


def test_models_that_are_built_otherwise_are_left_to_scikit_learn():
    from volant.models.answers import AnswerMaker
    from volant.models.boosted_row import boosted_row
    from volant.models.signature import infer_signature

    rows, y = table(200)
    numbers = rows.select(NUMBERS).with_columns(pl.col("count") % 9).to_numpy()
    answers = AnswerMaker(None, infer_signature(rows, y, Task.REGRESSION, "y"))
    plain = HistGradientBoostingRegressor(max_iter=3).fit(numbers, y)
    assert boosted_row(plain, answers) is not None
    assert boosted_row(HistGradientBoostingRegressor(max_iter=3, categorical_features=[1]).fit(numbers, y), answers) is not None
    assert boosted_row(LinearRegression().fit(numbers, y), answers) is None

    class Shifted(HistGradientBoostingRegressor):
        def predict(self, rows):
            return super().predict(rows) + 1

    Shifted.__name__ = "HistGradientBoostingRegressor"
    Shifted.__module__ = "sklearn.ensemble._hist_gradient_boosting.gradient_boosting"
    assert boosted_row(Shifted(max_iter=3).fit(numbers, y), answers) is None
    plain._predictors = [[object()]]
    assert boosted_row(plain, answers) is None


def coded(encoder, columns=("kind", "town"), rest="passthrough"):
    return Pipeline(
        [
            ("columns", ColumnTransformer([("codes", encoder, list(columns)), ("gone", "drop", ["useless"])], remainder=rest)),
            ("trees", HistGradientBoostingClassifier(max_iter=15, categorical_features=list(range(len(columns))))),
        ]
    )


def towns(count=500):
    rows, y = table(count, holes=True)
    names = [None, "Ulm", "Köln", "", "Bonn", *(f"t{number}" for number in range(30))]
    numbers = np.random.default_rng(5).integers(0, len(names), count)
    rows = rows.drop("at", "day").with_columns(town=pl.Series([names[number] for number in numbers], dtype=pl.String), useless=pl.lit("x"))
    return rows, pl.Series("y", ["up" if value > 25 else "down" for value in (y + pl.Series(numbers) / 3).to_list()])


CODES = {
    "as init writes it": {"max_categories": 250},
    "rare ones together": {"max_categories": 6},
    "rare by count": {"min_frequency": 15},
    "missing stays missing": {"encoded_missing_value": np.nan},
    "unknown is missing": {"unknown_value": np.nan},
}


@pytest.mark.parametrize("name", CODES)
def test_coded_texts_are_looked_up_to_the_same_bits(name):
    rows, y = towns()
    options = {"handle_unknown": "use_encoded_value", "unknown_value": -1, "encoded_missing_value": -1} | CODES[name]
    pipeline = coded(OrdinalEncoder(**options)).fit(rows.head(400), y.head(400))
    fitted = model(trained(pipeline, rows.columns), rows, y, Task.BINARY)
    strange = rows.tail(30).with_columns(town=pl.lit("nowhere"), kind=pl.lit(None, dtype=pl.String))
    assert_equal(fitted, pl.concat([rows, strange]))
    assert fitted._quick_texts is not None


@pytest.mark.parametrize(
    "pipeline",
    [
        coded(OrdinalEncoder(), columns=("kind",), rest="drop"),
        coded(OneHotEncoder(handle_unknown="ignore"), columns=("kind",), rest="drop"),
        Pipeline([("columns", ColumnTransformer([("codes", OrdinalEncoder(), ["kind"])])), ("line", LogisticRegression())]),
    ],
    ids=["unknown is an error", "one column each", "no trees"],
)
def test_pipelines_that_are_not_known_to_be_the_same_keep_their_own_way(pipeline):
    rows, y = towns()
    rows = rows.with_columns(pl.col("kind").fill_null("a"), pl.col("town").fill_null(""))
    fitted = model(trained(pipeline.fit(rows, y), rows.columns), rows, y, Task.BINARY)
    assert_equal(fitted, rows.head(60), exact=False)
    assert fitted._quick_texts is None
