"""From a training in memory to a package: objects by content and a manifest that names them."""

import platform
import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib import metadata
from typing import TYPE_CHECKING

from volant.kernel.codec import canonical
from volant.kernel.errors import InvalidInputError
from volant.kernel.objects import ObjectStore
from volant.models.frames import canonical_rows, to_columns
from volant.models.model import Manifest, Signature
from volant.models.stable_pickle import stable_pickle
from volant.models.state_files import write_state
from volant.models.trained import Trained

if TYPE_CHECKING:
    import polars as pl

FORMAT = 1
CODE, ESTIMATOR, SAMPLE = "code/", "estimator.pkl", "sample.json"
SAMPLE_ROWS = 32


def pack(objects: ObjectStore, trained: Trained, *, project: str, signature: Signature, sample: "pl.DataFrame") -> str:
    """Store the training's outcome; the digest of its manifest names the package.

    Equal trainings give equal digests, in any process and any store: nothing in a package depends on time, place or
    order of hashes. ``sample``: raw training rows, of which up to 32 are kept. Raises ``InvalidInputError`` for an
    estimator or a fitted value that cannot be stored.
    """
    estimator = stable_pickle(trained.estimator, f"The model ({type(trained.estimator).__qualname__})")
    modules = set(estimator.modules)
    contents = {CODE + path: data for path, data in trained.code.items()}
    contents[ESTIMATOR] = estimator.data
    contents[SAMPLE] = canonical(to_columns(_spread(canonical_rows(sample, signature.inputs)), signature.inputs))
    for argument, path in (trained.features.state if trained.features else {}).items():
        state = write_state(path, trained.state[argument], argument)
        contents[path] = state.data
        modules |= state.modules
    _check_paths(contents)
    manifest = Manifest(
        format=FORMAT,
        project=project,
        signature=signature,
        estimator=ESTIMATOR,
        estimator_kind=_kind(trained.estimator),
        frame=trained.frame,
        feature_names=tuple(trained.feature_names),
        features=trained.features,
        files={path: objects.put(contents[path]) for path in sorted(contents)},
        distributions={**distributions_of(modules, trained.code), **trained.distributions},
        python=".".join(platform.python_version_tuple()[:2]),
    )
    return objects.put(canonical(manifest))


def _kind(estimator: object) -> str:
    cls = type(estimator)
    return f"{cls.__module__}.{cls.__qualname__}"


def _spread(rows: "pl.DataFrame") -> "pl.DataFrame":
    """Up to 32 rows, evenly from first to last."""
    if rows.height <= SAMPLE_ROWS:
        return rows
    return rows[[position * (rows.height - 1) // (SAMPLE_ROWS - 1) for position in range(SAMPLE_ROWS)]]


def _check_paths(contents: Mapping[str, bytes]) -> None:
    """No file of a package may lie outside the folder it is unpacked into."""
    for path in contents:
        parts = path.split("/")
        if any(part in {"", ".", ".."} or "\\" in part or "\0" in part for part in parts):
            raise InvalidInputError("A file of the model has a path that cannot be packed.", found=path[:200])


def distributions_of(modules: Iterable[str], code: Mapping[str, bytes] = {}) -> dict[str, str]:
    """Installed distributions, with versions, that these modules belong to; the standard library and ``code`` do not count."""
    own = {path.split("/")[0].removesuffix(".py") for path in code}
    tops = {module.partition(".")[0] for module in modules} - own - sys.stdlib_module_names - set(sys.builtin_module_names)
    found: dict[str, str] = {}
    for top in sorted(tops):
        for name in _distributions(top):
            found[name] = metadata.version(name)
    return found


_KNOWN = {"sklearn": "scikit-learn"}


@lru_cache(maxsize=256)
def _distributions(module: str) -> tuple[str, ...]:
    guess = _KNOWN.get(module, module)
    try:
        metadata.version(guess)
    except metadata.PackageNotFoundError:
        return tuple(sorted(set(metadata.packages_distributions().get(module, ()))))
    return (guess,)
