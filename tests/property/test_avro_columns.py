"""Plain records taken apart into columns hold what the general reader finds in them, and broken bytes are refused."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import fastavro
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import ContractError
from pipeline.wire import HEADER
from schemas.load import load_contracts, released, shipped_ids
from sinks.avro_program import program_of
from sinks.clickhouse import native
from sinks.clickhouse.columns import Table
from sinks.clickhouse.plain_block import plain_block
from sinks.clickhouse.plain_tables import ITEM_TYPES, PLAIN_TABLES
from sinks.plain import PlainRows, leaf_columns, plain_rows
from sinks.read import read_plain
from tests.builders_readings import CONTRACTS, OF_A_LOG, PLAIN, plain

SCHEMAS = sorted(PLAIN)

EMPTY: dict[str, Any] = {"String": ""}
"""What stands below a null, where that is not 0; an enum's is its first symbol."""

LEAVES: dict[str, st.SearchStrategy[Any]] = {
    "string": st.text(max_size=200),
    "bytes": st.binary(max_size=300),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "boolean": st.booleans(),
}


def values_of(kind: Any) -> st.SearchStrategy[Any]:
    if isinstance(kind, list):
        return st.one_of(st.none(), values_of(kind[1]))
    if isinstance(kind, str):
        return LEAVES[kind]
    if kind["type"] == "enum":
        return st.sampled_from(kind["symbols"])
    if kind["type"] == "map":
        return st.dictionaries(st.text(max_size=10), values_of(kind["values"]), max_size=3)
    if kind["type"] == "array":
        return st.lists(values_of(kind["items"]), max_size=4)
    return st.fixed_dictionaries({field["name"]: values_of(field["type"]) for field in kind["fields"]})


