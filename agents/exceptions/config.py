"""Options of the exceptions stage."""

from __future__ import annotations

from copy import copy
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from agents.vee.config import Thresholds
from pipeline.localtime import OFFSETS, known_zone
from pipeline.rules import RULE_BY_CODE

WINDOW = 8
"""Local days back that a change of a day is followed: the longest hot window."""
LONGEST_RUN = 60


def _same(name: str) -> Any:
    """A threshold with the default, bounds and description that it has for whole series."""
    return copy(Thresholds.model_fields[name])


class ExceptionsConfig(BaseModel):
    """What `exceptions:` in a topology file may say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    timezone: str = Field("Asia/Kolkata", description="Zone of local days; one without summer time.")
    hot_days: int = Field(3, ge=2, le=WINDOW, description="Local days that late frames can still change, as of vee.")
    missing_percent: int = Field(
        25, ge=0, le=100, description="V01: an exception when more than this share of a day's intervals did not come."
    )
    sum_tolerance_wh: int = Field(100, ge=0, description="V12: energy of a day that may stay unexplained, at least.")
    sum_tolerance_permille: int = Field(
        5, ge=0, le=1000, description="V12: and this share of the day's register difference."
    )
    zero_days: int = Field(7, ge=1, le=LONGEST_RUN, description="V23: days without any use in a row.")
    zero_days_industry: int = Field(
        1, ge=1, le=LONGEST_RUN, description="V23: the same of a commercial or industrial service point."
    )
    industry_tariffs: tuple[int, ...] = Field(
        (),
        description="V23: numbers of tariffs in the registry whose service points are commercial or industrial.",
    )
    estimated_days: int = Field(
        0,
        ge=0,
        le=LONGEST_RUN,
        description="V30: days in a row of which no interval came; 0: not judged here but by months, in `usage`.",
    )
    inactive_tolerance_wh: int = _same("inactive_tolerance_wh")
    final_change_permille: int = _same("final_change_permille")
    without: tuple[str, ...] = Field((), description="Codes of rules that make no exceptions.")
    paise_per_kwh: int = Field(
        700, ge=0, description="What a kilowatt-hour at stake is worth, to sort by: an average billing rate."
    )

    _known_zone = field_validator("timezone")(known_zone)

    @field_validator("without")
    @classmethod
    def _rules(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        unknown = sorted(set(codes) - set(RULE_BY_CODE))
        if unknown:
            raise ValueError(f"{', '.join(unknown)}: no such rule; docs/reference/rules.md lists them")
        return codes

    @property
    def offset_secs(self) -> int:
        """Local time less UTC."""
        return OFFSETS[self.timezone]
