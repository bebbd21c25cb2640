"""What a function's head says: inputs, parameters, frames asked for, and the options of its mark."""

import ast
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from volant.kernel.codec import canonical
from volant.kernel.errors import InvalidInputError
from volant.pipelines.definitions import Definition, SourceFile
from volant.pipelines.model import FEATURES, Parameter
from volant.pipelines.nearest import nearest_hint
from volant.pipelines.syntax import dotted

_MARKS = {"volant.step", "volant.pipelines.step.step"}
_FRAMES = {
    "polars.DataFrame": "polars",
    "polars.Series": "polars",
    "polars.LazyFrame": "polars-lazy",
    "pandas.DataFrame": "pandas",
    "pandas.Series": "pandas",
    "numpy.ndarray": "numpy",
    "numpy.typing.NDArray": "numpy",
    "numpy.typing.ArrayLike": "numpy",
}
_PATHS = {"pathlib.Path", "pathlib.PurePath", "os.PathLike", "pathlib.PosixPath"}
_SCALARS = {"bool", "int", "float", "str", "None"}


class Named(NamedTuple):
    """A parameter that may be an input. ``frame`` as in ``Argument``; ``line`` for messages; ``optional``: has a default."""

    name: str
    frame: str | None
    line: int
    optional: bool


class Head(NamedTuple):
    """A function's parameters: ``positional`` in order, ``keywords`` by name, and what values those may have."""

    positional: tuple[Named, ...]
    keywords: tuple[Parameter, ...]
    kinds: Mapping[str, frozenset[str]]
    frames: Mapping[str, str | None]


class Mark(NamedTuple):
    """The options of ``@step``."""

    cache: bool = True
    retries: int = 0


def read_head(found: Definition) -> Head:
    """Parameters of a function. ``InvalidInputError`` for what cannot be wired by name."""
    node, file = found.node, found.file
    _refuse_unwirable(found)
    given = [*node.args.posonlyargs, *node.args.args]
    optional = len(given) - len(node.args.defaults)
    positional = tuple(Named(a.arg, _frame(a.annotation, file), a.lineno, number >= optional) for number, a in enumerate(given))
    pairs = list(zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True))
    return Head(
        positional,
        tuple(_parameter(argument, default, file) for argument, default in pairs),
        {argument.arg: _kinds(argument.annotation) for argument, _ in pairs},
        {argument.arg: _frame(argument.annotation, file) for argument, _ in pairs},
    )


def _refuse_unwirable(found: Definition) -> None:
    node, where = found.node, f"{found.file.shown}:{found.node.lineno}"
    if isinstance(node, ast.AsyncFunctionDef):
        raise InvalidInputError(f"{found.name} is an async function.", found=f"at {where}", next_step="write it with def", field=where)
    if node.args.vararg or node.args.kwarg:
        star = f"*{node.args.vararg.arg}" if node.args.vararg else f"**{node.args.kwarg.arg}"  # type: ignore[union-attr]
        raise InvalidInputError(
            f"{found.name} takes {star}, which cannot be wired by name.",
            found=f"at {where}",
            next_step="name each input and parameter",
            field=where,
        )
    if _yields(node):
        raise InvalidInputError(f"{found.name} is a generator.", found=f"yield at {where}", next_step="return the whole value", field=where)


def _yields(node: ast.AST) -> bool:
    pending = [node]
    while pending:
        for child in ast.iter_child_nodes(pending.pop()):
            if isinstance(child, ast.Yield | ast.YieldFrom):
                return True
            if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
                pending.append(child)
    return False


def _parameter(argument: ast.arg, default: ast.expr | None, file: SourceFile) -> Parameter:
    is_path = any(name in _PATHS for name in _annotated(argument.annotation, file))
    if default is None:
        return Parameter(name=argument.arg, default=None, required=True, is_path=is_path)
    if isinstance(default, ast.Call) and _full(dotted(default.func), file) in _PATHS and len(default.args) == 1:
        default, is_path = default.args[0], True
    return Parameter(name=argument.arg, default=_literal(default, file), required=False, is_path=is_path)


