"""Options of the cold connector."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class ColdConfig(BaseModel):
    """`type: cold` in topologies.yaml; one process."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str = Field("cold-requests", description="topic of requests, which the stage vee writes")
    warehouse: str = Field(
        "warehouse", description="sink of type clickhouse that takes readings, determinants and the requests"
    )
    gather_secs: float = Field(
        5.0, ge=0, le=3600, description="how long it waits for more requests of the same days before it answers"
    )
    most_points: int = Field(200, ge=1, le=10_000, description="service points whose days are judged at once")
    history_days: int = Field(
        0,
        ge=0,
        le=400,
        description="days of readings before a day by which the lane estimates what still lacks in it, with the facts "
        "that the warehouse has: check meters, temperatures, neighbours (docs/cold.md); 56 is a good choice. 0: it is "
        "estimated as in the hot window",
    )
    temperature_place: str = Field(
        "",
        description="place of the facts TEMPERATURE that are of every service point for which there are none of its "
        "own or of a node above it; empty: none",
    )
    back_off_secs: float = Field(
        60.0, gt=0, le=3600, description="longest pause between two tries while warehouse or broker are away"
    )
