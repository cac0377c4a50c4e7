"""Options of the DLMS push listener."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator

from connectors.gather.config import GatherOptions
from connectors.tls.config import ServerTls


class DlmsConfig(BaseModel):
    """`type: dlms` in topologies.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    listen: str = Field(
        "0.0.0.0:4059", description="address and port; 4059 is DLMS's registered port", pattern=r".+:\d+$"
    )
    udp: bool = Field(True, description="listen for datagrams on the same port too; not with `tls`")
    tls: ServerTls = Field(default_factory=lambda: ServerTls(), description="TLS instead of plain TCP")
    connections: int = Field(10_000, ge=1, description="open connections; further ones are closed at once and counted. "
                             "Each is an open file, and the process raises its own limit as far as it may")  # fmt: skip
    connections_per_peer: int = Field(0, ge=0, description="of these, from one address; 0: no bound. Many meters may "
                                      "come from the one address of their gateway")  # fmt: skip
    idle_secs: float = Field(900.0, gt=0, description="a silent connection is closed after this time")
    frame_secs: float = Field(60.0, gt=0, description="a connection that has begun a frame and not finished it after "
                              "this time is closed, and what came of it put aside")  # fmt: skip
    handshake_secs: float = Field(20.0, gt=0, description="longest TLS handshake")
    gather: GatherOptions = Field(default_factory=GatherOptions, description="batching and its bounds")

    @model_validator(mode="after")
    def _nothing_plain(self) -> DlmsConfig:
        if self.tls.on and self.udp:
            raise ValueError("udp: set it to false beside tls: datagrams would be plain")
        return self
