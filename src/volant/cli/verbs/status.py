"""``volant status``."""

from collections.abc import Callable
from typing import Any

from volant.cli.blocks import Block, Cell, Facts, Hint, Table, bad, dim, good, strong, warn
from volant.cli.gatetext import verdict
from volant.cli.numbers import counted, interval, moment, number, signed
from volant.cli.session import Answer, Session
from volant.cli.verb import verb


@verb("status", example="volant status")
def status(session: Session) -> Answer:
    """One glance: data, last run, gate, what serves, labels, and the next thing to do."""
    from volant.wiring import commands

    found = commands.status(session.project)
    return Answer(found, _blocks(found))


def _blocks(found: dict[str, Any]) -> list[Block]:
    facts: list[tuple[str, Cell]] = [
        ("project", strong(f"{found['project']}  ({found['task']}, {found['metric']}, {found['autonomy']})")),
        ("data", _data(found["data"])),
        (
            "last run",
            dim("none")
            if found["run"] is None
            else f"{found['run']['id'][:12]} {found['run']['status'].lower()}, {moment(found['run']['at'])}",
        ),
        ("newest", _newest(found)),
        ("champion", _version(found, found["champion"])),
        ("serving", dim("no server is running") if found["serving"] is None else good(f"yes ({found['serving']})")),
        *([] if found["rollout"] is None else [("rollout", found["rollout"]["sentence"])]),
        ("predictions", _predictions(found["predictions"])),
        ("labels", number(found["labels"])),
        *_automation(found["automation"]),
        *_alerts(found["alerts"]),
        ("waits for", found["waits_for"]),
    ]
    return [Facts(facts), _wheel(found["wheel"]), Hint(found["next"])]


_STYLES: dict[str, Callable[[str], Cell]] = {"pass": good, "champion": good, "open": warn, "challenger": warn, "fail": bad}


def _wheel(cells: list[dict[str, Any]]) -> Table:
    """Seven lines: the state in words, one figure, and what needs a person or is waited for."""
    rows = []
    for cell in cells:
        told = warn(f"needs attention: {cell['attention']}") if cell["attention"] else f"waits for {cell['waits']}" if cell["waits"] else ""
        rows.append((cell["stage"], _STYLES.get(cell["tone"], dim)(cell["state"]), cell["figure"] or "", told))
    return Table(["wheel", "state", "figure", ""], rows)


def _automation(found: dict[str, Any]) -> list[tuple[str, Cell]]:
    if found["paused"] is not None:
        return [("automation", warn(f"paused {found['paused']}"))]
    return [] if found["last"] is None else [("decided", f"{moment(found['last']['at'])}: {found['last']['sentence']}")]


def _alerts(found: list[dict[str, Any]]) -> list[tuple[str, Cell]]:
    """The worst one; where there is none, nothing is said."""
    from volant.monitoring.alert_text import one_line

    if not found:
        return []
    worst = found[0]
    more = "" if len(found) == 1 else f", and {len(found) - 1} more"
    text = f"{worst['severity']}: {one_line(worst['sentence'], 160)} (volant alerts{more})"
    return [("alert", dim(text) if worst["acknowledged_by"] else warn(text))]


def _data(data: dict[str, Any] | None) -> Cell:
    if data is None:
        return dim("nothing frozen yet")
    return f"@{data['version']}, {counted(data['rows'], 'row')} from the {data['origin']}, {moment(data['at'])}"


def _newest(found: dict[str, Any]) -> Cell:
    newest, champion = found["newest"], found["champion"]
    if newest is not None and champion is not None and newest["version"] == champion["version"]:
        return "the champion"
    return _version(found, newest)


def _version(found: dict[str, Any], version: dict[str, Any] | None) -> Cell:
    if version is None:
        return dim("none")
    value = number(version["metrics"].get(found["metric"]))
    text = f"{found['project']}@{version['version']} {version['state']}, {found['metric_label']} {value}"
    if version["gate"] is not None:
        text += f", gate {verdict(version['gate']).text}"
    if version["against_champion"] is not None:
        against = version["against_champion"]
        text += f", {signed(against['difference'])} {interval(against['low'], against['high'])} against {against['other']}"
    return text


def _predictions(counts: dict[str, int]) -> str:
    return f"{counts['sealed'] + counts['open']:,} logged ({counts['open']:,} not yet sealed)"
