"""Options of the connector of facts."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from connectors.gather.config import GatherOptions


class FactsConfig(BaseModel):
    """`type: facts` in topologies.yaml: outages of the topic become statements of the service points that they are of.

    One process of a group; the topic has one partition, since the order of all outages counts.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str = Field("facts", description="topic of facts, with one partition")
    group: str = Field("kvarn-facts", min_length=1, description="consumer group")
    open_hours: int = Field(72, ge=1, le=8760, description="how long an outage counts that nobody has ended, from its "
                            "begin; when its end comes it holds")  # fmt: skip
    gather: GatherOptions = Field(default_factory=lambda: GatherOptions(), description="batching and its bounds")
