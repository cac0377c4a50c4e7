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
    clock_tolerance_secs: int = Field(
        300, ge=0, le=DAY_SECS, description="V05: how far a meter's clock may be from the server's."
    )
    too_old_days: int = Field(
        35, ge=1, le=36_500, description="V06: a reading of a file may be this much older than the day it was captured."
    )
    testing: int = Field(
        0,
        ge=0,
        le=1,
        description="V11: 1: the meter is tested or commissioned on these days. An override of the service point says "
        "so, with begin, end, reason and author.",
    )
    register_dials: int = Field(
        0, ge=0, le=15, description="V08: digits of a register; 0: as the master data says, else not judged."
    )
    sanctioned_percent: int = Field(
        200,
        ge=100,
        le=10_000,
        description="V09: share of the sanctioned load that an interval may reach, where no physical limit is known.",
    )
    register_tolerance_wh: int = Field(
        100, ge=0, description="V12: how far a day of a file may be from its registers (or the share below, if larger)."
    )
    register_tolerance_permille: int = Field(5, ge=0, le=1000, description="V12: the same as a share of the day.")
    month_tolerance_wh: int = Field(
        1000, ge=0, description="V12: how far a span of more than a week may be from its registers."
    )
    month_tolerance_permille: int = Field(10, ge=0, le=1000, description="V12: the same as a share of the span.")
    zone_tolerance_wh: int = Field(
        100, ge=0, description="V13: how far the registers of the tariff zones may be from the total register."
    )
    spike_usual_percent: int = Field(
        200,
        ge=0,
        le=10_000,
        description="V14: in a series of at least 14 days an interval is no spike unless it is "
        "above this share of the highest interval of a usual day (three in four of the days without a spike); 0: it "
        "may be.",
    )
    reactive_intervals: int = Field(
        4, ge=1, description="V15: so many intervals in a row of reactive energy without active."
    )
    power_factor_least_percent: int = Field(
        20, ge=1, le=100, description="V15: a lower power factor over an interval is not believed."
    )
    apparent_tolerance_permille: int = Field(
        10, ge=0, le=1000, description="V16: share by which apparent energy may be below active energy, and one VAh."
    )
    usage_high_percent: int = Field(
        200, ge=100, description="V17: daily use of a month against its reference, at most."
    )
    usage_low_percent: int = Field(35, ge=0, le=100, description="V17: the same, at least.")
    demand_high_percent: int = Field(200, ge=100, description="V18: maximum demand against its reference, at most.")
    demand_low_percent: int = Field(50, ge=0, le=100, description="V18: the same, at least.")
    audit_high_percent: int = Field(20, ge=0, description="V19: daily use above its references by more than this.")
    audit_low_percent: int = Field(
        50, ge=0, le=100, description="V19: daily use below its references by more than this."
    )
    register_change_percent: int = Field(
        0, ge=0, description="V20: change of use from one register span to the next, of the newer one; 0: not judged."
    )
    change_percent: int = Field(
        300, ge=0, description="V21: an interval above the one before it by more than this; 0: not judged."
    )
    change_floor_wh: int = Field(500, ge=0, description="V21: an interval of no more than this has not changed.")
    peak_change_percent: int = Field(
        100, ge=0, description="V22: highest interval of a month above that of the month before by more than this."
    )
    zero_days: int = Field(7, ge=1, description="V23: days without use that are told.")
    zero_days_industry: int = Field(1, ge=1, description="V23: the same of a commercial or industrial point.")
    zero_hours: int = Field(
        18,
        ge=1,
        description="V23: so many hours of zeros in a row are told too, where intervals are shorter than a day.",
    )
    inactive_tolerance_wh: int = Field(
        100, ge=0, description="V24: energy behind an open relay or closed account up to this is none."
    )
    stuck_intervals: int = Field(12, ge=2, description="V25: the same value so many times in a row.")
    stuck_floor_wh: int = Field(
        100, ge=0, description="V25: a smaller value repeats by itself: it has few digits, and standby use is steady."
    )
    stuck_chance_ppm: int = Field(
        200,
        ge=0,
        le=1_000_000,
        description="V25: in a series of some hundred intervals fewer in a row are enough, when "
        "their neighbours are so seldom equal that it makes them by chance in less than this share of its intervals; "
        "0: they are not.",
    )
    stuck_small_floor_wh: int = Field(20, ge=1, description="V25: the floor of these shorter rows.")
    stuck_together_intervals: int = Field(
        3,
        ge=2,
        description="V25: so many times in a row, when all channels repeat with it, a voltage or current among them.",
    )
    supply_voltage_percent: int = Field(
        80, ge=0, le=100, description="V26: share of the nominal voltage from which on there is supply."
    )
    supply_current_ma: int = Field(100, ge=0, description="V26: current from which on energy must be measured.")
    nominal_mv: int = Field(
        0,
        ge=0,
        description="V27: nominal voltage at the meter, mV; 0: not known, and the stream does not judge it.",
    )
    voltage_percent: int = Field(20, ge=0, le=100, description="V27: how far a voltage may be from the nominal one.")
    voltage_most_percent: int = Field(
        150, ge=100, description="V27: what share of the nominal voltage cannot be: the measurement is wrong."
    )
    demand_tolerance_permille: int = Field(
        50, ge=0, le=1000, description="V28: how far maximum demand may be from the highest block."
    )
    power_factor_tolerance_permille: int = Field(
        20, ge=0, le=1000, description="V29: how far a power factor may be from active over apparent energy."
    )
    estimated_bills: int = Field(2, ge=0, description="V30: so many months in a row may be estimated.")
    export_month_wh: int = Field(
        500, ge=0, description="V32: export of a month of a file from which on a net meter must be registered."
    )
    check_tolerance_permille: int = Field(
        10, ge=0, le=1000, description="V34: how far main and check meter may differ."
    )
    balance_tolerance_permille: int = Field(
        10, ge=0, le=1000, description="V35: how far what flows in and out of a bus may differ."
    )
    final_change_permille: int = Field(
        50, ge=0, le=1000, description="V36: a change of a final value from which on it is billed again."
    )


