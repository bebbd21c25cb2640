"""What people of the story write into the project: its policy, its pipeline, one mistake, one trap, and its repair."""

from pathlib import Path

from volant.cli.demo.running import StoryError

SHADOW_ROWS, CANARY_ROWS = 72, 144
POLICY = {
    "  holdout:": "  holdout: {last: 4d}",
    "  window:": "  window: {keep: last, size: 14d}",
    "  params:": "  params: {}",
    "  - {latency_p99:": "  - {latency_p99: 5s}",
    "  autonomy:": f"  autonomy: autopilot\n  steps: [{{shadow: {SHADOW_ROWS} rows}}, {{canary: 25%, rows: {CANARY_ROWS}}}, full]",
    "  when:": "  when: [{performance: worse}]",
    "  guard:": "  guard: {cooldown: 10d, min_new_labels: 144}\nwatch: {window: {rows: 432}}",
}
SHOWN = ("  autonomy:", "  when:", "  guard:")

MISTAKE = ("np.expm1(usual", "30 + np.expm1(usual")
_WEATHER = 'WEATHER = ["temperature"]'
TRAP = (
    (_WEATHER, 'WEATHER = ["temperature", "rain"]\nDOCKS = {"harbour": 34, "market": 52, "university": 41}'),
    ("pl.col(WEATHER).cast(pl.Float64))", 'pl.col(WEATHER).cast(pl.Float64), pl.col("station").replace_strict(DOCKS).alias("docks"))'),
)
REPAIR = ("replace_strict(DOCKS)", "replace_strict(DOCKS, default=40)")


def write_policy(path: Path) -> str:
    """Write the policy of the demo over what ``init`` guessed; the lines that a reader should see."""
    lines, left = [], dict(POLICY)
    for line in path.read_text(encoding="utf-8").splitlines():
        prefix = next((prefix for prefix in left if line.startswith(prefix)), None)
        lines.append(line if prefix is None else left.pop(prefix))
    if left:
        raise StoryError(f"init should have written {' and '.join(prefix.strip() for prefix in left)} into volant.yaml")
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return "\n".join(POLICY[prefix] for prefix in SHOWN)


def write_pipeline(path: Path) -> None:
    """The city's own pipeline instead of the one that ``init`` wrote: it is small and quick."""
    from importlib.resources import files

    path.write_text(files("volant.testing").joinpath("city_pipeline.py").read_text(encoding="utf-8"), encoding="utf-8")


def edit(path: Path, *changes: tuple[str, str]) -> None:
    """Replace texts that must be there once."""
    text = path.read_text(encoding="utf-8")
    for before, after in changes:
        if text.count(before) != 1:
            raise StoryError(f"{path.name} should contain {before!r} once")
        text = text.replace(before, after)
    path.write_text(text, encoding="utf-8")
