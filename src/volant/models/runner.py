"""From a package back to a model that predicts. Only serving workers and the jobs child call this: it runs user code."""

import os
import pickle
import re
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import orjson

from volant.kernel.codec import decode
from volant.kernel.digests import digest
from volant.kernel.errors import IntegrityError, NotFoundError, UnavailableError, VolantError
from volant.kernel.objects import ObjectStore
from volant.kernel.scratch import claim
from volant.models.code_modules import CodeModules
from volant.models.fitted import FittedModel
from volant.models.model import Manifest, Signature
from volant.models.packaging import CODE, FORMAT, SAMPLE
from volant.models.ports import Answer
from volant.models.state_files import read_state
from volant.models.trained import Trained
from volant.models.user_errors import user_error

if TYPE_CHECKING:
    import polars as pl


class LoadedModel:
    """A package that was loaded. A ``ModelRunner`` and a ``ColumnRunner``; not thread-safe.

    ``warnings``: what differs from where it was made but does not keep it from running. ``sample_columns``: rows of
    the training in the form :meth:`predict_columns` takes, one list per input.
    """

    def __init__(
        self, manifest: Manifest, model: FittedModel, sample: dict[str, list[Any]], modules: CodeModules | None, warnings: tuple[str, ...]
    ) -> None:
        self.manifest = manifest
        self.model = model
        self.sample_columns = sample
        self.warnings = warnings
        self._modules = modules

    @property
    def signature(self) -> Signature:
        """What the model takes and gives."""
        return self.manifest.signature

    def predict(self, rows: "pl.DataFrame") -> Answer:
        """See ``ModelRunner``."""
        with self._present():
            return self.model.predict(rows)

    def predict_columns(self, columns: Mapping[str, list[Any]], count: int) -> Answer:
        """See ``serving.ports.ColumnRunner``."""
        if self._modules is None:
            return self.model.predict_columns(columns, count)
        with self._modules.present():
            return self.model.predict_columns(columns, count)

    def _present(self) -> AbstractContextManager[None]:
        return nullcontext() if self._modules is None else self._modules.present()


def read_manifest(objects: ObjectStore, package: str) -> Manifest:
    """A package's manifest; light, no user code runs. ``NotFoundError``, ``IntegrityError``."""
    data = _verified(objects, package, "its manifest", package)
    try:
        manifest = decode(data, Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise IntegrityError(f"Object {package[:12]} is not a model package.", found=str(error)[:200]) from error
    if manifest.format != FORMAT:
        raise UnavailableError(
            f"Package {package[:12]} has format {manifest.format}.", found=f"this Volant reads format {FORMAT}", next_step="upgrade Volant"
        )
    return manifest


def load_runner(objects: ObjectStore, package: str, folder: Path, *, alone: bool = False) -> LoadedModel:
    """Load a package. Its code is written below ``folder``; nothing is unpickled before every digest was verified.

    ``alone``: the process serves nothing else, so the package's modules stay importable for good. Raises
    ``IntegrityError`` for damaged bytes, ``NotFoundError`` for missing ones, ``UnavailableError`` if something it
    was made with is not installed, ``UserCodeError`` if its code raises while it is imported.
    """
    manifest = read_manifest(objects, package)
    contents = {path: _verified(objects, name, path, package) for path, name in manifest.files.items()}
    notes = _check_surroundings(manifest, package)
    modules = _materialise(contents, folder / package[:20])
    if alone and modules is not None:
        modules.keep()
    with nullcontext() if modules is None else modules.present():
        trained = _revive(manifest, contents, modules, package)
        model = FittedModel.of(trained, manifest.signature)
    sample = orjson.loads(contents[SAMPLE])
    return LoadedModel(manifest, model, sample, None if alone else modules, notes)


def _verified(objects: ObjectStore, name: str, what: str, package: str) -> bytes:
    try:
        data = objects.get(name)
    except NotFoundError as error:
        raise NotFoundError(
            f"Package {package[:12]} lacks {what}.", found=f"no object {name[:12]}", next_step="volant run makes it again"
        ) from error
    if digest(data) != name:
        raise IntegrityError(
            f"{what} of package {package[:12]} is damaged.",
            found=f"object {name[:12]} has other bytes",
            next_step="restore it from a backup",
        )
    return data


def _check_surroundings(manifest: Manifest, package: str) -> tuple[str, ...]:
    notes = []
    here = ".".join(map(str, sys.version_info[:2]))
    if here != manifest.python:
        notes.append(f"The model was made with Python {manifest.python}; this is {here}.")
    for name, version in manifest.distributions.items():
        try:
            found = metadata.version(name)
        except metadata.PackageNotFoundError:
            raise UnavailableError(
                f"Package {package[:12]} needs {name}, which is not installed.", found=f"made with {name} {version}",
                next_step=f"pip install '{name}=={version}'",
            ) from None  # fmt: skip
        if _major(found) != _major(version):
            raise UnavailableError(
                f"Package {package[:12]} was made with another major version of {name}.", found=f"{found} here, {version} then",
                next_step=f"pip install '{name}=={version}', or train again with volant run",
            )  # fmt: skip
        if found != version:
            notes.append(f"The model was made with {name} {version}; {found} is installed.")
    return tuple(notes)


def _major(version: str) -> str:
    found = re.match(r"(?:\d+!)?(\d+)", version)
    return found.group(1) if found else version


def _materialise(contents: Mapping[str, bytes], folder: Path) -> CodeModules | None:
    """Write the package's code into a folder that is kept for as long as the modules are. A file that is there already is
    replaced unless it is the same.
    """
    code = {path.removeprefix(CODE): data for path, data in contents.items() if path.startswith(CODE)}
    if not code:
        return None
    claimed = claim(folder)
    for path, data in code.items():
        place = folder / path
        if not place.is_file() or place.read_bytes() != data:
            place.parent.mkdir(parents=True, exist_ok=True)
            fresh = place.with_name(f".{place.name}.{os.getpid()}.new")
            fresh.write_bytes(data)
            fresh.replace(place)
    return CodeModules(claimed, tuple(code))


def _revive(manifest: Manifest, contents: Mapping[str, bytes], modules: CodeModules | None, package: str) -> Trained:
    described = manifest.features
    function: Callable[..., Any] | None = None
    state: dict[str, Any] = {}
    if described is not None:
        assert modules is not None
        function = _guarded(lambda: getattr(modules.load(described.module), described.name), "its feature function", package)
        for argument, path in described.state.items():
            state[argument] = _guarded(partial(read_state, path, contents[path]), path, package)
    estimator = _guarded(partial(pickle.loads, contents[manifest.estimator]), manifest.estimator, package)
    return Trained(
        estimator=estimator,
        frame=manifest.frame,
        feature_names=manifest.feature_names,
        function=function,
        features=described,
        state=state,
        code={},
        distributions=manifest.distributions,
    )


def _guarded(load: Callable[[], Any], what: str, package: str) -> Any:
    try:
        return load()
    except VolantError:
        raise
    except Exception as error:
        raise user_error(
            f"Package {package[:12]} cannot be loaded: {what} raised.", error, next_step="train again with volant run"
        ) from error
