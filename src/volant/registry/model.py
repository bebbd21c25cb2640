"""Values of the registry: versions are facts, their release is a life (events of ``model/NAME``)."""

from enum import StrEnum

from volant.kernel.codec import Value


class ModelVersion(Value, frozen=True, kw_only=True):
    """A registered package. ``number`` counts from 1 per model; the row never changes."""

    model: str
    number: int
    package: str
    run_id: str
    run_revision: int
    dataset: str
    dataset_version: int
    pipeline: str  # digest of the pipeline code
    policy: str  # object: the volant.yaml it was made under
    metrics: dict[str, float]
    trained_rows: int
    trained_until_us: int | None  # latest known_at among the rows it learned from
    trained_rows_digest: str | None  # object: sorted 64-bit row fingerprints it learned from
    registered_at: int
    gate: str | None = None  # the report at registration


class VersionState(StrEnum):
    """Where a version stands."""

    REGISTERED = "registered"  # gate failed or undecided; may be approved with an override
    PROPOSED = "proposed"  # gate passed, waits for a person
    CHAMPION = "champion"
    RETIRED = "retired"  # was champion
    REJECTED = "rejected"
    ROLLED_BACK = "rolled_back"  # was champion, and was taken back


class ModelState(Value, frozen=True, kw_only=True):
    """A model's release state, folded from its events. ``epoch`` counts champion changes."""

    model: str
    seq: int = 0
    versions: dict[int, VersionState] = {}
    champion: int | None = None
    previous: int | None = None
    epoch: int = 0