class VeeConfig(Thresholds):
    """Settings of the VEE stage."""

    timezone: str = Field("Asia/Kolkata", description="Zone of local days; one without summer time.")
    hot_days: int = Field(
        3, ge=2, le=8, description="Local days that late frames can still change, the running one included."
    )
    final_after_secs: int = Field(
        0,
        ge=0,
        description="Cut-off: a closed day is final once the log's time is so long past the midnight that ends it, "
        "whether its registers have come or not. What comes later, while the day is in the hot window, still changes "
        "it, as a new revision of a final day. 0: a day is final when it leaves the hot window.",
    )
    cold_days: int = Field(
        0,
        ge=0,
        le=3660,
        description="Rows that the hot window has lost, but that are no older than this, become requests to the cold "
        "lane (docs/cold.md), which needs the output `cold_requests` and a connector of type `cold`; 400 is a good "
        "choice. 0: there is no lane, and they are rejects.",
    )
    improve_secs: int = Field(
        0,
        ge=0,
        le=86_400,
        description="A day that leaves the hot window with a gap of at least so many seconds in it becomes a request "
        "to the cold lane without rows, to be estimated by weeks of readings and by facts (its `history_days`); needs "
        "`cold_days`. 86400: days of which nothing came. 0: none does.",
    )
    slot_secs: int = Field(
        1800,
        description="Length of a place in the hot window: 600, 900, 1800 or 3600. Meters of half this interval take a "
        "second set of places, meters of a multiple use some of them: choose the interval that most meters have.",
    )
    utility: str | None = Field(
        None, description="Whose rule sets are in force beside those for every utility (docs/rule-sets.md)."
    )
    tariff_categories: dict[int, str] = Field(
        default_factory=dict,
        description="Tariff number of the registry to the category that rule sets call it by; of a number that is left "
        "out it is the `category` of its tariff document, else the number.",
    )

    _known_zone = field_validator("timezone")(known_zone)

    @model_validator(mode="after")
    def _possible(self) -> VeeConfig:
        if self.slot_secs not in SLOTS:
            raise ValueError(f"slot_secs: use one of {', '.join(map(str, SLOTS))}")
        if self.final_after_secs > (self.hot_days - 1) * DAY_SECS:
            raise ValueError("final_after_secs: a day leaves the window after hot_days - 1 days, and is final then")
        if self.improve_secs and not self.cold_days:
            raise ValueError("improve_secs: set cold_days too; without a cold lane nobody estimates anew")
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