def _literal(node: ast.expr, file: SourceFile) -> str | None:
    """Canonical JSON of a literal, or of a constant of the file that is one."""
    if isinstance(node, ast.Name):
        node = file.constants.get(node.id, node)
    try:
        value = ast.literal_eval(node)
        text = canonical(value).decode()
        return text if msgspec.json.decode(text) == value else None
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError, msgspec.MsgspecError, OverflowError):
        return None


def _full(name: str | None, file: SourceFile) -> str | None:
    if name is None:
        return None
    head, dot, rest = name.partition(".")
    return f"{file.imported.get(head, head)}{dot}{rest}"


def _annotated(node: ast.expr | None, file: SourceFile) -> list[str]:
    """Full names of all types that an annotation mentions, unions and quoted ones included."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            node = ast.parse(node.value.strip(), mode="eval").body
        except (SyntaxError, ValueError):
            return []
    name = _full(dotted(node), file)
    if name is not None:
        return [name]
    if isinstance(node, ast.BinOp):
        return [*_annotated(node.left, file), *_annotated(node.right, file)]
    if isinstance(node, ast.Subscript):
        inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        return [*_annotated(node.value, file), *(name for part in inner for name in _annotated(part, file))]
    return []


def _frame(node: ast.expr | None, file: SourceFile) -> str | None:
    return next((_FRAMES[name] for name in _annotated(node, file) if name in _FRAMES), None)


def _kinds(node: ast.expr | None) -> frozenset[str]:
    """``{"int", "None"}`` of ``int | None``; empty where the annotation says nothing checkable."""
    if isinstance(node, ast.BinOp):
        left, right = _kinds(node.left), _kinds(node.right)
        return left | right if left and right else frozenset()
    name = "None" if isinstance(node, ast.Constant) and node.value is None else dotted(node)
    return frozenset([name]) if name in _SCALARS else frozenset()


def read_mark(found: Definition) -> Mark | None:
    """The ``@step`` on a function, None if it has none. Options must be literals."""
    for decorator in found.node.decorator_list:
        call = decorator if isinstance(decorator, ast.Call) else None
        if _full(dotted(call.func if call else decorator), found.file) in _MARKS:
            return Mark() if call is None else _options(found, call)
    return None


def _options(found: Definition, call: ast.Call) -> Mark:
    where = f"{found.file.shown}:{call.lineno}"
    options: dict[str, object] = {}
    for keyword in call.keywords:
        if keyword.arg not in Mark._fields:
            raise InvalidInputError(
                f"@step on {found.name} has no option {keyword.arg or '**'}.",
                found=f"at {where}",
                next_step=nearest_hint(keyword.arg or "", Mark._fields) or "options are cache and retries",
                field=where,
            )
        options[keyword.arg] = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
    cache, retries = options.get("cache", True), options.get("retries", 0)
    if call.args or not isinstance(cache, bool) or not isinstance(retries, int) or isinstance(retries, bool) or retries < 0:
        raise InvalidInputError(
            f"@step on {found.name} cannot be read.",
            found=f"{ast.unparse(call)} at {where}",
            next_step="write cache=True or False and retries=0 or more, as plain values",
            field=where,
        )
    return Mark(cache, retries)


def frame_must_be_eager(found: Definition, frame: str | None) -> None:
    """A feature function gets its rows as a Polars or pandas frame, in training and when serving."""
    if frame in {"polars-lazy", "numpy"}:
        kind = "a lazy frame" if frame == "polars-lazy" else "an array"
        raise InvalidInputError(
            f"{FEATURES} cannot take its rows as {kind}.",
            found=f"{found.file.shown}, line {found.node.lineno}",
            next_step="annotate rows with pl.DataFrame or pd.DataFrame",
            field=f"{found.file.shown}:{found.node.lineno}",
        )
