"""Options of the parked-frames connector."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from connectors.gather.config import GatherOptions


class ParkedConfig(BaseModel):
    """`type: parked` in topologies.yaml; one process."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str = Field("parked", description="topic of parked frames")
    rejects_from: str | None = Field(
        None,
        description="topic of rejects: frames that were refused for want of a key, a template or a link are offered "
        "again by themselves when the keys or the registry in force change for their device; the process needs the key "
        "folder and the master key as workers do. null: that is left to `kvarn rejects requeue`",
    )
    look_secs: float = Field(30.0, gt=0, description="how often it asks which versions the workers have in force")
    gather: GatherOptions = Field(default_factory=GatherOptions, description="batching and its bounds")
