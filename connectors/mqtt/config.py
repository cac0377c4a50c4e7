"""Options of the MQTT subscriber."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from connectors.gather.config import GatherOptions


class MqttConfig(BaseModel):
    """`type: mqtt` in topologies.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(
        "mqtt://127.0.0.1:1883", description="broker: mqtt://[user:password@]host:port", pattern=r"^mqtt://"
    )
    topics: list[str] = Field(
        default_factory=lambda: ["meters/+/push"],
        min_length=1,
        description="topic filters; a level that is 16 hexadecimal digits names the device",
    )
    group: str = Field("kvarn", description="shared subscription; its processes share the messages")
    client: str = Field("kvarn-mqtt-1", description="client id; its session outlives a restart, one id a process")
    in_flight: int = Field(2000, ge=1, le=65_535, description="unacknowledged messages that the broker may have out")
    session_secs: int = Field(86_400, ge=0, description="how long the broker keeps the session of an absent client")
    reconnect_secs: float = Field(1.0, gt=0, description="wait before connecting again; doubled up to 30 s")
    gather: GatherOptions = Field(default_factory=GatherOptions, description="batching and its bounds")
