"""Packages: equal trainings give equal bytes, what comes back predicts the same, damage and absence are named."""

import os
import subprocess
import sys
from importlib.machinery import PathFinder
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from model_parts import model, project, table, trained

from volant.adapters.objects.local import LocalObjects
from volant.config.model import Task
from volant.kernel.codec import canonical, plain
from volant.kernel.errors import IntegrityError, InvalidInputError, NotFoundError, UnavailableError, UserCodeError
from volant.models.locality import prove_row_local
from volant.models.model import Manifest
from volant.models.packaging import pack
from volant.models.runner import load_runner, read_manifest
from volant.models.signature import infer_signature

MAKER = Path(__file__).with_name("package_maker.py")
PIPELINE = '''"""A project."""
import polars as pl
from lib.scale import SCALE


class Plain:
    """The user's own model."""

    def __init__(self, factor):
        self.factor = factor

    def predict(self, frame):
        return frame["temp"].fill_null(0.0).to_numpy() * self.factor


def features(rows, means, *, shift=1.0):
    import lib.late
    return rows.select(temp=(pl.col("temp") - means["mean"]) * SCALE + shift + lib.late.ZERO)
'''
CODE = {
    "pipeline.py": PIPELINE.encode(),
    "lib/__init__.py": b"",
    "lib/scale.py": b"SCALE = 2.0\n",
    "lib/late.py": b"ZERO = 0.0\n",
}


def write_project(folder, code):
    for path, data in code.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)


@pytest.fixture
def own_class(tmp_path):
    """A training with a feature function, fitted state, a helper package and a class of the user."""
    folder = tmp_path / "project"
    write_project(folder, CODE)
    sys.path.insert(0, str(folder))
    module = project(folder, PIPELINE)
    rows, y = table()
    parts = trained(
        module.Plain(3.0), ("temp",), function=module.features, state={"means": {"mean": 20.0}}, params={"shift": 0.5}, code=CODE
    )
    yield rows, y, parts
    sys.path.remove(str(folder))


def packed(tmp_path, rows, y, parts):
    objects = LocalObjects(tmp_path / "objects")
    return objects, pack(objects, parts, project="p", signature=infer_signature(rows, y, Task.REGRESSION, "y"), sample=rows)


