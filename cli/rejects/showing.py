"""`kvarn rejects show`: all of one reject, and what the decoder says of its octets today."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from agents.decode.describe import Keys, describe_frames
from agents.decode.generic import KeyFinder
from bench.replay.times import ZONE, iso, zone_of
from cli.decoding.keys import keys_in
from cli.deployment import master_key
from cli.output import DEFAULT_FILE, Json, TopologyFile, console, emit
from cli.rejects import options
from cli.rejects.sources import WAREHOUSE_ROWS, from_warehouse, read_topics
from cli.sql import warehouse_of
from cli.topology import read_plan
from connectors.kept.rejected import Choice, Rejected
from pipeline.codes import REJECT_BY_NUMBER, REJECT_NUMBER
from pipeline.errors import ConfigError
from pipeline.keystore import MASTER_VARIABLE, open_sealed
from pipeline.retry import retry_of

KeyStore = Annotated[
    Path | None,
    typer.Option(help=f"Sealed key store to decode with; {MASTER_VARIABLE} opens it.", exists=True, dir_okay=False),
]


def show(
    name: Annotated[str, typer.Argument(help="Name of the reject, as `kvarn rejects list` gives it.")],
    topic: options.Topic = None,
    key_store: KeyStore = None,
    warehouse: options.Warehouse = False,
    dsn: options.Dsn = options.DEFAULT_DSN,
    database: options.Database = "kvarn",
    zone: options.Zone = ZONE,
    file: TopologyFile = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Show all of one reject: every field, its octets in hex, and what `kvarn decode` says of them."""
    chosen = Choice(names=frozenset({name}))
    found: Iterable[Rejected]
    if warehouse:
        found = from_warehouse(warehouse_of(dsn, database), chosen, WAREHOUSE_ROWS)
    else:
        found = read_topics(read_plan(file), topic)
    rejected = next((one for one in found if one.name == name), None)
    if rejected is None:
        raise ConfigError("REJECT_UNKNOWN", where=name, what="there is no reject of this name",
                          do="take it from `kvarn rejects list`, with the same --topic or --warehouse")  # fmt: skip
    said = whole(rejected, keys_of(key_store), zone)
    if as_json:
        emit(said)
        return
    out = console()
    for key, value in said.items():
        if key != "decoded":
            out.print(f"{key:>20}  {'' if value is None else value}", markup=False)
    for item in said["decoded"]:
        out.print_json(data=item)


def whole(rejected: Rejected, keys: KeyFinder | Keys, zone: str) -> dict[str, Any]:
    """Everything that is known of it."""
    record, where = rejected.record, zone_of(zone)
    row = REJECT_BY_NUMBER[REJECT_NUMBER[rejected.code]]
    raw = rejected.raw
    return {
        "name": rejected.name,
        **{key: value for key, value in record.items() if key not in ("raw", "received_at", "time")},
        "received_at": iso(1000 * record["received_at"], where),
        "time": None if record["time"] is None else iso(1000 * record["time"], where),
        "meaning": row.meaning,
        "what_to_do": row.next_step,
        "waits_for": retry_of(rejected.code).name.lower(),
        "requeued": rejected.times,
        "octets": len(raw),
        "raw": raw.hex().upper(),
        "decoded": [item.as_dict() for item in describe_frames([raw], keys)] if raw else [],
    }


def keys_of(store: Path | None) -> Keys:
    """Keys of a sealed store; none without one."""
    if store is None:
        return Keys()
    master = master_key()
    if master is None:
        raise ConfigError(
            "MASTER_KEY_MISSING", where=str(store), what="the store is sealed", do=f"set {MASTER_VARIABLE}"
        )
    return keys_in(open_sealed(store.read_bytes(), master))
