"""Options of the usage stage."""

from __future__ import annotations

from copy import copy
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from agents.vee.config import Thresholds, VeeConfig
from pipeline.localtime import OFFSETS, known_zone

JUDGED = ("V08", "V17", "V18", "V19", "V20", "V22", "V30", "V28")
"""Rules that this stage judges."""


def _same(name: str) -> Any:
    """A threshold with the default, bounds and description that it has for whole series."""
    return copy(Thresholds.model_fields[name])


def _of_vee(name: str) -> Any:
    """An option that the stage `vee` has too, and with the same value."""
    return copy(VeeConfig.model_fields[name])


class UsageConfig(BaseModel):
    """What `usage:` in a topology file may say; its thresholds are those of `agents.vee.config.Thresholds`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    timezone: str = Field("Asia/Kolkata", description="Zone of local days and months; one without summer time.")
    hot_days: int = Field(3, ge=2, le=8, description="Local days that late frames can still change, as of vee.")
    usage_high_percent: int = _same("usage_high_percent")
    usage_low_percent: int = _same("usage_low_percent")
    demand_high_percent: int = _same("demand_high_percent")
    demand_low_percent: int = _same("demand_low_percent")
    audit_high_percent: int = _same("audit_high_percent")
    audit_low_percent: int = _same("audit_low_percent")
    peak_change_percent: int = _same("peak_change_percent")
    estimated_bills: int = _same("estimated_bills")
    register_change_percent: int = _same("register_change_percent")
    demand_tolerance_permille: int = _same("demand_tolerance_permille")
    demand_secs: int = Field(
        0,
        ge=0,
        le=3600,
        description="V28: seconds over which the meters' maximum demand is integrated; 0: it is not judged. Takes 6 "
        "octets of state for every service point.",
    )
    utility: str | None = _of_vee("utility")
    tariff_categories: dict[int, str] = _of_vee("tariff_categories")
    without: tuple[str, ...] = Field((), description=f"Rules that are not judged, of {', '.join(JUDGED)}.")
    paise_per_kwh: int = Field(
        700, ge=0, description="What a kilowatt-hour at stake is worth, to sort by: an average billing rate."
    )

    _known_zone = field_validator("timezone")(known_zone)

    @field_validator("without")
    @classmethod
    def _rules(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        unknown = sorted(set(codes) - set(JUDGED))
        if unknown:
            raise ValueError(f"{', '.join(unknown)}: not judged here; use some of {', '.join(JUDGED)}")
        return codes

    @staticmethod
    def place_of(code: str) -> int:
        """Bit of a rule in `rules` of the limits."""
        return JUDGED.index(code)

    @property
    def offset_secs(self) -> int:
        """Local time less UTC."""
        return OFFSETS[self.timezone]