def test_equal_trainings_in_two_processes_with_other_hash_seeds_and_threads_give_equal_packages(tmp_path):
    makers = [
        subprocess.Popen(
            [sys.executable, str(MAKER), str(tmp_path / f"store{seed}"), str(tmp_path / f"code{seed}"), way],
            env={**os.environ, "PYTHONHASHSEED": seed, "OMP_NUM_THREADS": seed},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed, way in (("1", "fresh"), ("2", "cached"))
    ]
    first, second = (dict(line.split() for line in maker.communicate(timeout=120)[0].splitlines()) for maker in makers)
    assert set(first) == {"boosting", "pipeline", "forest", "own"}
    assert first == second
    assert all(len(name) == 64 for name in first.values())


def test_a_loaded_package_predicts_as_the_training_did_with_its_own_code_and_state(own_class, tmp_path):
    rows, y, parts = own_class
    fitted = model(parts, rows, y)
    prove_row_local(fitted, rows)
    objects, package = packed(tmp_path, rows, y, parts)
    loaded = load_runner(objects, package, tmp_path / "scratch")
    assert loaded.predict(rows).values.tolist() == fitted.predict(rows).values.tolist()
    assert loaded.predict(rows).values[0] == ((rows["temp"][0] - 20.0) * 2.0 + 0.5) * 3.0
    count = len(loaded.sample_columns["temp"])
    assert count == 32
    assert loaded.predict_columns(loaded.sample_columns, count).values.shape == (32,)
    assert loaded.manifest.estimator_kind == "pipeline.Plain"
    assert loaded.warnings == ()


def test_two_versions_of_one_project_live_in_one_process_without_meeting(own_class, tmp_path):
    rows, y, parts = own_class
    objects, first = packed(tmp_path, rows, y, parts)
    other = {**CODE, "lib/scale.py": b"SCALE = -7.0\n", "lib/late.py": b"ZERO = 100.0\n"}
    _, second = packed(tmp_path, rows, y, parts._replace(code=other))
    mine = sys.modules["pipeline"]
    models = [load_runner(objects, package, tmp_path / "scratch") for package in (first, second, first)]
    answers = [one.predict(rows).values[0] for one in models for _ in range(2)]
    centred = rows["temp"][0] - 20.0
    assert answers == pytest.approx([(centred * 2 + 0.5) * 3] * 2 + [(centred * -7 + 0.5 + 100) * 3] * 2 + [(centred * 2 + 0.5) * 3] * 2)
    assert sys.modules["pipeline"] is mine


def test_a_projects_own_finder_does_not_get_between_a_package_and_its_code(own_class, tmp_path):
    """The process that ran the pipeline finds the project's modules first; a champion's code is another one."""
    rows, y, parts = own_class
    edited = tmp_path / "edited"
    write_project(edited, {**CODE, "lib/scale.py": b"SCALE = 1000.0\n", "lib/late.py": b"ZERO = 5e5\n"})

    class First:
        def find_spec(self, name, path, target=None):
            return PathFinder.find_spec(name, [str(edited)] if path is None else path, target) if name[:3] in {"pip", "lib"} else None

    finder = First()
    sys.meta_path.insert(0, finder)
    try:
        objects, package = packed(tmp_path, rows, y, parts)
        loaded = load_runner(objects, package, tmp_path / "scratch")
        assert loaded.predict(rows).values[0] == ((rows["temp"][0] - 20.0) * 2.0 + 0.5) * 3.0
        assert sys.meta_path[0] is finder
    finally:
        sys.meta_path.remove(finder)
    assert not list((tmp_path / "scratch").rglob("*.pyc"))


def test_a_package_served_alone_runs_in_a_fresh_process(own_class, tmp_path):
    rows, y, parts = own_class
    _, package = packed(tmp_path, rows, y, parts)
    script = (
        "import sys; from pathlib import Path; from volant.models.runner import load_runner\n"
        "from volant.adapters.objects.local import LocalObjects\n"
        f"m = load_runner(LocalObjects(Path({str(tmp_path / 'objects')!r})), {package!r}, Path({str(tmp_path / 'alone')!r}), alone=True)\n"
        "print(m.predict_columns(m.sample_columns, 32).values.tolist()[0])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert float(done.stdout) == pytest.approx(((rows["temp"][0] - 20.0) * 2.0 + 0.5) * 3.0)


@pytest.mark.parametrize("broken", ["estimator.pkl", "state/means.pkl", "code/pipeline.py", "sample.json", "manifest"])
def test_one_flipped_byte_is_found_before_anything_is_unpickled(broken, own_class, tmp_path):
    objects, package = packed(tmp_path, *own_class)
    name = package if broken == "manifest" else read_manifest(objects, package).files[broken]
    place = tmp_path / "objects" / name[:2] / name
    place = place if place.exists() else next(p for p in (tmp_path / "objects").rglob("*") if name.endswith(p.name) and p.is_file())
    data = bytearray(place.read_bytes())
    data[len(data) // 2] ^= 1
    place.chmod(0o644)
    place.write_bytes(bytes(data))
    with pytest.raises(IntegrityError):
        load_runner(LocalObjects(tmp_path / "objects"), package, tmp_path / "scratch")
    assert not (tmp_path / "scratch").exists()


def test_a_missing_object_and_an_object_that_is_no_package_are_named(tmp_path):
    objects = LocalObjects(tmp_path / "objects")
    with pytest.raises(NotFoundError, match="lacks its manifest"):
        load_runner(objects, "0" * 64, tmp_path / "scratch")
    with pytest.raises(IntegrityError, match="not a model package"):
        load_runner(objects, objects.put(b'{"not": "one"}'), tmp_path / "scratch")
    with pytest.raises(IntegrityError, match="not a model package"):
        load_runner(objects, objects.put(b"\x80\x05N."), tmp_path / "scratch")


def changed(objects, package, **changes):
    fields = plain(read_manifest(objects, package)) | changes
    return objects.put(canonical(fields))


def test_what_is_not_installed_or_of_another_major_version_is_named(own_class, tmp_path):
    objects, package = packed(tmp_path, *own_class)
    with pytest.raises(UnavailableError, match="needs nowhere-to-be-found") as caught:
        load_runner(objects, changed(objects, package, distributions={"nowhere-to-be-found": "1.2"}), tmp_path / "s")
    assert caught.value.next_step == "pip install 'nowhere-to-be-found==1.2'"
    with pytest.raises(UnavailableError, match="another major version of numpy"):
        load_runner(objects, changed(objects, package, distributions={"numpy": "99.0"}), tmp_path / "s")
    ours = np.__version__.split(".")[0]
    notes = load_runner(objects, changed(objects, package, distributions={"numpy": f"{ours}.0.0.1"}), tmp_path / "s").warnings
    assert "numpy" in notes[0]
    assert "Python 3.99" in load_runner(objects, changed(objects, package, python="3.99"), tmp_path / "s").warnings[0]
    with pytest.raises(UnavailableError, match="format 2"):
        load_runner(objects, changed(objects, package, format=2), tmp_path / "s")


def test_code_that_raises_while_it_is_imported_is_the_users_error(own_class, tmp_path):
    rows, y, parts = own_class
    objects, package = packed(tmp_path, rows, y, parts._replace(code={"pipeline.py": b"raise RuntimeError('no licence')\n"}))
    with pytest.raises(UserCodeError, match="no licence") as caught:
        load_runner(objects, package, tmp_path / "scratch")
    assert any("pipeline.py" in line for line in caught.value.details)


def test_code_edited_in_the_scratch_folder_is_written_anew(own_class, tmp_path):
    rows, y, parts = own_class
    objects, package = packed(tmp_path, rows, y, parts)
    expected = load_runner(objects, package, tmp_path / "scratch").predict(rows).values.tolist()
    for path in (tmp_path / "scratch").rglob("scale.py"):
        path.write_text("SCALE = 99.0\n")
    assert load_runner(objects, package, tmp_path / "scratch").predict(rows).values.tolist() == expected


def test_what_cannot_be_stored_is_refused_with_a_way_out(tmp_path):
    rows, y = table()

    class Local:
        def predict(self, frame):
            return frame["temp"]

    with pytest.raises(InvalidInputError, match="cannot be stored with the model") as caught:
        packed(tmp_path, rows, y, trained(Local(), rows.columns))
    assert "top level of pipeline.py" in caught.value.next_step
    parts = trained(np.float64(1), (), function=len, state={"means": (x for x in "ab")})
    with pytest.raises(InvalidInputError, match="fitted value of 'means'"):
        packed(tmp_path, rows, y, parts)
    with pytest.raises(InvalidInputError, match="cannot be packed"):
        packed(tmp_path, rows, y, trained({"a": 1}, (), code={"../escape.py": b""}))


def test_a_manifest_names_what_the_model_needs_and_nothing_of_the_place(own_class, tmp_path):
    from sklearn.linear_model import Ridge

    rows, y, _ = own_class
    numbers = rows.select("temp", "count")
    objects, package = packed(tmp_path, numbers, y, trained(Ridge().fit(numbers, y), numbers.columns))
    manifest = read_manifest(objects, package)
    assert isinstance(manifest, Manifest)
    assert {"numpy", "scikit-learn"} <= manifest.distributions.keys()
    assert str(tmp_path).encode() not in objects.get(package)
    assert sorted(manifest.files) == ["estimator.pkl", "sample.json"]


@pytest.mark.parametrize(
    ("ending", "value"),
    [
        (".json", {"a": 1, "b": [1.5, None, "x"]}),
        (".json", {"b": 1, "a": (1, 2)}),
        (".npy", np.arange(6.0).reshape(2, 3)),
        (".arrow", pl.DataFrame({"kind": ["a", None], "mean": [1.0, 2.5]})),
        (".pkl", {"words": {"b", "a"}, 1: np.float64(2)}),
    ],
    ids=["json", "not quite json", "array", "frame", "anything"],
)
def test_fitted_state_comes_back_as_it_was_whatever_its_file_is_called(ending, value):
    from volant.models.state_files import read_state, write_state

    data = write_state(f"state/x{ending}", value, "x").data
    back = read_state(f"state/x{ending}", data)
    assert type(back) is type(value)
    same = back.equals(value) if isinstance(value, pl.DataFrame) else np.array_equal(back, value)
    assert same
    assert write_state(f"state/x{ending}", back, "x").data == data
