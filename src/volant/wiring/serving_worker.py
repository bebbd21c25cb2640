"""The process that serves one package: ``python -m volant.wiring.serving_worker``. See ``volant.serving.worker``."""

import sys
from pathlib import Path

from volant.adapters.objects.local import LocalObjects
from volant.models.runner import load_runner
from volant.serving.spec import WorkerSpec
from volant.serving.worker import Loaded, main


def load(spec: WorkerSpec) -> Loaded:
    """The package that the specification names, verified and loaded; this process loads no other."""
    model = load_runner(LocalObjects(Path(spec.objects)), spec.package, Path(spec.scratch), alone=True)
    for warning in model.warnings:
        print(warning, file=sys.stderr, flush=True)  # noqa: T201 - the supervisor keeps it
    return Loaded(model, model.sample_columns)


if __name__ == "__main__":
    main(load)
