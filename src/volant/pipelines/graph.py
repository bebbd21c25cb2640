"""The graph of a pipeline, read from its source: which functions are steps, and what each one takes.

Nothing is imported or run. Every mistake that can be seen in the source is an error here, before any work.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from volant.kernel.errors import InvalidInputError, UsageError
from volant.pipelines.definitions import Definition, Definitions, SourceFile
from volant.pipelines.imports import forget_files
from volant.pipelines.model import FEATURES, METRICS, MODEL, ROWS, TARGET, WEIGHTS, Argument, Graph, Parameter, Scalar, StepDef
from volant.pipelines.nearest import nearest_hint
from volant.pipelines.ordering import running_order
from volant.pipelines.signatures import Head, Mark, Named, frame_must_be_eager, read_head, read_mark

SEED = "seed"


def build_graph(root: Path, pipeline: str, *, target: str, params: Mapping[str, Scalar] | None = None) -> Graph:
    """Read the graph of ``pipeline`` (a path within ``root``); ``target`` is the target column's name.

    ``InvalidInputError`` naming file and line for what cannot be a pipeline; ``UsageError`` for parameters that no step
    has or that are of another type; ``NotFoundError`` if there is no such file.
    """
    forget_files()
    root = root.resolve()
    path = _pipeline_path(root, pipeline)
    search = tuple(dict.fromkeys((root, path.parent)))
    definitions = Definitions(root, search)
    start = definitions.file(path, _base(root, path))
    steps = _Wiring(definitions, start, target).steps()
    _check_params(steps, params or {})
    ordered = running_order(tuple(step for step, _ in steps.values()), start.shown)
    folders = tuple(folder.relative_to(root).as_posix() for folder in search)
    return Graph(root=str(root), file=start.shown, search=folders, steps=ordered)


def _pipeline_path(root: Path, pipeline: str) -> Path:
    path = (root / pipeline).resolve()
    if not path.is_relative_to(root) or path.suffix != ".py" or not path.stem.isidentifier():
        raise UsageError(
            f"{pipeline!r} cannot be the pipeline.",
            found="it must be a .py file within the project's folder, with a name that can be imported",
            next_step="check train.pipeline in volant.yaml",
            field="train.pipeline",
        )
    return path


def _base(root: Path, path: Path) -> Path:
    """The root, unless a folder on the way cannot be part of a module's name."""
    return root if all(part.isidentifier() for part in path.relative_to(root).parts[:-1]) else path.parent


class _Wiring:
    """Collects steps from ``model`` upwards, then ``metrics`` and the marked ones."""

    def __init__(self, definitions: Definitions, start: SourceFile, target: str) -> None:
        self._definitions, self._start, self._target = definitions, start, target
        self._steps: dict[str, tuple[StepDef, Head]] = {}

    def steps(self) -> dict[str, tuple[StepDef, Head]]:
        """All steps by name, with their heads."""
        self._refuse_taken_names()
        found = self._definitions.find(MODEL, self._start)
        if found is None:
            raise self._no_model()
        self._add(found)
        metrics = self._definitions.find(METRICS, self._start) if self._names_a_function(METRICS) else None
        for definition in (*self._marked(), *([metrics] if metrics else [])):
            self._add(definition)
        _check_serving(self._steps, self._definitions.function(FEATURES, self._start), self._start)
        return self._steps

    def _names_a_function(self, name: str) -> bool:
        return any(place.kind in {"def", "import"} for place in self._start.names.get(name, ()))

    def _refuse_taken_names(self) -> None:
        for name in (ROWS, TARGET):
            for place in self._start.names.get(name, ()):
                if place.kind == "def":
                    raise InvalidInputError(
                        f"{name} is what a pipeline is given; a function cannot have this name.",
                        found=f"def {name} in {self._start.shown}, line {place.line}",
                        next_step="rename the function",
                        field=f"{self._start.shown}:{place.line}",
                    )

    def _no_model(self) -> InvalidInputError:
        functions = [name for name, places in self._start.names.items() if places[0].kind == "def"]
        hint = nearest_hint(MODEL, functions)
        return InvalidInputError(
            f"{self._start.shown} has no function named model.",
            found=f"functions: {', '.join(functions[:20])}" if functions else "no functions",
            next_step=hint or "write def model(features, target): that returns a fitted estimator",
            field=self._start.shown,
        )

    def _marked(self) -> Iterator[Definition]:
        for name, places in self._start.names.items():
            if places[-1].kind in {"def", "import"} and name not in self._steps:
                found = self._definitions.function(name, self._start)
                if found is not None and read_mark(found) is not None:
                    yield found

    def _add(self, found: Definition) -> None:
        """Add a step and, first, those that it takes."""
        pending = [found]
        while pending:
            current = pending.pop()
            if current.name in self._steps:
                continue
            head, mark = read_head(current), read_mark(current) or Mark()
            arguments = [self._argument(current, named) for named in head.positional]
            wired, parameters = self._keywords(current, head)
            step = _step(current, mark, (*arguments, *wired), parameters)
            _check_features(current, step)
            self._steps[current.name] = (step, head)
            pending.extend(self._upstream(step))

    def _upstream(self, step: StepDef) -> Iterator[Definition]:
        for argument in reversed(step.arguments):
            if argument.source not in {ROWS, TARGET, *self._steps}:
                found = self._definitions.find(argument.source, self._start)
                if found is not None:  # only WEIGHTS may be given instead
                    yield found

    def _argument(self, found: Definition, named: Named) -> Argument:
        source = self._source(named.name)
        if source is None:
            raise self._unknown(found, named)
        return Argument(name=named.name, source=source, frame=named.frame)

    def _keywords(self, found: Definition, head: Head) -> tuple[list[Argument], tuple[Parameter, ...]]:
        """Keyword-only names without a default that are steps or inputs are wired too; the rest are parameters."""
        wired, parameters = [], []
        for parameter in head.keywords:
            source = self._source(parameter.name) if parameter.required and parameter.name != found.name else None
            if source is None:
                parameters.append(parameter)
            else:
                wired.append(Argument(name=parameter.name, source=source, frame=head.frames[parameter.name]))
        return wired, tuple(parameters)

    def _source(self, name: str) -> str | None:
        """The declared input or step that a parameter's name stands for."""
        if name in {ROWS, TARGET}:
            return name
        found = self._definitions.find(name, self._start) if name in self._start.names else None
        if found is not None and name == self._target:
            raise InvalidInputError(
                f"{name} is both the target column and a function of {self._start.shown}.",
                found=f"def {name} in {found.file.shown}, line {found.node.lineno}",
                next_step="rename the function, or take the target as target",
            )
        if found is not None:
            return name
        return TARGET if name == self._target else WEIGHTS if name == WEIGHTS else None

    def _unknown(self, found: Definition, named: Named) -> InvalidInputError:
        functions = [name for name, places in self._start.names.items() if places[0].kind == "def" and name != found.name]
        hint = nearest_hint(named.name, [ROWS, TARGET, *functions])
        if named.optional:
            hint = f"{hint + ' ' if hint else ''}if it is a parameter, put *, before it"
        imported = self._start.names.get(named.name)
        origin = " (it is imported, but not from a file of the project)" if imported else ""
        known = ", ".join([ROWS, TARGET, *functions][:20])
        return InvalidInputError(
            f"{found.name} takes {named.name}, but there is no step or input of that name{origin}.",
            found=f"{found.file.shown}, line {named.line}; known are {known}",
            next_step=hint or f"write def {named.name}(...) in {self._start.shown}, or rename the parameter",
            field=f"{found.file.shown}:{named.line}",
        )


