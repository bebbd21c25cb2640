"""Values of the models package."""

from volant.config.model import Task
from volant.data.model import Dtype
from volant.kernel.codec import Value

Scalar = bool | int | float | str | None


class Field(Value, frozen=True, kw_only=True):
    """One input column of a model."""

    name: str
    dtype: Dtype
    nullable: bool


class Signature(Value, frozen=True, kw_only=True):
    """What a model takes and gives. ``classes`` are the label values in the order of score columns."""

    inputs: tuple[Field, ...]
    target: str
    task: Task
    classes: tuple[bool | int | float | str, ...] = ()


class FeatureFunction(Value, frozen=True, kw_only=True):
    """The row-local function that is run again on raw rows when serving.

    ``state`` maps its further arguments to package files holding the fitted values; ``params`` are its keyword
    arguments as used in training.
    """

    module: str
    name: str
    frame: str  # "polars" or "pandas"
    rows_argument: str
    state: dict[str, str] = {}
    params: dict[str, Scalar] = {}


class Manifest(Value, frozen=True, kw_only=True):
    """A model package. Its canonical bytes are an object; their digest names the package.

    Nothing in it depends on when or where it was made, so equal training gives equal digests. ``files`` maps
    package paths (``code/...``, ``state/...``, ``estimator.pkl``, ``sample.json``) to object digests.
    """

    format: int
    project: str
    signature: Signature
    estimator: str
    estimator_kind: str  # qualified class name, for people
    frame: str  # what the estimator was fitted on: "polars", "pandas", "numpy"
    feature_names: tuple[str, ...]
    features: FeatureFunction | None
    files: dict[str, str]
    distributions: dict[str, str]
    python: str
