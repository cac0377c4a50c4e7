"""How a connector gathers: when a batch is cut, and how much may wait."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from connectors.gather.gatherer import FRAME_LIMIT


class GatherOptions(BaseModel):
    """Batches are cut at the first of three limits. Reading stops while `buffer_bytes` wait for Kafka, or
    `behind_bytes` in it for the workers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    batch_frames: int = Field(40_000, ge=1, le=100_000, description="frames that cut a batch, over all partitions; "
                              "what is behind pays for each record, so that mostly the age cuts")  # fmt: skip
    batch_bytes: int = Field(4_000_000, ge=10_000, description="bytes that cut a batch, over all partitions")
    batch_age_ms: int = Field(100, ge=1, le=60_000, description="age of the oldest frame that cuts a batch")
    buffer_bytes: int = Field(64_000_000, ge=100_000, description="bytes not yet acknowledged by Kafka at which "
                              "reading from meters stops")  # fmt: skip
    behind_bytes: int = Field(20_000_000_000, ge=0, description="bytes in the topic of frames that its slowest reader "
                              "has not committed, as far as can be judged, at which reading from meters stops until "
                              "half of them are left; 0: never. Choose less than Kafka keeps, for retention deletes "
                              "what is unread too")  # fmt: skip
    frame_bytes: int = Field(FRAME_LIMIT, ge=64, le=65_536, description="longest APDU that is believed")