def _step(found: Definition, mark: Mark, arguments: tuple[Argument, ...], parameters: tuple[Parameter, ...]) -> StepDef:
    return StepDef(
        name=found.name,
        module=found.file.module,
        function=found.node.name,
        file=found.file.shown,
        line=found.node.lineno,
        arguments=arguments,
        parameters=parameters,
        cache=mark.cache,
        retries=mark.retries,
    )


def _check_features(found: Definition, step: StepDef) -> None:
    """The feature function runs again when serving: rows first, and never the target."""
    if step.name != FEATURES:
        return
    where = f"{step.file}:{step.line}"
    if not step.arguments or step.arguments[0].source != ROWS:
        raise InvalidInputError(
            "features must take rows as its first parameter.",
            found=f"({', '.join(argument.name for argument in step.arguments)}) at {where}",
            next_step="def features(rows, ...): fitted values that it needs follow after rows",
            field=where,
        )
    frame_must_be_eager(found, step.arguments[0].frame)
    for argument in step.arguments[1:]:
        if argument.source in {ROWS, TARGET, WEIGHTS}:
            reason = "it has rows already" if argument.source == ROWS else f"the {argument.source} are not known when serving"
            reason = "the target is not known when serving" if argument.source == TARGET else reason
            raise InvalidInputError(
                f"features cannot take {argument.name}: {reason}.",
                found=f"at {where}",
                next_step="compute what is learned from the target in a step of its own, and take that: def means(rows, target)",
                field=where,
            )


def _check_serving(steps: Mapping[str, tuple[StepDef, Head]], features: Definition | None, start: SourceFile) -> None:
    model = steps[MODEL][0]
    if features is not None and not model.takes(FEATURES):
        raise InvalidInputError(
            "There is a function features, but model does not take it.",
            found=f"def features at {features.file.shown}:{features.node.lineno}",
            next_step="give model a parameter features, or rename the function",
            field=f"{model.file}:{model.line}",
        )
    if not model.takes(FEATURES) and not model.takes(ROWS):
        raise InvalidInputError(
            "model takes neither features nor rows, so it could not be served.",
            found=f"({', '.join(argument.name for argument in model.arguments)}) at {model.file}:{model.line}",
            next_step="name the function that makes the model's input features, and take features",
            field=f"{start.shown}:{model.line}",
        )


def _check_params(steps: Mapping[str, tuple[StepDef, Head]], params: Mapping[str, Scalar]) -> None:
    known = {parameter.name for step, _ in steps.values() for parameter in step.parameters}
    for name in params:
        if name not in known | {SEED}:
            raise UsageError(
                f"No step has a parameter {name}.",
                found=f"parameters: {', '.join(sorted(known))}" if known else "no step has keyword-only parameters",
                next_step=nearest_hint(name, known) or "check train.params and --set",
                field=f"train.params.{name}",
            )
    for step, head in steps.values():
        for parameter in step.parameters:
            _check_value(step, parameter, head, params)


def _check_value(step: StepDef, parameter: Parameter, head: Head, params: Mapping[str, Scalar]) -> None:
    name = parameter.name
    if name not in params:
        if parameter.required and name != SEED:
            raise InvalidInputError(
                f"{step.name} needs a value for {name}.",
                found=f"no default at {step.file}:{step.line}, and train.params does not set it",
                next_step=f"give it a default, or set train.params.{name}",
                field=f"train.params.{name}",
            )
        return
    value, wanted = params[name], head.kinds[name]
    kind = "None" if value is None else type(value).__name__
    if wanted and kind not in wanted and not (kind == "int" and "float" in wanted):
        raise UsageError(
            f"{name} of {step.name} must be {' or '.join(sorted(wanted))}.",
            found=f"{value!r} ({kind})",
            next_step=f"check train.params.{name} and --set",
            field=f"train.params.{name}",
        )
