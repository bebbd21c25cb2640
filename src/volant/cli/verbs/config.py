"""``volant config``."""

from typing import Any

import click

from volant.cli.blocks import Block, Cell, Table, Text, dim, good
from volant.cli.session import Answer, Session, json_text
from volant.cli.verb import verb


@verb("show", example="volant config show --origin")
@click.option("--origin", is_flag=True, help="Where each value came from.")
def show(session: Session, *, origin: bool) -> Answer:
    """Everything in effect, in canonical form, defaults included."""
    from volant.config.dump import dump_project, flow
    from volant.config.load import load_with_origins, values_in_effect
    from volant.wiring.project import CONFIG_FILE, find_root

    root = find_root(session.folder)
    loaded = load_with_origins(root / CONFIG_FILE, session.environment)
    values = values_in_effect(loaded)
    found = {"file": str(root / CONFIG_FILE), "values": [{"key": key, "value": value, "origin": where} for key, value, where in values]}
    if not origin:
        return Answer(found, [Text(dump_project(loaded.config).rstrip("\n"))])
    rows: list[list[Cell]] = [[key, flow(value), dim(where)] for key, value, where in values]
    return Answer(found, [Table(["key", "value", "from"], rows)])


@verb("validate", example="volant config validate")
def validate(session: Session) -> Answer:
    """Whether volant.yaml can be used, whether the files that it names are there, whether business metrics fit the columns, and
    whether release.steps end before the next retrain by the clock, where it is known how fast rows come.
    """
    from volant.config.load import load_project
    from volant.deployments.pace import check_pace, declared_pace
    from volant.kernel.errors import NotFoundError
    from volant.wiring.measures import check_measures
    from volant.wiring.pace import pace_of
    from volant.wiring.project import CONFIG_FILE, STATE_FOLDER, find_root

    root = find_root(session.folder)
    config = load_project(root / CONFIG_FILE, session.environment)
    named = {"data.source": config.data.source, "train.pipeline": config.train.pipeline, "data.contract": config.data.contract}
    for key, name in named.items():
        if name is not None and not (root / name).expanduser().exists():
            raise NotFoundError(
                f"{key} names {name}, which is not there.", found=f"nothing at {root / name}", next_step=f"set {key}", field=key
            )
    check_measures(config, root, session.project if (root / STATE_FOLDER).is_dir() else None)
    check_pace(config, pace_of(session.project) if (root / STATE_FOLDER).is_dir() else declared_pace(config))
    value: dict[str, Any] = {"file": str(root / CONFIG_FILE), "valid": True}
    blocks: list[Block] = [Text(good(f"{CONFIG_FILE} can be used"))]
    return Answer(value, blocks)


@verb("schema", example="volant config schema > volant.schema.json", project=False)
def schema(session: Session) -> int:
    """The keys of volant.yaml as JSON Schema (draft 2020-12), for editors."""
    from volant.config.schema import project_schema

    session.out.write(json_text(project_schema()))
    return 0
