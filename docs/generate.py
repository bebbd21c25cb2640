"""Write the reference pages that are made from the code: ``python docs/generate.py``. A test holds them to be current."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from volant.access.model import GRANTS, Permission, Role
from volant.access.routes import Route
from volant.cli.groups import loaded
from volant.cli.table import SECTIONS, Command, Family
from volant.cli.verb import Verb, shared_options
from volant.config.business import BusinessMetrics
from volant.config.dump import flow
from volant.config.lines import GATES, TRIGGERS
from volant.config.sections import Entry, OneOf, Section
from volant.config.table import PROJECT
from volant.kernel.errors import CLASS_BY_CODE, EXIT_CODES, HTTP_STATUS
from volant.stats.names import METRICS

REFERENCE = Path(__file__).parent / "reference"
_LEAST = "version: 1\nproject: x\ntask: regression\ntarget: y\nmetric: mae\ndata: {source: x.csv}\n"
_EXAMPLE = """version: 1
project: bikes
task: regression
target: cnt
metric: mae
data:
  source: data/bikes.csv
  key: [station, hour]
  time: hour
  label_delay: 24h
  drop: [casual, registered]
  contract: contract.odcs.yaml
train:
  pipeline: pipeline.py
  from: log
  window: {keep: last, size: 90d}
  holdout: {last: 14d}
  params: {learning_rate: 0.1}
  seed: 7
gates:
  - {vs: baseline}
  - {vs: champion, margin: 1%, confidence: 95%}
  - {slices: [season], margin: 5%}
  - {metric: r2, min: 0.5}
  - {latency_p99: 20ms}
release: {autonomy: propose}
retrain:
  when: [{clock: 7d}, {performance: worse}, {new_labels: 5000}]
  guard: {cooldown: 1d, min_new_labels: 500}
