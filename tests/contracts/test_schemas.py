"""The Avro contracts: rendered, documented, with examples that decode, and readable from every released version."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastavro
import numpy as np
import pytest
from fastavro.schema import to_parsing_canonical_form

from pipeline.batch import DecodedBatch, ReadingBatch
from pipeline.channels import ENERGY
from pipeline.codes import REJECT_CODES, Level
from pipeline.columns import unpack
from pipeline.errors import ConfigError, ContractError
from pipeline.narrow import HEAD, pack_narrow
from pipeline.wire import BATCHES, HEADER, MAGIC, NARROW_ITEMS, read_stage
from schemas.compatibility import breaks
from schemas.load import FOLDER, load_contracts, released, schema_text, shipped_ids
from schemas.render import rendered

NAMES = sorted(shipped_ids())
EXAMPLES = sorted((FOLDER / "examples").glob("*/*.json"))


def undocumented(node: Any, place: str = "") -> Iterator[str]:
    """Places of records, enums and fields without a doc that says something."""
    if isinstance(node, list):
        for item in node:
            yield from undocumented(item, place)
    elif isinstance(node, dict):
        named = node.get("name", "")
        here = f"{place}/{named}" if named else place
        if named and len(node.get("doc", "")) < 8:
            yield here
        for key in ("type", "items", "values", "fields"):
            if isinstance(node.get(key), dict | list):
                yield from undocumented(node[key], here)


def read_example(path: Path) -> dict[str, Any]:
    schema = load_contracts().schemas[path.parent.name]
    (record,) = fastavro.json_reader(io.StringIO(json.dumps(json.loads(path.read_text()))), schema)
    assert isinstance(record, dict)
    return record


def enum_symbols(schema: Any, name: str) -> list[str]:
    if isinstance(schema, list):
        return next((found for item in schema if (found := enum_symbols(item, name))), [])
    if not isinstance(schema, dict):
        return []
    if schema.get("type") == "enum" and schema["name"] == name:
        return list(schema["symbols"])
    children = [schema.get(key) for key in ("type", "items", "fields")]
    return next((found for item in children if (found := enum_symbols(item, name))), [])


def test_the_committed_files_are_what_the_tables_render() -> None:
    on_disk = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.avsc")}
    assert on_disk == rendered(), "run `python -m schemas.render`"


def test_every_schema_has_an_id_and_no_two_share_one() -> None:
    ids = shipped_ids()
    assert {f"{name}.avsc" for name in ids} == set(rendered())
    assert len(set(ids.values())) == len(ids)
    assert min(ids.values()) > 1_000_000, "small numbers are a registry's"


@pytest.mark.parametrize("name", NAMES)
def test_every_record_enum_and_field_has_a_doc(name: str) -> None:
    assert list(undocumented(json.loads(schema_text(name)))) == []


def test_a_field_without_a_doc_is_found() -> None:
    broken = {"type": "record", "name": "A", "doc": "long enough", "fields": [{"name": "b", "type": "long"}]}
    assert list(undocumented(broken)) == ["/A/b"]


@pytest.mark.parametrize("name", NAMES)
def test_a_nullable_field_says_what_null_means(name: str) -> None:
    silent = [
        field["name"]
        for field in json.loads(schema_text(name))["fields"]
        if isinstance(field["type"], list) and "null" not in field["doc"]
    ]
    assert silent == []


def test_enums_follow_the_code_tables() -> None:
    reject, loss, bill = (json.loads(schema_text(name)) for name in ("Reject", "Loss", "Determinant"))
    assert enum_symbols(reject, "RejectCode") == [row.code for row in REJECT_CODES]
    assert enum_symbols(loss, "Level") == [level.name for level in Level]
    assert enum_symbols(bill, "Channel") == [channel.name for channel in ENERGY]


@pytest.mark.parametrize("name", NAMES)
def test_every_schema_has_an_example(name: str) -> None:
    assert [path for path in EXAMPLES if path.parent.name == name]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_an_example_goes_over_the_wire_and_comes_back(path: Path) -> None:
    contracts, name = load_contracts(), path.parent.name
    record = read_example(path)
    raw = contracts.encode(name, record)
    assert raw[0] == 0
    assert int.from_bytes(raw[1:5], "big") == shipped_ids()[name]
    assert contracts.decode(raw, name) == record
    if name in BATCHES:
        unpack(BATCHES[name], record)


def test_the_example_bill_adds_up() -> None:
    bill = read_example(FOLDER / "examples" / "Determinant" / "month_rated.json")
    # The full MSEDCL example: 250 units come to Rs 2,434.84.
    assert sum(line["paise"] for line in bill["lines"]) == bill["total_paise"] == 243_484
    assert sum(zone["wh"] for zone in bill["zones"]) == bill["wh_imp"]


def test_a_record_that_lacks_a_field_is_refused() -> None:
    contracts = load_contracts()
    record = read_example(FOLDER / "examples" / "Loss" / "interval_of_a_transformer.json")
    del record["loss_wh"]
    with pytest.raises(ContractError):
        contracts.encode("Loss", record)


def test_ids_of_a_registry_take_the_place_of_the_shipped_ones() -> None:
    ids = {name: number for number, name in enumerate(NAMES, start=1)}
    assert load_contracts(ids).ids == ids


def test_a_registry_that_lacks_a_schema_is_named() -> None:
    ids = {name: number for number, name in enumerate(NAMES, start=1) if name != "Loss"}
    with pytest.raises(ConfigError, match="SCHEMA_WITHOUT_ID at Loss"):
        load_contracts(ids)


@pytest.mark.parametrize(("name", "number", "text"), list(released()), ids=lambda value: str(value)[:30])
def test_what_was_written_under_a_released_schema_can_be_read(name: str, number: int, text: str) -> None:
    assert breaks(reader=schema_text(name), writer=text) == []
    if number == shipped_ids()[name]:
        same = to_parsing_canonical_form(json.loads(text)) == to_parsing_canonical_form(json.loads(schema_text(name)))
        assert same, f"{name} changed since its id {number} was released: give it a new id in schemas/ids.json"


def test_every_shipped_id_has_a_copy() -> None:
    assert {(name, number) for name, number, _ in released()} >= set(shipped_ids().items()), (
        "run `python -m schemas.release`"
    )


def test_a_batch_written_before_there_were_statements_has_none() -> None:
    contracts = load_contracts()
    (old,) = (text for name, number, text in released() if (name, number) == ("DecodedBatch", 1_000_002))
    record = read_example(FOLDER / "examples" / "DecodedBatch" / "one_block.json")
    body = io.BytesIO()
    fastavro.schemaless_writer(body, fastavro.parse_schema(json.loads(old)), record)
    raw = HEADER.pack(MAGIC, 1_000_002) + body.getvalue()
    for read in (contracts.decode(raw, "DecodedBatch"), contracts.view(raw, "DecodedBatch")):
        batch = unpack(DecodedBatch, read)
        assert len(batch.frame) == 1
        assert len(batch.statement_kind) == 0


@pytest.mark.parametrize("narrow", [False, True])
def test_readings_written_before_their_expected_error_was_told_have_none(narrow: bool) -> None:
    contracts = load_contracts()
    (old,) = (text for name, number, text in released() if (name, number) == ("ReadingBatch", 1_000_046))
    record = read_example(FOLDER / "examples" / "ReadingBatch" / "one_reading.json")
    if narrow:
        record |= {"packing": NARROW_ITEMS, **pack_narrow(unpack(ReadingBatch, record))}
        record = {name: bytes(value) if isinstance(value, memoryview) else value for name, value in record.items()}
    body = io.BytesIO()
    fastavro.schemaless_writer(body, fastavro.parse_schema(json.loads(old)), record)
    raw = HEADER.pack(MAGIC, 1_000_046) + body.getvalue()
    for views in (False, True):
        batch: Any = read_stage(contracts, "ReadingBatch", raw, views=views).parcel.batch
        assert batch.expected_error.tolist() == [0]
        assert len(batch.service_point) == 1


def test_an_expected_error_that_no_reading_has_takes_its_head_alone() -> None:
    batch = unpack(ReadingBatch, read_example(FOLDER / "examples" / "ReadingBatch" / "one_reading.json"))
    rows = np.zeros(5000, np.intp)
    for column in ReadingBatch.COLUMNS:
        if column.section == "reading":
            setattr(batch, column.name, getattr(batch, column.name)[rows])
    assert len(pack_narrow(batch)["expected_error"]) == HEAD.size


def _schema(*fields: dict[str, Any]) -> str:
    return json.dumps({"type": "record", "name": "A", "fields": list(fields)})


B_LONG = {"name": "b", "type": "long"}
C_INT = {"name": "c", "type": "int"}


def test_a_field_added_with_a_default_is_compatible() -> None:
    assert breaks(reader=_schema(B_LONG, {**C_INT, "default": 0}), writer=_schema(B_LONG)) == []


def test_a_field_added_without_a_default_breaks() -> None:
    assert breaks(reader=_schema(B_LONG, C_INT), writer=_schema(B_LONG)) != []


def test_a_field_that_narrows_breaks() -> None:
    assert breaks(reader=_schema({**B_LONG, "type": "int"}), writer=_schema(B_LONG)) != []


def test_a_symbol_taken_away_breaks() -> None:
    def of(*symbols: str) -> str:
        return _schema({"name": "e", "type": {"type": "enum", "name": "E", "symbols": list(symbols)}})

    assert breaks(reader=of("X"), writer=of("X", "Y")) != []
    assert breaks(reader=of("X", "Y"), writer=of("X")) == []
