"""Options of the DLMS push listener."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from connectors.gather.config import GatherOptions


class DlmsConfig(BaseModel):
    """`type: dlms` in topologies.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    listen: str = Field(
        "0.0.0.0:4059", description="address and port; 4059 is DLMS's registered port", pattern=r".+:\d+$"
    )
    udp: bool = Field(True, description="listen for datagrams on the same port too")
    connections: int = Field(10_000, ge=1, description="open connections; further ones are closed at once and counted")
    idle_secs: float = Field(900.0, gt=0, description="a silent connection is closed after this time")
    gather: GatherOptions = Field(default_factory=GatherOptions, description="batching and its bounds")
