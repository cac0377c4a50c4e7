"""`kvarn rejects list`."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.table import Table

from bench.replay.times import ZONE, iso, shown, zone_of
from cli.output import DEFAULT_FILE, Json, TopologyFile, console, emit
from cli.rejects import options
from cli.rejects.sources import WAREHOUSE_ROWS, from_warehouse, read_topics
from cli.sql import warehouse_of
from cli.topology import read_plan
from connectors.kept.rejected import Rejected
from pipeline.retry import retry_of


def list_rejects(
    code: options.Codes = None,
    stage: options.Stages = None,
    device: options.Devices = None,
    service_point: options.Points = None,
    since: options.Since = None,
    until: options.Until = None,
    origin: options.Origins = None,
    topic: options.Topic = None,
    summary: Annotated[bool, typer.Option("--summary", help="Counts by code, and by code and device.")] = False,
    rows: Annotated[int, typer.Option(min=1, help="Newest rejects that are listed; all are counted.")] = 50,
    warehouse: options.Warehouse = False,
    dsn: options.Dsn = options.DEFAULT_DSN,
    database: options.Database = "kvarn",
    zone: options.Zone = ZONE,
    file: TopologyFile = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """List what was refused: its name, when it came, code, device, and how often it was offered again.

    Kafka's topics of rejects are read up to their present end; `--topic parked` shows what waits for its device.
    With --warehouse the warehouse is asked, which keeps them longer.
    """
    chosen = options.choice(code, stage, device, service_point, since, until, zone, origin)
    where = zone_of(zone)
    found: Iterable[Rejected]
    if warehouse:
        found = reversed(from_warehouse(warehouse_of(dsn, database), chosen, WAREHOUSE_ROWS))
    else:
        found = (one for one in read_topics(read_plan(file), topic) if chosen.takes(one))
    listed, codes, devices = counted(found, 0 if summary else rows)
    if as_json:
        emit(report(listed, codes, devices, where, summary=summary))
    else:
        _show(listed, codes, devices, where, summary=summary)


Devices = Counter[tuple[str, str]]


def counted(found: Iterable[Rejected], rows: int) -> tuple[list[Rejected], Counter[str], Devices]:
    """The `rows` received last, in their order; counts by code, and by code and device, of all."""
    newest: deque[Rejected] = deque()
    codes: Counter[str] = Counter()
    devices: Devices = Counter()
    for rejected in found:
        codes[rejected.code] += 1
        devices[rejected.code, rejected.record["device"]] += 1
        newest.append(rejected)
        # Sorted now and then: topics have several partitions, each in its own order.
        if len(newest) > 2 * rows:
            newest = deque(_sorted(newest)[len(newest) - rows :] if rows else ())
    return _sorted(newest)[-rows:] if rows else [], codes, devices


def _sorted(found: Iterable[Rejected]) -> list[Rejected]:
    return sorted(found, key=lambda one: (one.record["received_at"], one.topic, one.partition, one.offset))


def row_of(rejected: Rejected, zone: ZoneInfo) -> dict[str, Any]:
    """A reject in a line, without its octets."""
    record = rejected.record
    return {
        "name": rejected.name,
        "received_at": iso(1000 * record["received_at"], zone),
        "stage": record["stage"],
        "code": record["code"],
        "waits_for": retry_of(record["code"]).name.lower(),
        "device": record["device"],
        "service_point": record["service_point"],
        "requeued": rejected.times,
        "octets": len(rejected.raw),
        "from": record["topic"],
        "partition": record["partition"],
        "offset": record["offset"],
        "detail": record["detail"],
    }


def report(
    listed: list[Rejected], codes: Counter[str], devices: Devices, zone: ZoneInfo, *, summary: bool
) -> dict[str, Any]:
    """What --json gives."""
    said: dict[str, Any] = {"count": codes.total(), "codes": dict(sorted(codes.items())), "zone": zone.key}
    if summary:
        said["devices"] = [
            {"code": code, "device": device, "count": count} for (code, device), count in sorted(devices.items())
        ]
    else:
        said["rejects"] = [row_of(rejected, zone) for rejected in listed]
    return said


def _show(listed: list[Rejected], codes: Counter[str], devices: Devices, zone: ZoneInfo, *, summary: bool) -> None:
    out = console()
    table = Table(box=None)
    if summary:
        for name in ("code", "device", "count"):
            table.add_column(name, justify="right" if name == "count" else "left")
        for (code, device), count in devices.most_common(200):
            table.add_row(code, device, f"{count:,}")
    else:
        for name in ("name", "received", "code", "device", "service point", "requeued"):
            table.add_column(name, overflow="fold")
        for rejected in listed:
            row = row_of(rejected, zone)
            at = shown(1000 * rejected.record["received_at"], zone)
            point = str(row["service_point"] or "")
            table.add_row(row["name"], at, row["code"], row["device"], point, str(row["requeued"] or ""))
    out.print(table, markup=False)
    for code, count in sorted(codes.items()):
        out.print(f"{count:>9,}  {code}, waits for: {retry_of(code).name.lower()}", markup=False)
    out.print(f"{codes.total():>9,}  in all")
