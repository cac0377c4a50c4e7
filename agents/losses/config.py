"""Options of the losses stage."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pipeline.localtime import known_zone


class LossesConfig(BaseModel):
    """What `losses:` in a topology file may say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sources: int = Field(12, ge=1, description="Partitions of the frames topic: a balance waits for all of them.")
    timezone: str = Field("Asia/Kolkata", description="Zone of local days.")
    hot_days: int = Field(3, ge=1, le=60, description="Days that readings can still change; the same as in `vee`.")
    method: Literal["net"] = Field(
        "net", description="net: a consumer's or meter's export is taken off its import on either side of the balance."
    )

    _known_zone = field_validator("timezone")(known_zone)
