"""``volant init``: a project folder from a data file, whole or not at all."""

import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from volant.data.contract_inference import infer_contract
from volant.data.infer import infer_plan
from volant.data.odcs import dump_contract
from volant.data.plan import Asked, Guess, Plan
from volant.data.reading import read_frame, sniff
from volant.data.template import FILE, LABEL_DELAY, TARGET, TIME, write_example
from volant.data.written_config import config_text, summary
from volant.data.written_pipeline import pipeline_text
from volant.data.written_tests import test_text
from volant.kernel.codec import Value
from volant.kernel.errors import AlreadyExistsError, NotFoundError, UnavailableError, UsageError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z")
_IGNORE = ".volant/\n__pycache__/\n.pytest_cache/\n"
_CONTRACT_HEAD = (
    "# What the data promise (Open Data Contract Standard 3.1), learned from the file.\n"
    "# A broken rule of severity block stops a run; warn only tells. Edit freely.\n"
)


class Created(Value, frozen=True, kw_only=True):
    """A written project: paths relative to where it was asked for, what was guessed, what to look at."""

    written: tuple[str, ...]
    guesses: tuple[Guess, ...]
    warnings: tuple[str, ...]
    sentence: str


def create_project(
    folder: Path,
    name: str,
    *,
    data: str | Path | None = None,
    target: str | None = None,
    task: str | None = None,
    metric: str | None = None,
    time: str | None = None,
    tick: str | None = None,
    key: Sequence[str] = (),
    group: str | None = None,
    label_delay: str | None = None,
    drop: Sequence[str] = (),
    template: bool = False,
) -> Created:
    """Write ``folder/name``. Nothing is written when it fails.

    Raises ``UsageError`` for a name or options that cannot work, ``AlreadyExistsError`` for a folder with something
    in it, ``NotFoundError`` or ``InvalidInputError`` for data that cannot be used, ``UnavailableError`` when the
    disk refuses.
    """
    check_name(name)
    final = folder / name
    _check_free(final)
    if template:
        asked = Asked(target=TARGET, time=TIME, label_delay=LABEL_DELAY)
        return _build(folder, name, None, asked)
    if data is None or target is None:
        lacking = "--data" if data is None else "--target"
        raise UsageError(
            f"A project needs {lacking}.", found="neither given" if data is None and target is None else f"no {lacking}",
            next_step="volant init NAME --data FILE --target COLUMN, or volant init NAME --template", field=lacking,
        )  # fmt: skip
    asked = Asked(
        target=target, task=task, metric=metric, time=time, tick=tick, key=tuple(key), group=group, label_delay=label_delay,
        drop=tuple(dict.fromkeys(drop)),
    )  # fmt: skip
    return _build(folder, name, _data_path(folder, data), asked)


def check_name(name: str) -> None:
    """A name that fits into addresses, file names and commands; ``UsageError`` with one that would do."""
    if _NAME.match(name) and ".." not in name:
        return
    ascii_name = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-_")[:64] or "my-model"
    raise UsageError(
        f"{name!r} cannot be a project's name.",
        found="names are letters, digits, '_', '-' and '.', begin with a letter or digit and have up to 64 characters",
        next_step=f"for example: {ascii_name}",
        field="name",
    )


def _check_free(final: Path) -> None:
    if not final.exists() and not final.is_symlink():
        return
    if not final.is_dir() or any(final.iterdir()):
        what = "a folder with files in it" if final.is_dir() else "a file"
        raise AlreadyExistsError(f"{final} exists already.", found=what, next_step="choose another name, or remove it")


def _data_path(folder: Path, data: str | Path) -> Path:
    """Where the data are: as given from the working folder, else from the project's parent folder."""
    given = Path(data).expanduser()
    return given if given.is_absolute() or given.exists() else folder / given if (folder / given).exists() else given


def _build(folder: Path, name: str, data: Path | None, asked: Asked) -> Created:
    if not folder.is_dir():
        raise NotFoundError(f"There is no folder {folder}.", found="nothing of that name", next_step="make it first")
    draft: Path | None = None
    try:
        draft = Path(tempfile.mkdtemp(prefix=f".{name}.", suffix=".new", dir=folder))
        plan, written = _fill(draft, folder / name, name, data, asked)
        draft.chmod(0o755)
        draft.rename(folder / name)
        draft = None
    except OSError as error:
        raise UnavailableError(
            f"{folder / name} cannot be written.", found=error.strerror or str(error), next_step="check space and permissions"
        ) from error
    finally:
        if draft is not None:
            shutil.rmtree(draft, ignore_errors=True)
    return Created(
        written=tuple(str(Path(name) / path) for path in written), guesses=plan.guesses, warnings=plan.warnings, sentence=summary(plan)
    )


def _fill(draft: Path, final: Path, name: str, data: Path | None, asked: Asked) -> tuple[Plan, list[str]]:
    written = []
    if data is None:
        write_example(draft / FILE)
        written.append(str(FILE))
        path, source, shown = draft / FILE, str(FILE), str(FILE)
    else:
        path, shown = data, str(data)
        source = source_text(data, final)
    table = sniff(path, shown)
    frame = read_frame(path, table.format, table.columns, trusted=True)
    plan = infer_plan(frame, table, asked, name=name, source=source, shown=shown)
    if data is not None:
        plan = _with_source_guess(plan, data)
    contract = infer_contract(frame, table.columns, name=name, key=plan.key, drop=plan.drop)
    files = {
        "volant.yaml": config_text(plan),
        "pipeline.py": pipeline_text(plan),
        "contract.odcs.yaml": _CONTRACT_HEAD + dump_contract(contract),
        "tests/test_pipeline.py": test_text(plan, frame),
        ".gitignore": _IGNORE,
    }
    for place, text in files.items():
        (draft / place).parent.mkdir(parents=True, exist_ok=True)
        (draft / place).write_text(text, encoding="utf-8")
    return plan, [*files, *written]


def source_text(data: Path, final: Path) -> str:
    """How ``volant.yaml`` names the data: relative where both share a folder below the root, else absolute."""
    data, final = data.resolve(), final.resolve()
    shared = os.path.commonpath([data, final])
    return str(data) if shared == os.sep else Path(os.path.relpath(data, final)).as_posix()


def _with_source_guess(plan: Plan, data: Path) -> Plan:
    import msgspec

    how = "the data stay where they are; the path is absolute" if Path(plan.source).is_absolute() else "the data stay where they are"
    guess = Guess(what="source", value=plan.source, why=how, option="data.source in volant.yaml")
    del data
    return msgspec.structs.replace(plan, guesses=(guess, *plan.guesses))
