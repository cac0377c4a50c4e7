"""Options of the connector of facts."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator

from connectors.gather.config import GatherOptions
from pipeline.localtime import OFFSETS, known_zone


class FactsConfig(BaseModel):
    """`type: facts` in topologies.yaml: outages and check meters become statements of their service points.

    One process of a group; the topic has one partition, since the order of all outages counts.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str = Field("facts", description="topic of facts, with one partition")
    group: str = Field("kvarn-facts", min_length=1, description="consumer group")
    open_hours: int = Field(72, ge=1, le=8760, description="how long an outage counts that nobody has ended, from its "
                            "begin; when its end comes it holds")  # fmt: skip
    checks: bool = Field(True, description="tell energies of check meters to the stage `checks`, which judges V34")
    timezone: str = Field("Asia/Kolkata", description="zone of local days, as of the stage `checks`")
    gather: GatherOptions = Field(default_factory=lambda: GatherOptions(), description="batching and its bounds")

    _known_zone = field_validator("timezone")(known_zone)

    @property
    def offset_secs(self) -> int:
        """Local time less UTC."""
        return OFFSETS[self.timezone]
