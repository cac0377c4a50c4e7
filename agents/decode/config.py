"""What a topology may say about decode."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

IST_OFFSET_SECS = 19_800


class DecodeConfig(BaseModel):
    """Settings of the decode stage."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    counter: Literal["window", "strict"] = Field(
        "window",
        description="Invocation counters: `window` takes an unseen one of the last 256 and flags it; `strict` takes "
        "only a counter above the newest.",
    )
    plain: bool = Field(True, description="Take frames without ciphering (flag PLAIN); false rejects them.")
    unauthenticated: bool = Field(
        True, description="Take frames that are encrypted without a tag (security control 20); false rejects them."
    )
    key_overlap_secs: int = Field(
        604_800,
        ge=0,
        le=366 * 86_400,
        description="So near an exchange of a meter's keys (`valid_from` in `keys.csv`) a frame whose tag does not fit "
        "is tried with the key on the other side of it too; 0 never. Meters take a new key when they are told to, and "
        "send afterwards what they had queued under the former one.",
    )
    clock_offset_secs: int = Field(
        IST_OFFSET_SECS,
        ge=-86_400,
        le=86_400,
        description="Wall clock of the meters, seconds ahead of UTC; Asia/Kolkata has no daylight saving time.",
    )
    zero_deviation_is_utc: bool = Field(
        True, description="A clock deviation of 0 means that the stamp is UTC; false takes the wall clock here too."
    )
    single_octets: int = Field(
        2_097_152,
        ge=0,
        description="Octets of frames of a record that the decoder for single frames may read where kernels cannot, "
        "eightfold those of frames that it refuses; 0 leaves all such frames to `rejects`.",
    )
    clock_drift_secs: int = Field(
        300,
        ge=0,
        le=32_000,
        description="A meter's own clock that is further than this from the time of arrival raises an event and flags "
        "the meter's rows CLOCK_DOUBTFUL; 0 measures nothing.",
    )
    clock_drift_pushes: int = Field(
        8, ge=2, le=255, description="A clock is said to be behind, or right again, after so many pushes at least."
    )
    clock_drift_span_secs: int = Field(
        86_400, ge=0, le=30 * 86_400, description="And when these pushes arrived over at least so long a time."
    )
    judge_profiles: bool = Field(
        False,
        description="Judge what meters say of themselves: transformer ratios of nameplates against the registry (V31), "
        "zone registers of billing rows against the total (V13). What fails goes to the output `exceptions`.",
    )
    zone_tolerance_wh: int = Field(
        100, ge=0, description="V13: how far the registers of the tariff zones may be from the total register."
    )
    paise_per_kwh: int = Field(
        700, ge=0, description="What a kilowatt-hour at stake is worth, to sort by: an average billing rate."
    )
    frame_limit: int = Field(65_535, ge=64, le=65_535, description="Longest frame that is looked at, octets.")
