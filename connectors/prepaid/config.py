"""Options of the prepaid connector."""

from __future__ import annotations

import datetime

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from pipeline.localtime import known_zone


class PrepaidConfig(BaseModel):
    """`type: prepaid` in topologies.yaml; one process. Money in paise."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    determinants: str = Field("determinants", description="topic of determinants, which the stage rating writes")
    payments: str = Field("payments", description="topic of payments")
    ticks: str = Field("prepaid-ticks", description="topic of ticks, one partition, which a ticker writes")
    results: str = Field("command-results", description="topic of results of commands")
    commands: str = Field("commands", description="topic of commands, which it writes")
    group: str = Field("kvarn-prepaid", min_length=1, description="consumer group; its transactions have its name too")
    timezone: str = Field("Asia/Kolkata", description="zone of local days, billing months and allowed hours")
    arrears_percent: int = Field(
        25, ge=0, le=100, description="of each recharge, to what is owed from before, until that is paid"
    )
    warn_at: tuple[int, ...] = Field(
        (30_000, 10_000, 0), description="balances [paise] below which the consumer is warned"
    )
    disconnect_below: int = Field(0, description="balance [paise] below which supply may be cut")
    emergency_credit: int = Field(
        0, ge=0, description="so far [paise] below `disconnect_below` supply is kept; a recharge pays it back"
    )
    grace_hours: int = Field(24, ge=0, le=2400, description="from then to the command that cuts supply")
    hours: tuple[int, int] = Field(
        (10, 13), description="local hours in which supply may be cut: from, to (not included)"
    )
    weekdays: tuple[int, ...] = Field(
        (0, 1, 2, 3, 4), description="days of the week on which supply may be cut; 0 is Monday"
    )
    holidays: tuple[datetime.date, ...] = Field((), description="days on which it may not")
    reconnect_at: int | None = Field(
        None, description="balance [paise] from which supply is given back; none: `disconnect_below`"
    )
    expires_secs: int = Field(3600, ge=60, le=86_400, description="a command is not begun later than that")
    retry_secs: int = Field(3600, ge=60, le=604_800, description="pause after a command that was not done")
    commit_secs: float = Field(1.0, gt=0, le=60, description="how often entries are written, and offsets with them")

    _known_zone = field_validator("timezone")(known_zone)

    @model_validator(mode="after")
    def _possible(self) -> PrepaidConfig:
        begin, end = self.hours
        if not 0 <= begin < end <= 24:
            raise ValueError("hours: from 0 to 24, the first before the second")
        if not self.weekdays or not set(self.weekdays) <= set(range(7)):
            raise ValueError("weekdays: 0 (Monday) to 6, one at least")
        if len(set(self.warn_at)) < len(self.warn_at):
            raise ValueError("warn_at: a threshold stands there twice")
        if self.reconnect_at is not None and self.reconnect_at < self.disconnect_below - self.emergency_credit:
            raise ValueError("reconnect_at: supply would be cut again at once")
        return self

    @property
    def floor(self) -> int:
        """Balance [paise] below which grace begins."""
        return self.disconnect_below - self.emergency_credit

    @property
    def enough(self) -> int:
        """Balance [paise] from which supply is given back."""
        return self.disconnect_below if self.reconnect_at is None else self.reconnect_at
