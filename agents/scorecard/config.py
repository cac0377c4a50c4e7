"""Options of the scorecard stage."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from pipeline.localtime import DAY_SECS, OFFSETS, known_zone

PLACE_SECS = 1800
"""Length of a place of a window; meters of shorter intervals have fewer days in it."""

PART_PLACES = DAY_SECS // PLACE_SECS
"""A window is kept in parts of so many places."""

BEFORE_DAYS = 3
"""Days that a window must have before the day that is tried, at least."""


class ScorecardConfig(BaseModel):
    """What `scorecard:` in a topology file may say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    timezone: str = Field("Asia/Kolkata", description="Zone of local days; one without summer time.")
    hot_days: int = Field(3, ge=2, le=8, description="Local days that late frames can still change, as of vee.")
    linear_secs: int = Field(7200, ge=0, description="Longest gap that vee draws a line through, as of vee.")
    days: int = Field(
        21, ge=10, le=64, description="Local days of half-hourly intervals kept of each sampled service point."
    )
    sample_permille: int = Field(
        3,
        ge=0,
        le=1000,
        description="Share of the service points that are sampled, by hash: each takes 5 to 7 kB, so 3 are some "
        "20 octets a service point over all.",
    )
    masks_per_tick: int = Field(
        2000, ge=4, description="Most gaps that are tried at the end of a local day, in each partition."
    )
    half_days: int = Field(30, ge=1, description="Sums are halved every so many local days, so that they follow.")
    enough_gaps: int = Field(100, ge=1, description="Gaps from which on a score is called known.")

    _known_zone = field_validator("timezone")(known_zone)

    @model_validator(mode="after")
    def _long_enough(self) -> ScorecardConfig:
        if self.days < self.least_days:
            raise ValueError(f"days: use {self.least_days} or more, with hot_days {self.hot_days}")
        return self

    @property
    def least_days(self) -> int:
        """Days of a window: those that may still change, those that the last settlement goes by, and some before."""
        return 2 * self.hot_days + BEFORE_DAYS

    @property
    def places(self) -> int:
        """Intervals of a window."""
        return self.days * PART_PLACES

    @property
    def offset_secs(self) -> int:
        """Local time less UTC."""
        return OFFSETS[self.timezone]
