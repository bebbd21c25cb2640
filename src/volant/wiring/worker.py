"""Heavy work in a process of its own: the child side. See ``child.py`` for the protocol.

Standard output is kept for answers; whatever the work prints goes to standard error. The child ends when its input
closes, in the middle of work too, so it cannot outlive the process that asked.
"""

import os
import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from volant.kernel.errors import InternalError, VolantError, to_record
from volant.wiring.orphans import Asker

Report = Callable[[str, float | None], None]

INTERRUPTED = 130

VERBS = {
    "init": "volant.wiring.verbs.starting:init",
    "run": "volant.wiring.verbs.training:run",
    "why": "volant.wiring.verbs.training:why",
    "score": "volant.wiring.verbs.scoring:score",
    "times": "volant.wiring.verbs.measuring:times",
    "memory": "volant.wiring.verbs.measuring:memory",
    "score_parts": "volant.wiring.verbs.shadowing:score_parts",
    "predict": "volant.wiring.verbs.scoring:predict",
    "gate": "volant.wiring.verbs.training:gate",
    "validate": "volant.wiring.verbs.datasets:validate",
    "profile": "volant.wiring.verbs.datasets:profile",
    "labels": "volant.wiring.verbs.evidence:add_labels",
    "seal": "volant.wiring.verbs.evidence:seal",
    "prediction": "volant.wiring.verbs.evidence:prediction",
    "look": "volant.wiring.verbs.looping:look",
    "plan": "volant.wiring.verbs.looping:plan",
    "retrain": "volant.wiring.verbs.looping:retrain",
    "watch": "volant.wiring.verbs.watching:watch",
    "weigh": "volant.wiring.verbs.rolling:weigh",
    "monitor": "volant.wiring.verbs.watching:monitor",
    "file_drift": "volant.wiring.verbs.file_drift:file_drift",
    "suite": "volant.wiring.verbs.suites:suite",
    "suites": "volant.wiring.verbs.suites:suites",
    "inspect": "volant.wiring.verbs.inspecting:inspect",
    "replay": "volant.wiring.verbs.replaying:replay",
    "replay_lived": "volant.wiring.verbs.retracing:replay_lived",
}


def _serve(root: Path, requests: BinaryIO, answers: BinaryIO, asker: Asker) -> None:
    for line in requests:
        message = orjson.loads(line)
        number = message["id"]

        def send(body: dict[str, Any], number: int = number) -> None:
            answers.write(orjson.dumps({"id": number, **body}, option=orjson.OPT_NON_STR_KEYS) + b"\n")
            answers.flush()

        def report(text: str, share: float | None = None, send: Callable[..., None] = send) -> None:
            try:
                send({"progress": {"text": text, "share": share}})
            except BrokenPipeError:  # whoever asked is gone: as if they had said stop
                raise KeyboardInterrupt from None

        with asker.waits():
            answer = _answer(root, message["verb"], message["request"], report)
        send(answer)


def _answer(root: Path, verb: str, request: dict[str, Any], report: Report) -> dict[str, Any]:
    try:
        module, _, name = VERBS[verb].partition(":")
        result = getattr(import_module(module), name)(root, dict(os.environ), request, report)
    except VolantError as error:
        return {"error": to_record(error)}
    except Exception as error:  # noqa: BLE001 - the asker must hear of any defect
        trace = tuple(traceback.format_exc().rstrip().splitlines())
        return {"error": to_record(InternalError(f"Volant failed while doing '{verb}': {error!r}", details=trace))}
    return {"result": result}


def main() -> None:
    """Read requests until the input ends. Ctrl-C reaches this process too; what was asked for is given up quietly."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    asker = Asker(sys.stdin.fileno(), INTERRUPTED)
    asker.watch()
    try:
        _serve(Path(sys.argv[1]), sys.stdin.buffer, answers, asker)
    except (KeyboardInterrupt, BrokenPipeError):
        os._exit(INTERRUPTED)


if __name__ == "__main__":
    main()
