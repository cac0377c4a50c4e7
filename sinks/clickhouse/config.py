"""Options of the ClickHouse sink."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pipeline.localtime import zone_of_tz
from sinks.buffer import BlockLimits
from sinks.runner_options import RunnerOptions

EMBEDDED = "chdb://"


class Promise(BaseModel):
    """One line of a service level agreement."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hours: int = Field(ge=1, le=2400, description="hours after local midnight that the day ends at")
    percent: float = Field(ge=0, le=100, description="share of the meters in service, per cent")


class ClickHouseConfig(BaseModel):
    """`type: clickhouse` in topologies.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dsn: str = Field(
        "chdb://./data/warehouse",
        description="chdb://folder (in this process), or http(s)://user:password@host:port of a server",
        pattern=r"^(chdb|http|https)://.+",
    )
    database: str = Field("kvarn", description="database that holds the tables", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    sla: tuple[Promise, ...] = Field(
        (Promise(hours=8, percent=95.0), Promise(hours=24, percent=99.9)),
        description="what is promised of a day's rows: share of the meters in service of which all have arrived so "
        "many hours after the day has ended; `kvarn hygiene` and the views compare with it",
    )
    timezone: str = Field("Asia/Kolkata", description="zone of local days and months; fixed once tables are made")
    blocks: BlockLimits = Field(default_factory=BlockLimits, description="size and age of a block, bound of the buffer")
    runner: RunnerOptions = Field(default_factory=RunnerOptions, description="reading from Kafka, and retries")
    memory_bytes: int = Field(
        2 << 30, ge=256 << 20, description="most that one query or insert may use inside the warehouse"
    )
    spare_bytes: int = Field(
        256 << 20,
        ge=0,
        description="bytes that stay free on the disk of an embedded warehouse: with less nothing is written",
    )
    request_secs: int = Field(
        60, ge=1, le=240, description="longest that a server may take to answer before the request is made again"
    )
    answer_queries: bool = Field(
        True, description="answer `kvarn sql` while an embedded warehouse is open in this process (loopback only)"
    )
    query_secs: float = Field(60.0, gt=0, description="longest query of others, through the query server")
    # A client that connects first reads the engine's settings: some 2,000 rows.
    query_rows: int = Field(1_000_000, ge=10_000, description="most rows that such a query may return")
    query_bytes: int = Field(256 << 20, ge=1 << 20, description="most bytes that such a query may return")

    _known_zone = field_validator("timezone")(zone_of_tz)

    @property
    def embedded(self) -> bool:
        """Whether the warehouse runs in this process."""
        return self.dsn.startswith(EMBEDDED)

    @property
    def folder(self) -> Path:
        """Folder of an embedded warehouse."""
        return Path(self.dsn.removeprefix(EMBEDDED)).resolve()
