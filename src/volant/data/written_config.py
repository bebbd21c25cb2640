"""``volant.yaml`` of a new project: the policy that people review, with the reason beside each guessed value."""

import re

from volant.config.model import Task
from volant.data.infer import two_digits
from volant.data.plan import Plan

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*\Z")


def config_text(plan: Plan) -> str:
    """The file's text. Only keys that ``config/model.py`` has."""
    sections = [_head(plan), _data(plan), _train(plan), _gates(plan), _release(plan), _retrain(plan)]
    return "\n".join(sections)


def scalar(value: str) -> str:
    """A text as a YAML scalar that reads back as the same text, on one line, in flow lists too."""
    import yaml

    if _PLAIN.match(value) and yaml.safe_load(value) == value:
        return value
    text: str = yaml.safe_dump(value, default_style='"', allow_unicode=True, width=1 << 30)
    return text.strip()


def _list(values: tuple[str, ...]) -> str:
    return f"[{', '.join(map(scalar, values))}]"


def _line(text: str, comment: str | None, width: int = 40) -> str:
    """A setting with its comment. Line breaks inside a column's name must not end the comment."""
    if not comment:
        return text
    clean = "".join(c if c.isprintable() else " " for c in comment)
    return f"{text:<{width}} # {clean}"


def _head(plan: Plan) -> str:
    choices = "binary | multiclass | regression"
    return "\n".join(
        [
            "# What Volant does with this project; other people review it. Unknown keys are errors.",
            "version: 1",
            f"project: {scalar(plan.name)}",
            _line(f"task: {plan.task.value}", _guessed(plan, "task") or choices),
            f"target: {scalar(plan.target)}",
            _line(f"metric: {plan.metric}", _guessed(plan, "metric") or "decides gates, replay and retraining"),
            "",
        ]
    )


def _guessed(plan: Plan, what: str) -> str | None:
    why = plan.why(what)
    return None if why is None else f"guessed: {why}"


def _data(plan: Plan) -> str:
    lines = ["data:", _line(f"  source: {scalar(plan.source)}", "CSV or Parquet, relative to this folder")]
    if plan.key:
        lines.append(_line(f"  key: {_list(plan.key)}", _guessed(plan, "key") or "names a row: joins labels, removes duplicates"))
    if plan.group is not None:
        lines.append(_line(f"  group: {scalar(plan.group)}", "rows that belong together in intervals"))
    if plan.time is not None:
        lines.append(_line(f"  time: {scalar(plan.time)}", _guessed(plan, "time") or "when a row happens"))
    if plan.tick is not None:
        lines.append(_line(f"  tick: {plan.tick}", _guessed(plan, "tick") or "how long a row lasts; rows are in order"))
    if plan.drop:
        why = {guess.value: guess.why for guess in plan.guesses if guess.what == "drop"}
        lines.append("  drop:")
        lines += [_line(f"    - {scalar(name)}", f"guessed: {why[name]}" if name in why else None) for name in plan.drop]
    lines.append(_line(f"  label_delay: {plan.label_delay}", _guessed(plan, "label delay") or "when the target becomes known"))
    lines.append(_line("  contract: contract.odcs.yaml", "what the data promise; checked before training"))
    return "\n".join([*lines, ""])


def _train(plan: Plan) -> str:
    return "\n".join(
        [
            "train:",
            "  pipeline: pipeline.py",
            _line("  from: log", "this file plus logged rows with labels; or: source"),
            _line("  window: {keep: all}", "or {keep: last, size: 90d}"),
            _line(f"  holdout: {{last: {plan.holdout_rows} rows}}", _guessed(plan, "holdout")),
            _line("  params: {learning_rate: 0.1}", "keyword arguments of steps in pipeline.py"),
            "  seed: 7",
            "",
        ]
    )


def _gates(plan: Plan) -> str:
    lines = [
        "gates:",
        _line(f"  - {{metric: {plan.metric}, vs: baseline}}", "better than the last known value, the mean, ...", 64),
        _line(f"  - {{metric: {plan.metric}, vs: champion, margin: 1%, confidence: 95%}}", "better, and surely not worse by 1 %", 64),
    ]
    if plan.slices:
        lines.append(_line(f"  - {{metric: {plan.metric}, slices: {_list(plan.slices)}, margin: 5%}}", "no slice surely worse by 5 %", 64))
    lines.append(_line("  - {latency_p99: 100ms}", "one row, features included", 64))
    lines.append(_line("  - {holdout_uses: 30}", "candidates per held-out row; with new data every day: , expires: 90d", 64))
    return "\n".join([*lines, ""])


def _release(plan: Plan) -> str:
    del plan
    return "\n".join(["release:", _line("  autonomy: propose", "propose: a person approves; autopilot: gates alone decide"), ""])


def _retrain(plan: Plan) -> str:
    first = f"{{clock: {plan.retrain_clock}}}" if plan.retrain_clock is not None else f"{{new_labels: {plan.retrain_labels}}}"
    least = two_digits(plan.retrain_labels // 4)
    return "\n".join(
        [
            "retrain:",
            _line(f"  when: [{first}, {{performance: worse}}]", _guessed(plan, "retrain"), 52),
            _line(f"  guard: {{min_new_labels: {least}}}", "no retraining before so many new labels", 52),
            "",
        ]
    )


def summary(plan: Plan) -> str:
    """One line for people: what kind of project this became."""
    kind = {Task.REGRESSION: "a number", Task.BINARY: "one of two classes", Task.MULTICLASS: "one of several classes"}.get(
        plan.task, "a value"
    )
    return f"{plan.name} predicts {plan.target!r}, {kind}, from {plan.rows} rows"
