"""Render the Avro schemas: packed batches from their column tables, plain records and enums from `schemas.records`.

`python -m schemas.render` writes schemas/avro; a test fails when a committed file differs.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipeline.columns import Packed
from pipeline.wire import BATCHES, NARROW, NARROW_ITEMS, WHOLE_ITEMS
from schemas.fields import Record
from schemas.records import RECORDS

FOLDER = Path(__file__).parent / "avro"
NAMESPACE = "io.kvarn"
ADDED = ("statement", "correction", "check")
"""Sections that earlier versions of a schema do not have: they are read as empty."""

DOCS = {
    "FrameBatch": "Frames of one partition in order of arrival, or a tick, a control record, or other topics' records.",
    "DecodedBatch": "Decoded profile entries of one FrameBatch; between decode and VEE when they are split by a topic.",
    "ReadingBatch": "Readings, revisions, settlements and snapshots that one FrameBatch or tick gave rise to.",
    "NodeEnergy": "Changes of energy by network node since the same source's record before, at a tick.",
}


def _tick() -> dict[str, Any]:
    return {
        "name": "tick",
        "default": None,
        "doc": "Time of the log; null when this record is not a tick.",
        "type": [
            "null",
            {
                "type": "record",
                "name": "Tick",
                "doc": "Intervals ending at time - lateness_secs are due.",
                "fields": [
                    {"name": "time", "type": "long", "doc": "Epoch seconds UTC."},
                    {"name": "lateness_secs", "type": "long", "doc": "Lateness allowed, seconds."},
                ],
            },
        ],
    }


def _control() -> dict[str, Any]:
    return {
        "name": "control",
        "default": None,
        "doc": "Versions in force from here on; null when there is no change.",
        "type": [
            "null",
            {
                "type": "record",
                "name": "Control",
                "doc": "A change of master data, as data.",
                "fields": [
                    {
                        "name": "versions",
                        "type": {"type": "map", "values": "string"},
                        "doc": "Kind (registry, keys, documents) to version (SHA-256 of its bytes, hex).",
                    }
                ],
            },
        ],
    }


def _references() -> dict[str, Any]:
    fields = [
        ("kind", "string", "What it is: edit, payment, weather, cold answer, ..."),
        ("topic", "string", "Topic it was read from."),
        ("partition", "int", "Partition it was read from."),
        ("offset", "long", "Offset it was read from; with topic and partition the key that drops repeats."),
        ("key", "bytes", "Its key."),
        ("value", "bytes", "Its value, as it was."),
    ]
    return {
        "name": "references",
        "doc": "Records made under another key, put into this partition by a connector.",
        "default": [],
        "type": {
            "type": "array",
            "items": {
                "type": "record",
                "name": "Reference",
                "doc": "A record of another topic.",
                "fields": [{"name": n, "type": t, "doc": d} for n, t, d in fields],
            },
        },
    }


def _origin() -> list[dict[str, Any]]:
    return [
        {"name": "source_topic_id", "type": "string", "doc": "Id of the first log (the frames topic)."},
        {"name": "source_partition", "type": "int", "doc": "Partition of the first log."},
        {"name": "source_offset", "type": "long", "doc": "Offset in the first log that this record comes from."},
        {
            "name": "previous_offset",
            "type": "long",
            "doc": "source_offset of the record before it to the same target; -1 for the first. A reader that has not "
            "seen it stops; one that has seen source_offset drops this record as a copy.",
        },
    ]


def _packing() -> dict[str, Any]:
    return {
        "name": "packing",
        "type": "int",
        "default": WHOLE_ITEMS,
        "doc": f"How columns are packed: {WHOLE_ITEMS} as each column's doc says. {NARROW_ITEMS} narrow: one lane for "
        "each item of a row, lane after lane: u8 octets of an item (0, 1, 2, 4, 8), 3 zeros, u32 rows, i64 base, then "
        "that many unsigned items; a value is base + item modulo 2^64 (of 0 octets: base). All little-endian; no rows: "
        "empty.",
    }


def batch_schema(name: str, batch: type[Packed]) -> dict[str, Any]:
    """The Avro record of a packed batch."""
    head = [_references()] if name == "FrameBatch" else _origin()
    packing = [_packing()] if name in NARROW else []
    columns = [
        {
            "name": c.name,
            "type": "bytes",
            "doc": c.shape_doc,
            **({"default": ""} if c.added or c.section in ADDED else {}),
        }
        for c in batch.COLUMNS
    ]
    return {
        "type": "record",
        "name": name,
        "namespace": NAMESPACE,
        "doc": DOCS[name],
        "fields": [*head, _tick(), _control(), *packing, *columns],
    }


def record_schema(record: Record) -> dict[str, Any]:
    """The Avro record of a plain record; a named type is spelled out once and named from then on."""
    made = {
        "type": "record",
        "name": record.name,
        "namespace": NAMESPACE,
        "doc": record.doc,
        "fields": [field.avro() for field in record.fields],
    }
    named: set[str] = set()
    return {key: _once(value, named) if key == "fields" else value for key, value in made.items()}


def _once(node: Any, named: set[str]) -> Any:
    if isinstance(node, list):
        return [_once(item, named) for item in node]
    if not isinstance(node, dict):
        return node
    if node.get("type") in ("record", "enum"):
        if node["name"] in named:
            return node["name"]
        named.add(node["name"])
    return {key: value if key in ("doc", "default") else _once(value, named) for key, value in node.items()}


def schemas() -> dict[str, dict[str, Any]]:
    """Schema name -> Avro's JSON, of every topic's value."""
    batches = {name: batch_schema(name, batch) for name, batch in BATCHES.items()}
    return {**batches, **{record.name: record_schema(record) for record in RECORDS}}


def rendered() -> dict[str, str]:
    """File name -> text of every rendered schema."""
    return {f"{name}.avsc": json.dumps(schema, indent=2) + "\n" for name, schema in schemas().items()}


def main() -> None:
    """Write the files."""
    for name, text in rendered().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
