"""``volant.yaml`` as JSON Schema, for editors and reviewers' tools."""

from typing import Any

from volant.config.table import PROJECT


def project_schema() -> dict[str, Any]:
    """Draft 2020-12. It states what each key takes; relations between keys are checked by the loader alone."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "volant.yaml",
        "description": "What Volant does with a project: data, training, gates, release, retraining, serving.",
        **PROJECT.schema(),
    }