def records_of(schema: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    fields = {field.name: values_of(field.type) for field in PLAIN[schema].fields}
    return st.lists(st.fixed_dictionaries(fields), min_size=1, max_size=5)


def texts(raw: bytes, count: int) -> list[bytes]:
    found, place = [], 0
    for _ in range(count):
        length = shift = 0
        while True:
            octet = raw[place]
            place += 1
            length |= (octet & 127) << shift
            shift += 7
            if octet < 128:
                break
        found.append(raw[place : place + length])
        place += length
    assert place == len(raw)
    return found


def column(schema: str, rows: list[PlainRows], name: str) -> list[Any]:
    """The values of a leaf, as the general reader has them."""
    found = leaf_columns(schema, rows)[name]
    values: list[Any] = found.numbers.tolist()
    if len(found.texts) or not len(values):
        values = list(texts(found.texts.tobytes(), len(found.marks)))
    if found.leaf.symbols:
        values = [found.leaf.symbols[number] for number in values]
    return [None if mark else value for value, mark in zip(values, found.marks.tolist(), strict=True)]


def wanted(records: list[dict[str, Any]], name: str) -> list[Any]:
    field, _, item = name.partition(".")
    if not item:
        values = [record[field] for record in records]
        return [len(value) if isinstance(value, list | dict) else value for value in values]
    inner = [record[field] for record in records]
    pairs = [{"key": key, "value": value} for each in inner if isinstance(each, dict) for key, value in each.items()]
    return [each[item] for each in (pairs or [entry for entries in inner for entry in entries])]


def as_bytes(values: list[Any]) -> list[Any]:
    return [value.encode() if isinstance(value, str) else int(value) if isinstance(value, bool) else value
            for value in values]  # fmt: skip


@pytest.mark.parametrize("schema", SCHEMAS)
def test_columns_hold_what_the_general_reader_finds(schema: str) -> None:
    @settings(max_examples=60, deadline=None)
    @given(records_of(schema), st.integers(1, 3))
    def holds(records: list[dict[str, Any]], cut: int) -> None:
        raws = [CONTRACTS.encode(schema, record) for record in records]
        parts = [
            plain_rows(CONTRACTS, schema, "here", range(len(part)), part) for part in (raws[:cut], raws[cut:]) if part
        ]
        for leaf in program_of(schema).leaves:
            found = column(schema, parts, leaf.name)
            if leaf.symbols:
                assert found == wanted(records, leaf.name)
            else:
                assert found == as_bytes(wanted(records, leaf.name)), leaf.name

    holds()


@pytest.mark.parametrize("schema", OF_A_LOG)
def test_origins_and_producers_are_those_of_the_records(schema: str) -> None:
    logs = ["", "log-a", "log-b"]
    stages = ["decode", "vee"] if schema == "Reject" else [""]
    numbers = np.random.default_rng(5)
    records = [
        plain(PLAIN[schema], source_topic_id=logs[numbers.integers(3)], stage=stages[numbers.integers(len(stages))],
              source_partition=int(numbers.integers(5)), source_offset=row * 1_000, source_index=row)
        for row in range(50)
    ]  # fmt: skip
    rows = plain_rows(CONTRACTS, schema, "here", range(50), [CONTRACTS.encode(schema, record) for record in records])
    assert rows.origins.tolist() == [[record["source_partition"], record["source_offset"], record["source_index"]]
                                     for record in records]  # fmt: skip
    assert [rows.said[number] for number in rows.producers] == [
        (record["source_topic_id"], record.get("stage", "")) for record in records
    ]
    kept = rows.kept(rows.origins[:, 2] % 2 == 0)
    assert column(schema, [kept], "source_index") == list(range(0, 50, 2))


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_record_that_is_cut_short_or_too_long_is_refused_by_its_offset(schema: str) -> None:
    raw = CONTRACTS.encode(schema, plain(PLAIN[schema]))
    for length in range(HEADER.size, len(raw)):
        with pytest.raises(ContractError, match="RECORD_BROKEN at here at offset 8"):
            plain_rows(CONTRACTS, schema, "here", [7, 8], [raw, raw[:length]])
    with pytest.raises(ContractError, match="RECORD_BROKEN"):
        plain_rows(CONTRACTS, schema, "here", [7], [raw + b"\0"])
    with pytest.raises(ContractError, match="SCHEMA_OTHER"):
        plain_rows(CONTRACTS, schema, "here", [7], [raw[:3]])


@pytest.mark.parametrize("schema", SCHEMAS)
def test_records_from_before_a_schema_registry_was_turned_on_are_read_beside_those_behind_it(schema: str) -> None:
    registered = load_contracts({name: number for number, name in enumerate(sorted(shipped_ids()), 1)})
    record = plain(PLAIN[schema])
    raws = [CONTRACTS.encode(schema, record), registered.encode(schema, record)]
    assert raws[0] != raws[1]
    assert [registered.decode(raw, schema) for raw in raws] == [CONTRACTS.decode(raws[0])] * 2
    assert len(plain_rows(registered, schema, "here", [7, 8], raws).origins) == 2
    with pytest.raises(ContractError, match="SCHEMA_OTHER at here at offset 8"):
        plain_rows(CONTRACTS, schema, "here", [7, 8], raws)


FORMER = [
    (name, number, json.loads(text))
    for name, number, text in released()
    if name in PLAIN and number != shipped_ids()[name]
]


@pytest.mark.parametrize(
    ("schema", "number", "written"), FORMER, ids=[f"{name}-{number}" for name, number, _ in FORMER]
)
def test_records_of_a_former_release_are_read_beside_todays(schema: str, number: int, written: dict[str, Any]) -> None:
    fields = {field["name"] for field in written["fields"]}
    record = plain(PLAIN[schema])
    body = io.BytesIO()
    parsed = fastavro.parse_schema(written)
    fastavro.schemaless_writer(body, parsed, {name: value for name, value in record.items() if name in fields})
    old, new = HEADER.pack(0, number) + body.getvalue(), CONTRACTS.encode(schema, record)
    rows = plain_rows(CONTRACTS, schema, "here", [7, 8], [old, new])
    same = plain_rows(CONTRACTS, schema, "here", [7], [CONTRACTS.encode(schema, CONTRACTS.decode(old, schema))])
    first = rows.kept(np.array([True, False]))
    assert first.data[first.starts[0] : first.ends[0]].tobytes() == same.data[same.starts[0] :].tobytes()
    assert rows.offsets.tolist() == [7, 8]
    with pytest.raises(ContractError, match="RECORD_BROKEN at here at offset 8"):
        plain_rows(CONTRACTS, schema, "here", [7, 8], [new, old[:-1]])


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(SCHEMAS), st.data())
def test_altered_bytes_are_read_within_the_record_or_refused(schema: str, data: st.DataObject) -> None:
    raw = bytearray(CONTRACTS.encode(schema, plain(PLAIN[schema])))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(HEADER.size, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        rows = plain_rows(CONTRACTS, schema, "here", [1], [bytes(raw)])
    except ContractError:
        return
    for leaf, found in leaf_columns(schema, [rows]).items():
        assert len(found.texts) <= len(raw), leaf
        symbols = len(found.leaf.symbols)
        assert not symbols or set(found.numbers.tolist()) <= set(range(symbols))


def test_an_array_in_several_blocks_some_with_their_size_is_one_array() -> None:
    record = plain(PLAIN["Determinant"], zones=[{"zone": "PEAK", "wh": 1}, {"zone": "DAY", "wh": 2}])
    raw = CONTRACTS.encode("Determinant", record)
    zones = b"\x04" + b"\x08PEAK\x02" + b"\x06DAY\x04" + b"\x00"
    assert raw.count(zones) == 1
    split = b"\x02" + b"\x08PEAK\x02" + b"\x01\x0a" + b"\x06DAY\x04" + b"\x00"
    rows = plain_rows(CONTRACTS, "Determinant", "here", [1], [raw.replace(zones, split)])
    assert column("Determinant", [rows], "zones") == [2]
    assert column("Determinant", [rows], "zones.zone") == [b"PEAK", b"DAY"]
    assert column("Determinant", [rows], "zones.wh") == [1, 2]
    assert column("Determinant", [rows], "source_index") == [3]


def test_a_schema_that_is_not_plain_is_refused() -> None:
    from pipeline.errors import ConfigError

    with pytest.raises(ConfigError, match="SCHEMA_NOT_PLAIN"):
        program_of("FrameBatch")


def octets_of(kind: str, values: list[Any]) -> bytes:
    """A column of ClickHouse's Native format, value by value."""
    if kind.startswith("Nullable("):
        marks = bytes(value is None for value in values)
        inner = kind.removeprefix("Nullable(").removesuffix(")")
        first = next(iter(re.findall(r"'(\w+)' = \d+", inner)), 0)
        return marks + octets_of(inner, [EMPTY.get(inner, first) if value is None else value for value in values])
    if kind == "String":
        raws = [value.encode() if isinstance(value, str) else value for value in values]
        return b"".join(native.varint(len(raw)) + raw for raw in raws)
    if kind.startswith("Enum8("):
        numbers = {name: int(number) for name, number in re.findall(r"'(\w+)' = (\d+)", kind)}
        return bytes(numbers[value] for value in values)
    if kind.startswith("DateTime"):
        values = [min(max(value, 0), 2**32 - 1) for value in values]
    size = {"Bool": 1, "DateTime('UTC')": 4}.get(kind) or int(kind.lstrip("UInt")) // 8
    return b"".join((int(value) % (1 << 8 * size)).to_bytes(size, "little") for value in values)


def items_octets(field: str, values: list[Any]) -> bytes:
    """An array's or a map's column: where each ends, then its items' columns."""
    ends = np.cumsum([len(value) for value in values]).astype("<u8").tobytes()
    pairs = [[{"key": key, "value": item} for key, item in value.items()] if isinstance(value, dict) else value
             for value in values]  # fmt: skip
    return ends + b"".join(
        octets_of(kind, [item[name] for items in pairs for item in items]) for name, kind in ITEM_TYPES[field].items()
    )


def places(schema: str, name: str, parts: list[list[bytes]]) -> list[int]:
    """Column of the places in their own topic, partition 0: of records that come from a log they are not told."""
    offsets = [offset for part in parts for offset in range(len(part))]
    if schema in OF_A_LOG:
        return [-1] * len(offsets)
    return offsets if name == "log_offset" else [0] * len(offsets)


@pytest.mark.parametrize("table", PLAIN_TABLES, ids=lambda table: str(table.name))
def test_a_block_holds_the_bytes_of_what_the_general_reader_finds(table: Table) -> None:
    @settings(max_examples=40, deadline=None)
    @given(records_of(table.schema), st.integers(1, 3))
    def holds(records: list[dict[str, Any]], cut: int) -> None:
        raws = [CONTRACTS.encode(table.schema, {**record, "source_topic_id": "log"}) for record in records]
        parts = [raws[:cut], raws[cut:]]
        taken = [read_plain(CONTRACTS, table.schema, "t", 0, range(len(part)), part) for part in parts if part]
        block = plain_block(table, taken)
        wanted = [native.varint(len(table.stored)), native.varint(len(raws))]
        decoded = [CONTRACTS.decode(raw) for raw in raws]
        for column in table.stored:
            kind = re.sub(r"LowCardinality\((.*)\)", r"\1", column.type)
            values = (
                [record[column.field] for record in decoded]
                if column.field
                else places(table.schema, column.name, parts)
            )
            octets = items_octets(column.field, values) if column.field in ITEM_TYPES else octets_of(kind, values)
            wanted += [native.text(column.name), native.text(kind), octets]
        assert b"".join(bytes(piece) for piece in block.pieces) == b"".join(wanted)

    holds()
