"""Options of the ticker."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class TickerConfig(BaseModel):
    """`type: ticker` in topologies.yaml; one process a frames topic."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    every_secs: int = Field(300, ge=1, description="a tick at each multiple of this, in UTC")
    lateness_secs: int = Field(3600, ge=0, description="how long an interval stays open for what is on its way")
