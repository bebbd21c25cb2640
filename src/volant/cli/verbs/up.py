"""``volant up``."""

import sys
from typing import TYPE_CHECKING

import click

from volant.cli.blocks import Block, Facts, Hint, Text, good, strong, warn
from volant.cli.session import Answer, Session
from volant.cli.verb import names, verb

if TYPE_CHECKING:
    from volant.server.run import Started


@verb("up", example="volant up --port 8080")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; others than this machine's own need tokens.")
@click.option("--port", type=int, default=8080, show_default=True, help="Port of API, pages and forwarded predictions; 0 for any free one.")
@click.option("--worker-port", type=int, default=0, help="Port of the model's worker, which answers fastest (default: any free one).")
@click.option("--require-token", is_flag=True, help="Ask for tokens on this machine too.")
@click.option(
    "--allow-host", "allow_hosts", metavar="NAMES", multiple=True, callback=names, help="Other names under which it may be asked."
)
def up(session: Session, host: str, port: int, worker_port: int, allow_hosts: tuple[str, ...], *, require_token: bool) -> int:
    """Serve until Ctrl-C: predictions (/invocations, /v2), labels, the API and the pages, on one port.

    Without a champion it starts, answers predictions with 503 and names the command that lets a version out. It follows
    approvals made elsewhere, starts its worker again when that dies, and seals the log.
    """
    from volant.server.run import serve
    from volant.web.pages import error_page, routes

    project = session.project
    serve(
        project,
        host=host,
        port=port,
        worker_port=worker_port,
        pages=routes(project),
        error_page=error_page(project),
        require_token=require_token,
        allow_hosts=allow_hosts,
        on_ready=lambda started: session.show("volant.up/1", _started(session, started)),
    )
    return 0


def _started(session: Session, started: "Started") -> Answer:
    from volant.config.alert_lines import unset
    from volant.kernel.codec import plain
    from volant.kernel.steered_clock import VARIABLE

    project = session.project
    champion = project.registry.state(project.name).champion
    model = good(f"{project.name}@{champion}") if champion is not None else warn("nothing yet: predictions answer 503")
    blocks: list[Block] = [
        Text(strong(f"{project.name} is served at {started.url}")),
        Facts([("model", model), ("predictions", f"{started.worker_url}/invocations"), ("pages", started.url)]),
    ]
    if steered := session.environment.get(VARIABLE):
        blocks.append(Text(warn(f"time is not real: it is read from {steered}")))
    if not started.leads:
        blocks.append(Text(warn(f"another server decides for this project ({started.leader}); this one serves")))
    missing = unset(project.config.watch.alerts, project.environment)
    if missing:
        blocks.append(Text(warn(f"alerts will not reach every target: {', '.join(missing)} not set")))
    if champion is None:
        blocks.append(Hint('volant run, then volant approve VERSION --reason "..."'))
    elif sys.stdout.isatty():
        blocks.append(Hint("Ctrl-C stops it"))
    return Answer({**plain(started), "champion": champion, "unset": list(missing)}, blocks)
