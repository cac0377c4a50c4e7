"""Options of the MQTT subscriber."""

from __future__ import annotations

from functools import cached_property
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

from connectors.gather.config import GatherOptions
from connectors.mqtt.topics import Template, overlap, parse
from connectors.payloads.config import Form, FrameMessages
from connectors.tls.config import ClientTls


class Subscription(BaseModel):
    """A topic template with options of its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    topic: str
    payload: Form | None = None


class MqttConfig(FrameMessages):
    """`type: mqtt` in topologies.yaml; more processes of one group share the messages."""

    url: str = Field(
        "mqtt://127.0.0.1:1883", description="broker: mqtt://[user:password@]host:port, or mqtts:// for TLS",
        pattern=r"^mqtts?://",
    )  # fmt: skip
    user: str = Field("", description="user at the broker; or within `url`")
    password_file: str = Field("", description="file of the user's password, readable by nobody else")
    tls: ClientTls = Field(default_factory=lambda: ClientTls(), description="files of TLS, with mqtts://")
    topics: list[str | Subscription] = Field(
        default_factory=lambda: list[str | Subscription](["meters/+/push"]),
        min_length=1,
        description="topic templates, none overlapping another: filters in which a level may be a name in braces; "
        "{device} or {meter} names the meter, and where neither stands a level of 16 hexadecimal digits does. Or "
        "{topic: template, payload: form} where the form of messages is another than `payload`",
    )
    group: str = Field(
        "kvarn", description="shared subscription; its processes share the messages", pattern=r"^[^/+#]+$"
    )
    client: str = Field("kvarn-mqtt-1", description="client id; its session outlives a restart, one id a process")
    in_flight: int = Field(2000, ge=1, le=65_535, description="unacknowledged messages that the broker may have out")
    session_secs: int = Field(86_400, ge=0, description="how long the broker keeps the session of an absent client; "
                              "what waits in it may be lost then")  # fmt: skip
    at_stop: Literal["stay", "leave"] = Field(
        "stay", description="stay: after a stop the broker keeps this client's share of the messages until it is back. "
        "leave: the share goes to the others of the group from then on, and the stop waits for what the broker had "
        "kept; with no other process messages would be lost"
    )  # fmt: skip
    reconnect_secs: float = Field(1.0, gt=0, description="wait before connecting again; doubled up to 30 s")
    gather: GatherOptions = Field(default_factory=GatherOptions, description="batching and its bounds")

    @cached_property
    def templates(self) -> list[tuple[Template, Form]]:
        """Each subscription's template, and the form of its messages."""
        rows = [Subscription(topic=row) if isinstance(row, str) else row for row in self.topics]
        return [(parse(row.topic), row.payload or self.payload) for row in rows]

    @property
    def secure(self) -> bool:
        """Whether TLS is spoken."""
        return self.url.startswith("mqtts:")

    @model_validator(mode="after")
    def _possible(self) -> MqttConfig:
        templates = [template for template, _ in self.templates]
        for place, one in enumerate(templates):
            for other in templates[place + 1 :]:
                if overlap(one, other):
                    raise ValueError(f"topics: {one.text} and {other.text} overlap: their messages would come twice")
        if self.password_file and not self.user:
            raise ValueError("password_file: say whose password it is: user")
        if self.user and urlsplit(self.url).username is not None:
            raise ValueError("user: it stands in url too")
        if not self.secure and self.tls != ClientTls():
            raise ValueError("tls: url must begin with mqtts://")
        return self
