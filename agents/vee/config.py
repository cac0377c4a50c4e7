"""What a topology may say about VEE.

Energies are in billed watt-hours (times the multiplying factor) of one interval, times in seconds.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from pipeline.localtime import DAY_SECS, OFFSETS, known_zone

SLOTS = (600, 900, 1800, 3600)
"""Lengths that a place of the hot window may have."""


class Thresholds(BaseModel):
    """What the rules of `pipeline.codes.RULES` and the estimates go by; a document `rules/*.yaml` may say it too."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    grid_tolerance_secs: int = Field(
        300,
        ge=0,
        le=449,
        description="V03: a stamp this close to the interval grid is moved to it; beyond, the row's energy is shared "
        "out by time (docs/clocks.md).",
    )
    future_slack_secs: int = Field(
        600, ge=0, le=3600, description="V06: a stamp may be one interval and this much ahead of the last tick."
    )
    range_percent: int = Field(
        120, ge=100, le=1000, description="V09: share of the registry's physical limit that an interval may reach."
    )
    spike_ratio_percent: int = Field(
        180, ge=1, le=10_000, description="V14: how far the highest interval may stand above the third highest."
    )
    spike_floor_wh: int = Field(500, ge=0, description="V14: an interval of no more than this is no spike.")
    linear_secs: int = Field(
        7200, ge=0, le=DAY_SECS, description="E03: longest gap that a line between its two neighbours fills."
    )
    sum_tolerance_wh: int = Field(
        0,
        ge=0,
        description="V12: a difference of a span's intervals to its registers up to this is put on one interval; "
        "beyond, the span is scaled.",
    )


class VeeConfig(Thresholds):
    """Settings of the VEE stage."""

    timezone: str = Field("Asia/Kolkata", description="Zone of local days; one without summer time.")
    hot_days: int = Field(
        3, ge=2, le=8, description="Local days that late frames can still change, the running one included."
    )
    slot_secs: int = Field(
        1800,
        description="Length of a place in the hot window: 600, 900, 1800 or 3600. Meters of half this interval take a "
        "second set of places, meters of a multiple use some of them: choose the interval that most meters have.",
    )

    _known_zone = field_validator("timezone")(known_zone)

    @model_validator(mode="after")
    def _possible(self) -> VeeConfig:
        if self.slot_secs not in SLOTS:
            raise ValueError(f"slot_secs: use one of {', '.join(map(str, SLOTS))}")
        if self.grid_tolerance_secs * 4 >= self.slot_secs:
            raise ValueError("grid_tolerance_secs: use less than a quarter of slot_secs, so that a stamp has one place")
        return self

    @property
    def offset_secs(self) -> int:
        """Local time less UTC."""
        return OFFSETS[self.timezone]

    @property
    def slots_per_day(self) -> int:
        """Places of one local day."""
        return DAY_SECS // self.slot_secs
