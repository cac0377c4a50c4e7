"""The options of a topology file. Descriptions here are the reference page (docs/reference/topologies.md)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

TopicName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9._-]{0,200}$")]
PartName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
FOREVER = "forever"


class Strict(BaseModel):
    """Unknown keys are faults."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=False)


class TopicSpec(Strict):
    """One topic."""

    schema_: str | None = Field(
        None, alias="schema", description="name of a schema in schemas/avro; none for topics of raw bytes"
    )
    partitions: int = Field(
        12,
        ge=1,
        description="number of partitions, at most 512; never changed once there is data, for it would strand state",
    )
    retention: str = Field(
        "7d",
        pattern=r"^([1-9]\d*[smhd]|forever)$",
        description="how long Kafka keeps a record: 90s, 15m, 12h, 7d, forever",
    )
    cleanup: Literal["delete", "compact"] = Field(
        "delete", description="what Kafka does with old records: delete them, or keep the last of each key"
    )

    @property
    def retention_secs(self) -> int | None:
        """Retention in seconds; None for ever."""
        return None if self.retention == FOREVER else int(self.retention[:-1]) * SECONDS[self.retention[-1]]


@dataclass(frozen=True)
class AgentSpec:
    """One entry of `agents`: a stage, the topic it is cut at, and its own options."""

    name: str
    to: Any = None
    options: dict[str, Any] = field(default_factory=dict)


class TopologySpec(Strict):
    """One chain of stages from a topic to topics."""

    source: TopicName = Field(description="topic that the first stage reads")
    agents: list[Annotated[dict[str, dict[str, Any] | None], Field(min_length=1, max_length=1)]] = Field(
        min_length=1,
        description="stages in order, each `name: {options}`. They run fused in one worker; a stage with the option "
        "`to: <topic>` ends a worker there, and the next stage reads that topic in a worker of its own",
    )
    to: dict[str, TopicName | None] = Field(
        description="output of a stage: topic. Outputs are listed in this page; null drops the records of an output"
    )

    @property
    def stages(self) -> list[AgentSpec]:
        """The entries of `agents`, taken apart."""
        made = []
        for entry in self.agents:
            ((name, options),) = entry.items()
            own = dict(options or {})
            made.append(AgentSpec(name, own.pop("to", None), own))
        return made


class ConnectorSpec(BaseModel):
    """One connector; its further keys are the options of its type."""

    model_config = ConfigDict(extra="allow", frozen=True)

    type: str = Field(description="type of connector, see the sections of the types")
    to: TopicName = Field(description="topic of frames that it writes")
    rejects: TopicName = Field("rejects", description="topic of frames that cannot be used")
    parked: TopicName = Field("parked", description="topic of frames that wait for their device to be registered")


class SinkSpec(BaseModel):
    """One sink; its further keys are the options of its type."""

    model_config = ConfigDict(extra="allow", frozen=True, populate_by_name=False)

    type: str = Field(description="type of sink, see the sections of the types")
    from_: list[TopicName] = Field(alias="from", min_length=1, description="topics that it reads")


class KafkaSpec(Strict):
    """The Kafka cluster; the embedded run needs none."""

    bootstrap: str = Field("127.0.0.1:9092", description="addresses of brokers, host:port, separated by commas")
    schema_registry: str = Field(
        "", description="address of a schema registry (Confluent's API); empty: the ids shipped with the schemas"
    )
    replication: int = Field(
        1, ge=1, le=9, description="copies of each partition of topics that Kvarn creates; 3 on a cluster"
    )
    min_insync: int = Field(
        1, ge=1, le=9, description="copies that must have a record before it counts; 2 on a cluster"
    )


class FileSpec(Strict):
    """The whole file."""

    version: Literal[1] = Field(description="version of this format")
    application: PartName = Field(
        "kvarn", description="name of this deployment: begins its consumer groups, transactional ids and state topics"
    )
    kafka: KafkaSpec = Field(default_factory=lambda: KafkaSpec(), description="the Kafka cluster")
    topics: dict[TopicName, TopicSpec] = Field(description="topics by name")
    topologies: dict[PartName, TopologySpec] = Field(description="topologies by name")
    connectors: dict[PartName, ConnectorSpec] = Field(default_factory=dict, description="connectors by name")
    sinks: dict[PartName, SinkSpec] = Field(default_factory=dict, description="sinks by name")


SECTIONS: dict[str, type[BaseModel]] = {
    "topics": TopicSpec,
    "topologies": TopologySpec,
    "connectors": ConnectorSpec,
    "sinks": SinkSpec,
}
"""Sections whose entries are checked one by one, so that one fault does not hide the next."""

TOPIC_NAME = re.compile(r"^[a-zA-Z0-9][a-zA-Z0-9._-]{0,200}$")
PART_NAME = re.compile(r"^[a-z][a-z0-9_-]{0,62}$")
