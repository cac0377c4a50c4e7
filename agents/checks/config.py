"""Options of the checks stage."""

from __future__ import annotations

from copy import copy
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from agents.vee.config import VeeConfig
from pipeline.localtime import OFFSETS, known_zone

MOST_DAYS = 62


def _of_vee(name: str) -> Any:
    """An option that the stage `vee` has too, and with the same value."""
    return copy(VeeConfig.model_fields[name])


class ChecksConfig(BaseModel):
    """What `checks:` in a topology file may say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    timezone: str = Field("Asia/Kolkata", description="Zone of local days; one without summer time.")
    check_tolerance_permille: int = _of_vee("check_tolerance_permille")
    late_days: int = Field(
        16, ge=3, le=MOST_DAYS, description="Local days back that energies of either meter are still compared."
    )
    utility: str | None = _of_vee("utility")
    tariff_categories: dict[int, str] = _of_vee("tariff_categories")
    paise_per_kwh: int = Field(
        700, ge=0, description="What a kilowatt-hour at stake is worth, to sort by: an average billing rate."
    )

    _known_zone = field_validator("timezone")(known_zone)

    @property
    def offset_secs(self) -> int:
        """Local time less UTC."""
        return OFFSETS[self.timezone]
