"""Options of the connector of a topic of readings."""

from __future__ import annotations

from pydantic import Field

from connectors.gather.config import GatherOptions
from connectors.readings_in.config import ReadingsOptions


class ReadingsTopicConfig(ReadingsOptions):
    """`type: readings_topic` in topologies.yaml; more processes of one group share the topic's partitions."""

    source: str = Field("readings-in", description="topic that the head-end writes")
    group: str = Field("kvarn-readings-in", min_length=1, description="consumer group")
    gather: GatherOptions = Field(default_factory=lambda: GatherOptions(), description="batching and its bounds")
