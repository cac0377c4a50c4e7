"""Options of the connector of a topic of frames."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from connectors.gather.config import GatherOptions
from connectors.payloads.config import FrameMessages
from connectors.tls.config import ClientTls

Protocol = Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"]


class Security(BaseModel):
    """How the other cluster is talked with."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    protocol: Protocol = Field("plaintext", description="as the cluster's listener wants it")
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="of SASL; PLAIN only with sasl_ssl"
    )
    user: str = Field("", description="of SASL")
    password_file: str = Field("", description="file of the user's password, readable by nobody else")

    @property
    def sasl(self) -> bool:
        """Whether a user is named."""
        return self.protocol.startswith("sasl")

    @property
    def secure(self) -> bool:
        """Whether TLS is spoken."""
        return self.protocol.endswith("ssl")

    @model_validator(mode="after")
    def _whole(self) -> Security:
        if self.sasl != bool(self.user and self.password_file):
            raise ValueError("user, password_file: give both with sasl_plaintext or sasl_ssl, and none without")
        if self.protocol == "sasl_plaintext" and self.mechanism == "PLAIN":
            raise ValueError("mechanism: PLAIN would send the password readable: choose sasl_ssl, or SCRAM")
        return self


class FramesTopicConfig(FrameMessages):
    """`type: frames_topic` in topologies.yaml; more processes of one group share the topic's partitions."""

    bootstrap: str = Field("", description="brokers of the cluster with the topic; empty: the deployment's own Kafka")
    topic: str = Field(min_length=1, description="topic that the head-end writes and makes; Kvarn does not make it")
    group: str = Field("kvarn-frames-in", min_length=1, description="consumer group")
    start: Literal["earliest", "latest"] = Field(
        "earliest", description="where a group begins that has committed nothing"
    )
    security: Security = Field(default_factory=lambda: Security(), description="of the other cluster")
    tls: ClientTls = Field(default_factory=lambda: ClientTls(), description="files of TLS, with ssl or sasl_ssl")
    named_by: Literal["frame", "key", "header"] = Field(
        "frame", description="what names the meter where its frame does not: nothing (but JSON may), the message's "
        "key, or its header `header`; eight octets that are no name are a system title"
    )  # fmt: skip
    header: str = Field("device", min_length=1, description="header that names the meter")
    gather: GatherOptions = Field(default_factory=lambda: GatherOptions(), description="batching and its bounds")

    @model_validator(mode="after")
    def _possible(self) -> FramesTopicConfig:
        if self.tls != ClientTls() and not self.security.secure:
            raise ValueError("tls: security.protocol must be ssl or sasl_ssl")
        if self.security != Security() and not self.bootstrap:
            raise ValueError("security: it is of the cluster of `bootstrap`: name that")
        return self
