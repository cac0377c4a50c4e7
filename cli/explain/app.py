"""`kvarn explain`: from a rupee to the frames."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from bench.replay.times import ZONE, epoch_ms, zone_of
from cli.decoding.keys import keys_for
from cli.explain.bill import BillKey, Row, answers, bill_of
from cli.explain.logs import FrameLog, RecordedLog, kafka_log
from cli.explain.show import INTERVALS_SHOWN, show
from cli.explain.walk import ALL, Sources, Wanted, walk
from cli.output import DEFAULT_FILE, Json, TopologyFile, console, emit
from cli.sql import DEFAULT_DSN, Database, Dsn
from cli.topology import read_plan
from pipeline.errors import KvarnError
from pipeline.keystore import MASTER_VARIABLE
from schemas.load import load_contracts
from schemas.registry import contracts_of
from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.reader import open_reader

Log = Annotated[
    Path | None,
    typer.Option(help="Recording (.kvf) of the frames topic from its beginning, in place of Kafka.", dir_okay=False),
]
KeyStore = Annotated[
    Path | None,
    typer.Option(help=f"Sealed key store, or folder of them; {MASTER_VARIABLE} opens it. Without: KVARN_KEYS.",
                 exists=True),
]  # fmt: skip


def explain(
    bill_key: Annotated[
        str,
        typer.Argument(help="ACCOUNT/SERVICE_POINT/START, START a local day or epoch seconds; @REVISION behind it."),
    ],
    kind: Annotated[Literal["MONTH", "DAY"], typer.Option(help="Length of the period.")] = "MONTH",
    frames: Annotated[int, typer.Option(min=ALL, help="Frames of intervals to show; -1: all, 0: none.")] = 3,
    interval: Annotated[
        str | None, typer.Option(help="Show the frame of the interval at this time, like 2026-01-31T18:30.")
    ] = None,
    intervals: Annotated[int, typer.Option(min=0, help="Intervals to print; --json has all.")] = INTERVALS_SHOWN,
    hashed: Annotated[
        bool, typer.Option("--hash", help="Read all frames of the period, and give the SHA-256 over them.")
    ] = False,
    log: Log = None,
    key_store: KeyStore = None,
    dsn: Dsn = DEFAULT_DSN,
    database: Database = "kvarn",
    zone: Annotated[str, typer.Option(help="Time zone of what is shown, and of days and times given.")] = ZONE,
    file: TopologyFile = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Walk a bill back: lines, registers, settled days, intervals with their quality, and the frames they came from.

    Bill, days and intervals come from the warehouse, as they were when the revision was made; frames from the topic in
    Kafka, or from a recording of it. What is no longer there is said, and the rest is shown.

    Examples:

        kvarn explain 700012/300045/2026-01-01

        kvarn explain 700012/300045/2026-01-01@7 --interval 2026-01-14T18:30 --json
    """
    where = zone_of(zone)
    at = epoch_ms(interval, where)
    wanted = Wanted(frames, None if at is None else at // 1000, hashed)
    key = BillKey.read(bill_key, where)
    reader = open_reader(ClickHouseConfig(dsn=dsn, database=database))
    try:
        ask = answers(reader.ask)
        bill = bill_of(ask, key, kind)
        said = walk(ask, bill, _sources(bill, log, key_store, file), wanted)
    finally:
        reader.close()
    if as_json:
        emit(said)
        return
    show(console(), said, where, intervals)


def _sources(bill: Row, log: Path | None, key_store: Path | None, file: Path) -> Sources:
    """The log that was named, else the topic in Kafka that the bill's origin names; without a broker there is none."""
    keys = keys_for(None, None, key_store)
    if log is not None:
        return Sources(load_contracts(), RecordedLog(log), keys)
    found: FrameLog | None = None
    contracts = load_contracts()
    why = "the topic that it came from is none of the topology's; name a recording of it with --log"
    try:
        plan = read_plan(file)
        contracts = contracts_of(plan.kafka.schema_registry, plan.subjects())
        found = kafka_log(plan, bill["source_topic_id"])
    except KvarnError as error:
        why = f"{error}; or name a recording of the log with --log"
    return Sources(contracts, found, keys, why)
