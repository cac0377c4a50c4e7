"""Components small enough to see through, so that these tests are about topologies only."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ConfigDict, Field

from pipeline.topology.components import FIRST_LOG, Components, Counted
from schemas.load import shipped_ids


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Buffer(Options):
    rows: int = 1000


class Decode(Options):
    frame_limit: int = 65_535


class Vee(Options):
    hot_days: int = Field(3, ge=1)


class Rating(Options):
    hot_days: int = 3
    timezone: str = "UTC"


class Nodes(Options):
    partitions: int = 12


class Losses(Options):
    sources: int = 12
    hot_days: int = 3


class Dlms(Options):
    listen: str
    buffer: Buffer = Buffer()


class Ticker(Options):
    every_secs: int = Field(300, ge=1)


class Parked(Options):
    source: str = "parked"


class ClickHouse(Options):
    dsn: str
    timezone: str = "UTC"


@pytest.fixture
def components() -> Components:
    return Components(
        agents={"decode": Decode, "vee": Vee, "rating": Rating, "nodes": Nodes, "losses": Losses},
        connectors={"dlms": Dlms, "ticker": Ticker, "parked": Parked, "files": None},
        sinks={"clickhouse": ClickHouse},
        schemas=shipped_ids(),
        topic_options={"parked": ("source",)},
        silent={"ticker"},
        sink_schemas={"clickhouse": {"ReadingBatch", "Event", "Determinant", "Loss", "Reject"}},
        counted=(Counted("nodes", "partitions", "node_energy"), Counted("losses", "sources", FIRST_LOG)),
        shared=("timezone", "hot_days"),
    )
