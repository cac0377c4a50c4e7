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

    balance_tolerance_permille: int = Field(
        0,
        ge=0,
        le=1000,
        description="V35: share of a day's input by which more may flow out of a node than in; 0: the rule is not "
        "judged. What fails goes to the output `exceptions`.",
    )
    technical_loss_permille: int = Field(
        150, ge=0, le=1000, description="V35: share of a day's input that lines and transformers may lose, beside that."
    )
    balance_coverage_permille: int = Field(
        950, ge=0, le=1000, description="V35: share of a day's intervals that must have come, on either side."
    )
    paise_per_kwh: int = Field(
        700, ge=0, description="What a kilowatt-hour at stake is worth, to sort by: an average billing rate."
    )

    _known_zone = field_validator("timezone")(known_zone)
