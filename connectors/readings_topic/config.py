"""Options of the connector of a topic of readings."""

from __future__ import annotations

from pydantic import Field, model_validator

from connectors.gather.config import GatherOptions
from connectors.readings_in.config import ReadingsOptions


class ReadingsTopicConfig(ReadingsOptions):
    """`type: readings_topic` in topologies.yaml; more processes of one group share the topic's partitions."""

    source: str = Field("readings-in", description="topic that the head-end writes")
    group: str = Field("kvarn-readings-in", min_length=1, description="consumer group")
    gather: GatherOptions = Field(default_factory=lambda: GatherOptions(), description="batching and its bounds")

    @model_validator(mode="after")
    def _of_messages(self) -> ReadingsTopicConfig:
        if self.format in ("parquet", "suffix"):
            raise ValueError(f"format: {self.format} is for files; use a folder")
        return self
