"""Options of the node-energy stage."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class NodesConfig(BaseModel):
    """What `nodes:` in a topology file may say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    partitions: int = Field(12, ge=1, description="Partitions of the topic that losses reads.")
    interval_secs: Literal[900, 1800] = Field(
        1800,
        description="Length of a balance: the longest interval of the meters, so that both of its sides cover the same "
        "time. Readings of shorter intervals are added up to it.",
    )
    max_pending: int = Field(
        500_000, ge=1, description="Sums kept for the next tick; above it they are sent without waiting for one."
    )
