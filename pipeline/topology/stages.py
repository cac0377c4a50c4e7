"""The stages as a topology sees them: what each reads, hands on and emits.

The steps in `agents/` declare the same outputs; a test holds the two equal. Here they are a table of names, so that a
topology can be checked and drawn without loading a kernel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Stage:
    """`reads` and `makes` are schemas of the parcel's batch before and after; `batch` is the output name of the latter.

    A stage that hands its batch on unchanged, or none, has no `batch`. `emits` maps output name to schema; of an output
    that is made only where an option is set, `optional` has the option.
    """

    name: str
    reads: str
    makes: str | None
    batch: str | None
    emits: Mapping[str, str] = field(default_factory=dict)
    doc: str = ""
    optional: Mapping[str, str] = field(default_factory=dict)


STAGES: dict[str, Stage] = {
    stage.name: stage
    for stage in (
        Stage(
            "decode",
            "FrameBatch",
            "DecodedBatch",
            "decoded",
            {"events": "Event", "profile_rows": "ProfileRow", "exceptions": "ReadingException", "rejects": "Reject"},
            "unframe, decrypt and read the frames",
            {"exceptions": "judge_profiles"},
        ),
        Stage(
            "vee",
            "DecodedBatch",
            "ReadingBatch",
            "readings",
            {"cold_requests": "ColdRequest", "rejects": "Reject"},
            "validate, estimate and settle the readings",
            {"cold_requests": "cold_days"},
        ),
        Stage(
            "rating",
            "ReadingBatch",
            "ReadingBatch",
            None,
            {"determinants": "Determinant", "rejects": "Reject"},
            "make billing determinants and money",
        ),
        Stage(
            "nodes",
            "ReadingBatch",
            "ReadingBatch",
            None,
            {"node_energy": "NodeEnergy"},
            "sum energy by network node",
        ),
        Stage(
            "usage",
            "ReadingBatch",
            "ReadingBatch",
            None,
            {"exceptions": "ReadingException"},
            "judge the use of months",
        ),
        Stage(
            "checks",
            "ReadingBatch",
            "ReadingBatch",
            None,
            {"exceptions": "ReadingException"},
            "compare main meters with their check meters",
        ),
        Stage(
            "exceptions",
            "ReadingBatch",
            "ReadingBatch",
            None,
            {"exceptions": "ReadingException"},
            "queue what somebody should look at",
        ),
        Stage(
            "scorecard",
            "ReadingBatch",
            "ReadingBatch",
            None,
            {"estimate_scores": "EstimateScore"},
            "measure how far estimates are off",
        ),
        Stage(
            "losses",
            "NodeEnergy",
            None,
            None,
            {"losses": "Loss", "exceptions": "ReadingException"},
            "balance the nodes of the network",
            {"exceptions": "balance_tolerance_permille"},
        ),
    )
}

KEYED_BY_SERVICE_POINT = ("FrameBatch", "DecodedBatch", "ReadingBatch")
"""Schemas whose records keep the partition of the frames they come from."""
