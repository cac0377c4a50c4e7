"""Options of the rating stage."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pipeline.localtime import known_zone


class RatingConfig(BaseModel):
    """What `rating:` in a topology file may say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    timezone: str = Field("Asia/Kolkata", description="Zone of local days and billing months.")
    hot_days: int = Field(
        3,
        ge=1,
        le=8,
        description="Local days that readings can still change, the same as in `vee`.",
    )
    tariffs: tuple[str, ...] = Field(
        ("msedcl-lt1b-2020",),
        description="Shipped tariffs; a document `tariffs/*.yaml` with the same number takes the place of one.",
    )
    month_to_date: bool = Field(
        True, description="Revise the running month's determinant whenever a day is settled, not at its end only."
    )
    network_meters: bool = Field(
        False, description="Make determinants for transformer and feeder meters as well; nobody is billed for them."
    )

    _known_zone = field_validator("timezone")(known_zone)