serve: {max_rows: 5000}
"""
NOTE = "<!-- Made by docs/generate.py from the code: edit that, then run `make docs`. -->\n\n"


def pages() -> dict[Path, str]:
    """Every generated page and its text."""
    made = {
        "cli.md": cli_page(),
        "config.md": config_page(),
        "errors.md": errors_page(),
        "metrics.md": metrics_page(),
        "routes.md": routes_page(),
    }
    return {REFERENCE / name: NOTE + text for name, text in made.items()}


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |\n" for line in lines)


def cli_page() -> str:
    """All commands, in the order of ``volant --help``."""
    shared = table(["option", ""], [_option(option) for option in shared_options(project=True) if isinstance(option, click.Option)])
    parts = [
        "# Commands\n\nData go to standard output, progress and errors to standard error. Colours appear only on a terminal and never under\n"
        "`NO_COLOR`. Exit codes are in [errors](errors.md). Every command also takes:\n\n" + shared,
        *(f"\n## {title}\n" + "".join(_commands(lines)) for title, lines in SECTIONS),
    ]
    return "".join(parts)


def _commands(lines: Sequence[Command]) -> Iterator[str]:
    for line in lines:
        if isinstance(line, Family):
            yield from (_command(f"{line.name} {below.name}", loaded(below), default=line.default == below.name) for below in line.lines)
        else:
            yield _command(line.name, loaded(line))


def _command(path: str, command: click.Command, *, default: bool = False) -> str:
    assert isinstance(command, Verb)
    shared = {name for option in shared_options(project=True) for name in option.opts}
    arguments = [p.make_metavar(click.Context(command)) for p in command.params if isinstance(p, click.Argument)]
    options = [p for p in command.params if isinstance(p, click.Option) and not shared & set(p.opts)]
    text = f"\n### volant {path}\n\n"
    if default:
        text += f"`volant {path.split(maxsplit=1)[0]}` alone does the same.\n\n"
    words = " ".join([f"volant {path}", *arguments, *(["[OPTIONS]"] if options else [])])
    text += f"```\n{words}\n```\n\n{_paragraphs(command.help or '')}\n"
    if options:
        text += f"\n{table(['option', ''], [_option(option) for option in options])}"
    return text + "\nExample:\n\n```\n" + "".join(f"$ {line}\n" for line in command.example.splitlines()) + "```\n"


def _paragraphs(text: str) -> str:
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n"))


def _option(option: click.Option) -> list[str]:
    flags = ", ".join(f"`{flag}`" for flag in sorted(option.opts, key=len))
    metavar = "" if option.is_flag else f" `{option.make_metavar(click.Context(click.Command('x')))}`"
    about = option.help or ""
    if option.required:
        about += " Required."
    elif option.show_default and not option.is_flag and option.default is not None:
        about += f" Default: `{option.default}`."
    return [flags + metavar, about]


def config_page() -> str:
    """The keys of ``volant.yaml``."""
    head = (
        "# volant.yaml\n\nUnknown keys are errors that name the nearest known one. Durations are written `30m`, `24h`, `7d`, `1d12h`; amounts\n"
        "`14d` or `2000 rows`; shares `1%`. `${NAME}` and `${NAME:-default}` stand for environment variables, `$${` for a plain `${`.\n"
        "`volant config show --origin` prints what is in effect and where it comes from; `volant config schema` is the same table for\n"
        "editors. A whole file:\n\n```yaml\n" + _EXAMPLE + "```\n\n"
    )
    return head + "".join(_section(PROJECT, "")) + _forms("gates", GATES) + _forms("retrain.when", TRIGGERS)


def _section(section: Section, path: str) -> Iterator[str]:
    rows = []
    for entry in section.entries:
        name = f"[`{entry.key}`](#{_anchor(path, entry.key)})" if isinstance(entry.kind, Section | OneOf) else f"`{entry.key}`"
        rows.append([name, _about(entry), _held(section, entry)])
    yield f"## {path or 'Top level'}\n\n{table(['key', '', 'default'], rows)}\n"
    for entry in section.entries:
        if isinstance(entry.kind, Section):
            yield from _section(entry.kind, f"{path}.{entry.key}".lstrip("."))
        if isinstance(entry.kind, BusinessMetrics):
            yield from _section(entry.kind.one, f"{entry.key}.NAME")


def _about(entry: Entry) -> str:
    """What it is for, with the words it may be."""
    words = () if isinstance(entry.kind, Section | OneOf) else _words(entry.kind.schema())
    return entry.about + (f": {', '.join(f'`{word}`' for word in words)}" if words else "")


def _words(schema: dict[str, Any]) -> list[str]:
    """The words of a kind, and of those that take further ones."""
    return [*schema.get("enum", ()), *(word for form in schema.get("anyOf", ()) for word in form.get("enum", ()))]


def _held(section: Section, entry: Entry) -> str:
    """What holds where the key is not said."""
    default = section.default(entry)
    if entry.required:
        return "required"
    return "-" if default is None or default in ([], {}) else f"`{flow(default)}`"


def _anchor(path: str, key: str) -> str:
    return f"{path}.{key}".lstrip(".").replace(".", "")


def _forms(path: str, forms: OneOf) -> str:
    text = f"## {path}\n\nA list of lines, each of one of these forms:\n\n"
    for marks, section in forms.forms.items():
        rows = [[f"`{entry.key}`", _about(entry), _held(section, entry)] for entry in section.entries]
        text += f"With `{'` or `'.join(marks)}`:\n\n{table(['key', '', 'default'], rows)}\n"
    return text


def errors_page() -> str:
    """Codes, exit codes and HTTP statuses."""
    rows = [
        [f"`{c.code}`", " ".join((c.__doc__ or "").replace("``", "`").split()), str(EXIT_CODES[c.code]), str(HTTP_STATUS[c.code])]
        for c in CLASS_BY_CODE.values()  # not its subclasses elsewhere, which depend on what was imported before
    ]
    rows += [["-", "Interrupted (Ctrl-C).", "130", "-"], ["-", "The reader of the output went away.", "141", "-"]]
    return (
        "# Errors\n\nEvery error says what was asked (`what`), what was found (`found`) and what to do next (`next`); `field` names the column, key or\n"
        "option at fault. `code` is stable: scripts may match on it. With `--json` an error is one object on standard output:\n\n"
        '```json\n{"schema": "volant.error/1", "error": {"code": "not_found", "what": "...", "found": "...", "next": "...", "field": null,'
        ' "details": []}}\n```\n\n'
        'The API answers `{"error": {"code", "what", "found", "next", "field"}}` with the status below. Defects end with exit code 1; their\n'
        "traceback is kept in `.volant/crash/`.\n\n"
        + table(["code", "meaning", "exit code", "HTTP status"], rows)
        + "\nExit code 0 is success. `volant run` ends with 3 when the gate did not say pass, and with 0 when the version passed and waits for\n"
        "a person.\n"
    )


def metrics_page() -> str:
    """Named metrics."""
    rows = [
        [f"`{metric.name}`", ", ".join(sorted(task.value for task in metric.tasks)), "lower" if metric.lower_is_better else "higher"]
        for metric in METRICS.values()
    ]
    return (
        "# Metrics\n\nDefinitions are scikit-learn's. With more than two classes `f1` and `auc` are unweighted means over classes.\n\n"
        + table(["name", "tasks", "better"], rows)
    )


def routes_page() -> str:
    """The table of routes, and what roles may do."""
    held = [[f"`{role.value}`", *("yes" if permission in GRANTS[role] else "" for permission in Permission)] for role in Role]
    shown = [route for route in _routes() if not route.path.startswith("/static/")]
    rows = [[f"`{route.method}`", f"`{route.path}`", route.needs.value, route.summary.rstrip(".")] for route in shown]
    rows.append(["`GET`", "`/static/...`", "public", "Style sheet and scripts of the pages, named by their content"])
    return (
        "# Routes\n\nWhat is not in this table is refused. Every page has a twin for programs: `.json` after its address. On a server that asks for tokens a caller needs the permission; without one it is\n"
        "401, with the wrong role 403. Protocols are in [http](http.md).\n\n"
        + table(["", "path", "permission", ""], rows)
        + "\n## Roles\n\n"
        + table(["role", *(permission.value for permission in Permission)], held)
    )


def _routes() -> tuple[Route, ...]:
    """The table of a server of an empty project."""
    import asyncio
    import socket
    import tempfile

    from volant.server.control import Address, Control
    from volant.web.pages import error_page
    from volant.web.pages import routes as page_routes
    from volant.wiring.project import open_project

    async def build(folder: Path, worker: socket.socket) -> tuple[Route, ...]:
        project = open_project(folder, environment={})
        address = Address(host="127.0.0.1", port=1, worker_port=2)
        control = Control(project, address, worker, asks=True, pages=page_routes(project), error_page=error_page(project))
        return control.app.table.routes

    with tempfile.TemporaryDirectory() as folder, socket.socket() as worker:
        (Path(folder) / "volant.yaml").write_text(_LEAST, encoding="utf-8")
        worker.bind(("127.0.0.1", 0))
        return asyncio.run(build(Path(folder), worker))


def main() -> None:
    """Write all pages."""
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"wrote {path.name}\n")


if __name__ == "__main__":
    main()
