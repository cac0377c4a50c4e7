"""Options of the simulator."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from connectors.simulator.faults import FAULT_BY_NAME, default_rates, parse_faults
from pipeline.localtime import DAY_SECS

IST_SECS = 19_800
"""Asia/Kolkata is UTC+5:30 all year."""


class Shares(BaseModel):
    """Shares of the fleet, 0 to 1."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    three_phase: float = Field(0.5, ge=0, le=1, description="three-phase meters among large homes and shops")
    integer: float = Field(0.35, ge=0, le=1, description="single-phase meters that send integers, with a modulus")
    export_first: float = Field(0.03, ge=0, le=1, description="single-phase meters of the vendor with another order")
    opening: float = Field(0.0, ge=0, le=1, description="single-phase meters whose stamps open their intervals")
    solar: float = Field(0.06, ge=0, le=1, description="net-metered rooftop solar among homes and shops")
    mqtt: float = Field(0.25, ge=0, le=1, description="meters that push over MQTT (raw APDU)")
    udp: float = Field(0.10, ge=0, le=1, description="meters that push over UDP; the rest uses TCP")
    instant: float = Field(0.20, ge=0, le=1, description="meters that push the instantaneous profile")
    one_key: float = Field(0.30, ge=0, le=1, description="meters whose authentication key is their encryption key")
    fractional_factor: float = Field(0.0, ge=0, le=1, description="CT consumers with a factor that is not whole")


class NetworkSize(BaseModel):
    """Shape of the network."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    consumers_per_dt: int = Field(40, ge=1, description="mean consumers of a distribution transformer")
    dts_per_feeder: int = Field(8, ge=1, description="distribution transformers of an 11 kV feeder")
    feeders_per_substation: int = Field(6, ge=1, description="feeders of a 33/11 kV substation")


class Rotation(BaseModel):
    """Meters that get new keys during the run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    share: float = Field(0.0, ge=0, le=1, description="meters whose keys are exchanged")
    after_hours: int = Field(12, ge=1, description="hours into the run at which the head-end says that they are")
    spread_hours: int = Field(2, ge=0, le=48, description="a meter takes its keys up to so much earlier or later")


class SimulatorConfig(BaseModel):
    """A fleet and what happens to it; the same options give the same bytes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    meters: int = Field(2000, ge=1, le=2_000_000, description="consumer meters; DT and feeder meters come on top")
    days: int = Field(2, ge=1, le=366, description="days, from midnight to midnight")
    seed: int = Field(1, ge=0, lt=2**63, description="changes everything that is drawn")
    start: date = Field(date(2025, 7, 1), description="first day; begins at 00:00 Asia/Kolkata")
    interval_secs: Literal[900, 1800] = Field(1800, description="block capture period")
    faults: dict[str, float] = Field(default_factory=default_rates, description="fault -> rate; or text for --faults")
    shares: Shares = Field(default_factory=lambda: Shares(), description="shares of the fleet")
    network: NetworkSize = Field(default_factory=lambda: NetworkSize(), description="shape of the network")
    rotation: Rotation = Field(default_factory=lambda: Rotation(), description="meters that get new keys")
    lateness_secs: int = Field(1800, ge=0, description="lateness that ticks allow")
    push_spread_secs: int = Field(300, ge=1, le=840, description="block pushes arrive within this time")
    late_hours: int = Field(20, ge=1, le=48, description="the most that a late push is late")
    instant_hours: int = Field(4, ge=1, le=24, description="hours between two instantaneous pushes")

    @field_validator("faults", mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return parse_faults(value) if isinstance(value, str) else value

    @field_validator("faults")
    @classmethod
    def _known(cls, value: dict[str, float]) -> dict[str, float]:
        unknown = sorted(set(value) - set(FAULT_BY_NAME))
        if unknown:
            raise ValueError(f"no such fault: {', '.join(unknown)}; known: {', '.join(FAULT_BY_NAME)}")
        wrong = sorted(name for name, rate in value.items() if not 0 <= rate <= 1)
        if wrong:
            raise ValueError(f"a rate must be 0 to 1: {', '.join(wrong)}")
        return {name: value.get(name, 0.0) for name in FAULT_BY_NAME}

    @property
    def start_time(self) -> int:
        """Midnight in Asia/Kolkata that the run begins at, epoch seconds UTC."""
        midnight = datetime(self.start.year, self.start.month, self.start.day, tzinfo=UTC)
        return int(midnight.timestamp()) - IST_SECS

    @property
    def slots_per_day(self) -> int:
        """Intervals of a day."""
        return DAY_SECS // self.interval_secs

    @property
    def intervals(self) -> int:
        """Intervals of the run."""
        return self.days * self.slots_per_day

    @property
    def end_time(self) -> int:
        """Midnight that the run ends at, epoch seconds UTC."""
        return self.start_time + self.days * DAY_SECS

    def rate(self, name: str) -> float:
        """Rate of a fault; 0 when it is off."""
        return self.faults.get(name, 0.0)
