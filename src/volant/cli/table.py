"""Every command: its name, where it lives, and one line about it. Help is printed from here, without importing any."""

from typing import NamedTuple

VERBS = "volant.cli.verbs"


class Line(NamedTuple):
    """A command; ``place`` is ``module:attribute`` below ``volant.cli.verbs``."""

    name: str
    place: str
    about: str


class Family(NamedTuple):
    """Commands that share a noun. ``default`` is the one that runs when none is named; ``takes_words``: also before any other word."""

    name: str
    about: str
    lines: tuple[Line, ...]
    default: str | None = None
    takes_words: bool = False


Command = Line | Family

CONFIG = Family(
    "config",
    "Show, check or describe volant.yaml",
    (
        Line("show", "config:show", "Everything in effect, and where each value came from"),
        Line("validate", "config:validate", "Whether volant.yaml can be used"),
        Line("schema", "config:schema", "The keys of volant.yaml as JSON Schema"),
    ),
)
DATA = Family(
    "data",
    "What the project learns from",
    (
        Line("validate", "data:validate", "Hold the data to their contract"),
        Line("profile", "data:profile", "What each column looks like"),
        Line("log", "data:log", "Versions of the dataset"),
    ),
)
LABELS = Family("labels", "What turned out to be true", (Line("add", "labels:add", "Add labels from a file"),))
RUNS = Family(
    "runs",
    "List runs, or show one",
    (
        Line("list", "runs:list_runs", "Newest first, or best first by a metric (what 'volant runs' does)"),
        Line("show", "runs:show", "One run: steps, parameters, metrics, artifacts"),
    ),
    default="list",
)
MODELS = Family(
    "models",
    "List model versions, or show one",
    (
        Line("list", "models:list_models", "Versions with their state and gate (what 'volant models' does)"),
        Line("show", "models:show", "One version: gate report, run, history"),
    ),
    default="list",
)
ALERTS = Family(
    "alerts",
    "What needs attention, and who is told",
    (
        Line("list", "alerts:list_alerts", "Open alerts, worst first (what 'volant alerts' does)"),
        Line("show", "alerts:show", "One alert: what was seen, and who was told"),
        Line("ack", "alerts:ack", "Say that you look after one"),
        Line("mute", "muting:mute", "Tell nobody about an alert, a cause or a model for a while"),
        Line("unmute", "muting:unmute", "End a mute before its time"),
        Line("mutes", "muting:mutes", "Which mutes hold"),
        Line("test", "alerts:test", "Tell every target a test, or one of them"),
    ),
    default="list",
)
MONITOR = Family(
    "monitor",
    "How the champion does on live traffic",
    (
        Line("show", "monitor:show", "Traffic, errors, data quality and the live metric (what 'volant monitor' does)"),
        Line("check", "monitor:check", "Exit with 3 if the windows show what needs attention"),
        Line("slices", "inspecting:slices", "Where among labelled rows the champion is worse than elsewhere"),
        Line("skew", "inspecting:skew", "Whether what is served is what was trained on"),
        Line("drift", "inspecting:drift", "Columns that moved, and with --multivariate whether they moved together"),
        Line("attribution", "inspecting:attribution", "Whether the model leans on other columns than it used to"),
    ),
    default="show",
)
AUDIT = Family(
    "audit",
    "The chain of decisions",
    (
        Line("verify", "audit:verify", "Whether anything was edited, removed or cut off"),
        Line("export", "audit:export", "Every event, one JSON object per line"),
    ),
)
TOKENS = Family(
    "tokens",
    "Who may ask the server",
    (
        Line("create", "tokens:create", "A new token; its secret is shown once"),
        Line("list", "tokens:list_tokens", "All tokens, without their secrets"),
        Line("revoke", "tokens:revoke", "End a token now"),
    ),
    default="list",
)

POLICY = Family(
    "policy",
    "What the automation follows",
    (
        Line("show", "policy:show", "Triggers, autonomy, and what was decided last"),
        Line("accept", "accepting:accept", "The policy that a replay recommends, as a change of volant.yaml"),
        Line("decisions", "policy:decisions", "Every automatic decision, or one with all it was made from"),
        Line("pause", "policy:pause", "No automatic decision until it is resumed"),
        Line("resume", "policy:resume", "Automatic decisions again"),
    ),
    default="show",
)
GATE = Family(
    "gate",
    "Judge a version, or plan how many labels that takes",
    (
        Line("judge", "gate:judge", "Judge a version against the champion and the baselines (what 'volant gate' does)"),
        Line("plan", "gate:plan", "How many labels the next decision will need, and how long they take"),
    ),
    default="judge",
    takes_words=True,
)

SUITE = Family(
    "suite",
    "Tests of the champion that run again and again",
    (
        Line("show", "suite:show", "What each suite found last, and when it runs next (what 'volant suite' does)"),
        Line("run", "suite:run", "Run one now; exit with 3 if a check fails"),
    ),
    default="show",
)

SECTIONS: tuple[tuple[str, tuple[Command, ...]], ...] = (
    (
        "Start",
        (
            Line("init", "init:init", "Write a project from a data file"),
            Line("demo", "demo:demo", "The whole wheel on a simulated city, in about a minute"),
            Line("doctor", "doctor:doctor", "Check this machine and this project"),
            CONFIG,
        ),
    ),
    ("Data", (DATA, LABELS)),
    (
        "Train",
        (
            Line("run", "run:run", "Turn the wheel once: data, train, gate, register"),
            Line("why", "run:why", "Whether a step would run again, and why"),
            RUNS,
        ),
    ),
    (
        "Test and release",
        (
            GATE,
            SUITE,
            MODELS,
            Line("approve", "releasing:approve", "Let a version out: it becomes the champion"),
            Line("reject", "releasing:reject", "Turn a version down"),
            Line("deploy", "deploying:deploy", "Send a version into traffic step by step"),
            Line("promote", "deploying:promote", "Complete a rollout now"),
            Line("rollback", "deploying:rollback", "Take a rollout back, or go back to the former champion"),
        ),
    ),
    (
        "Serve",
        (
            Line("up", "up:up", "Serve predictions, API and pages"),
            Line("predict", "predict:predict", "Score a file, without a server"),
        ),
    ),
    (
        "Watch",
        (
            Line("status", "status:status", "Where the wheel stands and what it waits for"),
            ALERTS,
            MONITOR,
            Line("lineage", "lineage:lineage", "What something was made of, and used for"),
            AUDIT,
        ),
    ),
    (
        "Loop",
        (
            Line("replay", "replay:replay", "What retraining policies would have done over the history"),
            Line("retrain", "policy:retrain", "Turn the wheel now, or say what the policy would do"),
            POLICY,
        ),
    ),
    ("Team", (TOKENS,)),
)
