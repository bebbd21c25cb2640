"""Trains and packs in a process of its own: ``package_maker.py STORE CODE fresh|cached`` prints a digest for each kind."""

import pickle
import sys
from pathlib import Path

from model_parts import project, table, trained
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from volant.adapters.objects.local import LocalObjects
from volant.config.model import Task
from volant.models.packaging import pack
from volant.models.signature import infer_signature

OWN = '''"""A project."""


class Vocabulary:
    def fit(self, rows):
        self.words = set(rows["kind"].to_list()) | {f"word{number}" for number in range(50)}
        self.known = frozenset(self.words)
        self.names = list(rows.columns)
        self.again = ["".join(("te", "mp")), "temp", self]
        return self

    def predict(self, rows):
        return rows["temp"].to_numpy()
'''


def boosting(rows, y):
    return HistGradientBoostingRegressor(max_iter=15, random_state=3).fit(rows, y), rows.columns, {}


def pipeline(rows, y):
    columns = ColumnTransformer(
        [
            ("one", OneHotEncoder(handle_unknown="ignore"), ["kind"]),
            ("codes", OrdinalEncoder(), ["open"]),
            ("words", TfidfVectorizer(analyzer="char"), "kind"),
            ("numbers", Pipeline([("fill", SimpleImputer()), ("scale", StandardScaler())]), ["temp", "count"]),
        ]
    )
    return Pipeline([("columns", columns), ("line", Ridge())]).fit(rows, y), rows.columns, {}


def forest(rows, y):
    return RandomForestClassifier(n_estimators=10, random_state=1).fit(rows, y > y.median()), rows.columns, {}


def own(rows, _y):
    module = project(Path(sys.argv[2]), OWN)
    return module.Vocabulary().fit(rows), rows.columns, {"pipeline.py": OWN.encode()}


def packed(kind, store, way):
    rows, y = table()
    rows = rows if kind in {"pipeline", "own"} else rows.select("temp", "count")
    estimator, names, code = KINDS[kind](rows, y)
    if way == "cached":  # as the cache of steps would hand it on
        estimator = pickle.loads(pickle.dumps(estimator, protocol=5))
    target, task = (y > y.median(), Task.BINARY) if kind == "forest" else (y, Task.REGRESSION)
    signature = infer_signature(rows, target, task, "y")
    return pack(LocalObjects(store), trained(estimator, names, code=code), project="p", signature=signature, sample=rows)


KINDS = {"boosting": boosting, "pipeline": pipeline, "forest": forest, "own": own}

if __name__ == "__main__":
    for name in KINDS:
        sys.stdout.write(f"{name} {packed(name, Path(sys.argv[1]), sys.argv[3])}\n")
