"""Options of the connector of edits."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from connectors.gather.config import GatherOptions
from pipeline.localtime import zone_of_tz


class EditsConfig(BaseModel):
    """`type: edits` in topologies.yaml; more processes of one group share the topic's partitions."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str = Field("edits", description="topic of edits; it is read from its start, and answers are written to it")
    group: str = Field("kvarn-edits", min_length=1, description="consumer group")
    approval: Literal["none", "second_person"] = Field(
        "none", description="second_person: an edit holds once another person than its author has approved it"
    )
    approve_above_wh: int = Field(
        0, ge=0, description="with second_person: edits of at most so much energy hold at once; 0: none does. An "
        "interval counts with the largest of its values, one that is discarded or withdrawn with the most that its "
        "meter can pass",
    )  # fmt: skip
    approvers: tuple[str, ...] = Field((), description="who may approve and refuse; empty: everybody but the author")
    most_intervals: int = Field(3000, ge=1, le=100_000, description="intervals of an edit at most")
    timezone: str = Field("Asia/Kolkata", description="zone in which the intervals of a day are counted")
    gather: GatherOptions = Field(default_factory=lambda: GatherOptions(), description="batching and its bounds")

    _known_zone = field_validator("timezone")(zone_of_tz)

    @model_validator(mode="after")
    def _possible(self) -> EditsConfig:
        if self.approval == "none" and (self.approve_above_wh or self.approvers):
            raise ValueError("approve_above_wh, approvers: say `approval: second_person` too")
        return self
