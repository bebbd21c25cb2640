"""Replays: what retraining policies would have done over the project's history."""

from typing import TYPE_CHECKING, Any

import msgspec

from volant.kernel.codec import decode, plain
from volant.kernel.errors import IntegrityError, NotFoundError
from volant.loop.ports import ReplayRecord
from volant.loop.replay_model import PolicyResult, ReplayResult
from volant.web.drawings import forest_reach

if TYPE_CHECKING:
    from volant.wiring.project import Project

Json = dict[str, Any]
ROLES = {"never": "baseline", "project": "champion"}


def replays_list(project: "Project") -> Json:
    """Finished replays, newest first."""
    return {"replays": [plain(record) for record in project.replays.replays(project.name)]}


def replay_page(project: "Project", replay_id: str) -> Json:
    """One replay. ``NotFoundError`` without the record, ``IntegrityError`` if its result cannot be read."""
    from volant.loop.figures import CAPTIONS, metric_against_retrains, metric_over_time
    from volant.loop.report import bound_sentence, recommendation_sentence, summary_sentence

    record = project.replays.get(replay_id)
    result = _result(project, record)
    policies = [_policy(policy, result) for policy in _best_first(result)]
    return {
        "id": record.id,
        "model": record.model,
        "recorded_at": record.recorded_at,
        "sentence": summary_sentence(result) if any(p.name == "never" for p in result.policies) else record.summary,
        "advice": recommendation_sentence(result),
        "bound": bound_sentence(result),
        **_facts(result),
        "policies": policies,
        "reach": forest_reach([policy["effect"] for policy in policies if policy["effect"]["value"] is not None]),
        "figures": {"over-time": metric_over_time(result), "against-retrains": metric_against_retrains(result)},
        "captions": CAPTIONS,
    }


def _result(project: "Project", record: ReplayRecord) -> ReplayResult:
    try:
        return decode(project.objects.get(record.result), ReplayResult)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise IntegrityError(
            "The replay's result cannot be read.", found=str(error)[:200], next_step="volant replay makes it again"
        ) from error
    except NotFoundError as error:
        raise NotFoundError(
            "The replay's result is no longer stored.", found=error.what, next_step="volant replay makes it again"
        ) from error


def _facts(result: ReplayResult) -> Json:
    names = (
        "project",
        "metric",
        "lower_is_better",
        "rows",
        "warm_up_rows",
        "warm_up_share",
        "evaluated_rows",
        "planned_windows",
        "baselines",
        "trainings",
        "shared_trainings",
        "train_duration_us",
        "label_delay_us",
        "seed",
        "partial",
        "notes",
    )
    view: Json = plain(result)
    first, last = (result.windows[0].from_us, result.windows[-1].to_us) if result.windows else (None, None)
    return {name: view[name] for name in names} | {
        "metric": result.label,
        "windows": len(result.windows),
        "from_at": first,
        "to_at": last,
        "row_us": result.row_us,
        "training_us": sum(result.training_us),
    }


def _best_first(result: ReplayResult) -> list[PolicyResult]:
    sign = 1 if result.lower_is_better else -1
    return sorted(result.policies, key=lambda p: (p.metric is None, sign * (p.metric or 0.0), p.retrains))


def _policy(policy: PolicyResult, result: ReplayResult) -> Json:
    never = next((p.metric for p in result.policies if p.name == "never"), None)
    known = [value for value in policy.window_metrics if value is not None]
    kind = policy.name.partition(",")[0].partition(" ")[0]
    view: Json = plain(policy)
    kept = ("name", "retention", "metric", "low", "high", "difference", "difference_low", "difference_high", "retrains", "promotions")
    decisions = [{"recorded_at": d.at, "action": d.action.value, "sentence": d.sentence, "trigger": d.trigger} for d in policy.decisions]
    return {
        **{name: view[name] for name in kept},
        **{name: view[name] for name in ("refusals", "undecided", "failures", "efficient", "window_metrics")},
        "worst": None if not known else max(known) if result.lower_is_better else min(known),
        "effect": _effect(policy, never, lower=result.lower_is_better),
        "role": ROLES.get(kind, "neutral"),
        "tone": _tone(policy, lower=result.lower_is_better),
        "decisions": decisions,
    }


def _effect(policy: PolicyResult, never: float | None, *, lower: bool) -> dict[str, float | None]:
    """The difference to never retraining as a share of its metric, negative is better."""
    scale, sign = abs(never) if never else 1.0, 1.0 if lower else -1.0
    shares = [None if v is None else sign * v / scale for v in (policy.difference, policy.difference_low, policy.difference_high)]
    value, low, high = shares if lower else (shares[0], shares[2], shares[1])
    return {"value": value, "low": low, "high": high, "allowed": None}


def _tone(policy: PolicyResult, *, lower: bool) -> str:
    """Better or worse than never for sure, or open."""
    worst, best = (policy.difference_high, policy.difference_low) if lower else (policy.difference_low, policy.difference_high)
    if worst is None or best is None:
        return "neutral"
    sign = 1 if lower else -1
    return "pass" if sign * worst < 0 else "fail" if sign * best > 0 else "open"
