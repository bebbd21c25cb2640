"""``replay_lived``: every decision that was lived, made once more, in the child. Changes nothing."""

from pathlib import Path
from typing import Any

from volant.config.load import load_text
from volant.config.model import GateConfig, GateKind
from volant.kernel.codec import plain
from volant.kernel.errors import VolantError
from volant.loop.instants import overlooked
from volant.loop.retraced import LivedReplay, sentence
from volant.loop.retracing import retraced_decisions
from volant.loop.retracing_rollouts import retraced_rollouts
from volant.loop.setting import Ports
from volant.wiring.project import CONFIG_FILE, Project
from volant.wiring.verbs.cycles import ports_of
from volant.wiring.verbs.opened import opened
from volant.wiring.worker import Report

Json = dict[str, Any]


def replay_lived(root: Path, environment: dict[str, str], _request: Json, report: Report) -> Json:
    """The decisions in order, each with what differs, and what was due and not decided."""
    project = opened(root, environment)
    found = _lived(project, ports_of(project), report)
    return {
        **plain(found),
        "decisions": [{**plain(decision), "same": decision.same} for decision in found.decisions],
        "same": found.same,
        "sentence": sentence(found),
    }


def _lived(project: Project, ports: Ports, report: Report) -> LivedReplay:
    model = project.name
    report("deciding again on what was kept, and on the log", 0.0)
    loop = retraced_decisions(ports, model, lambda share: report("deciding again on what was kept, and on the log", share * 0.8))
    report("following the rollouts", 0.8)
    rollouts = retraced_rollouts(ports, model, lambda number: _promised(project, number))
    report("looking between the decisions", 0.9)
    missed, instants = overlooked(ports, model)
    ordered = tuple(sorted((*loop, *rollouts), key=lambda decision: decision.at))
    return LivedReplay(project=model, decisions=ordered, overlooked=missed, instants=instants)


def _promised(project: Project, number: int) -> tuple[int | None, ...]:
    """The latency that gates promised when the version was made, and promise now: a server may have been started under either."""
    found: list[tuple[GateConfig, ...]] = [project.config.gates]
    try:
        text = project.objects.get(project.registry.version(project.name, number).policy).decode("utf-8", "replace")
        found.insert(0, load_text(text, CONFIG_FILE, project.environment).config.gates)
    except VolantError:
        pass  # settings of another Volant, or with variables that are not set any more
    limits = [min((g.latency_us for g in gates if g.kind is GateKind.LATENCY and g.latency_us), default=None) for gates in found]
    return tuple(dict.fromkeys((*limits, None)))
