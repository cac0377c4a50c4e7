"""Views of packed columns say the same as the general reader."""

from __future__ import annotations

import dataclasses
import io

import fastavro
import numpy as np
import pytest

from pipeline.batch import ReadingBatch
from pipeline.columns import pack
from pipeline.errors import ContractError
from pipeline.step import Control, Origin, Parcel, Tick
from pipeline.wire import BATCHES, HEADER, MAGIC, read_stage, stage_record
from schemas.load import load_contracts
from schemas.render import ADDED

CONTRACTS = load_contracts()
ENVELOPES = [(None, None), (Tick(100, 5), None), (Tick(7, 0), Control({"registry": "a" * 64, "keys": "b"}))]


def parcel(schema: str, rows: int, tick: Tick | None, control: Control | None) -> Parcel:
    random, sections = np.random.default_rng(rows), {}
    columns = {}
    for column in BATCHES[schema].COLUMNS:
        count = sections.setdefault(column.section, rows)
        octets = random.bytes(count * column.width * np.dtype(column.dtype).itemsize)
        columns[column.name] = column.view(octets)
    return Parcel(Origin("log", 3, 17), BATCHES[schema](**columns), tick, control)


@pytest.mark.parametrize(("tick", "control"), ENVELOPES)
@pytest.mark.parametrize("rows", [0, 1, 63, 64, 5000])
@pytest.mark.parametrize("schema", ["ReadingBatch", "NodeEnergy", "DecodedBatch"])
def test_both_readers_agree(schema: str, rows: int, tick: Tick | None, control: Control | None) -> None:
    raw = stage_record(CONTRACTS, schema, parcel(schema, rows, tick, control), 16)
    copied, viewed = read_stage(CONTRACTS, schema, raw), read_stage(CONTRACTS, schema, raw, views=True)
    without = [dataclasses.replace(one.parcel, batch=None) for one in (copied, viewed)]
    assert (without[0], copied.previous_offset) == (without[1], viewed.previous_offset)
    if copied.parcel.batch is None:
        assert viewed.parcel.batch is None
        return
    for column in BATCHES[schema].COLUMNS:
        mine, theirs = getattr(copied.parcel.batch, column.name), getattr(viewed.parcel.batch, column.name)
        assert mine.dtype == theirs.dtype
        assert np.array_equal(mine, theirs)


def test_a_column_that_reaches_behind_the_end_is_refused() -> None:
    raw = stage_record(CONTRACTS, "ReadingBatch", parcel("ReadingBatch", 40, None, None), 16)
    for cut in (1, 7, len(raw) // 2):
        with pytest.raises(ContractError, match="COLUMN_LENGTH"):
            read_stage(CONTRACTS, "ReadingBatch", raw[:-cut], views=True)
    assert isinstance(read_stage(CONTRACTS, "ReadingBatch", raw, views=True).parcel.batch, ReadingBatch)


def test_readings_of_the_first_release_are_read_as_they_were_written() -> None:
    name = "ReadingBatch"
    old_id = next(number for number, (of, _) in CONTRACTS.known.items()
                  if of == name and number not in CONTRACTS.accepted(name))  # fmt: skip
    now = parcel("ReadingBatch", 40, Tick(100, 5), None)
    envelope = {"source_topic_id": "log", "source_partition": 3, "source_offset": 17, "previous_offset": 16,
                "tick": {"time": 100, "lateness_secs": 5}, "control": None}  # fmt: skip
    body = io.BytesIO()
    assert isinstance(now.batch, ReadingBatch)
    now.batch.day_registers = now.batch.day_registers & 255
    of_an_octet = {"day_registers": now.batch.day_registers.astype("<u1").tobytes()}
    fastavro.schemaless_writer(body, CONTRACTS.known[old_id][1], {**envelope, **pack(now.batch), **of_an_octet})
    raw = HEADER.pack(MAGIC, old_id) + body.getvalue()
    for views in (False, True):
        found = read_stage(CONTRACTS, name, raw, views=views).parcel
        assert (found.tick, found.origin) == (now.tick, now.origin)
        for column in ReadingBatch.COLUMNS:
            told = getattr(now.batch, column.name)
            expected = np.zeros_like(told) if column.added else told[: 0 if column.section in ADDED else len(told)]
            assert np.array_equal(getattr(found.batch, column.name), expected)


def test_readings_of_a_later_packing_are_refused() -> None:
    raw = stage_record(CONTRACTS, "ReadingBatch", parcel("ReadingBatch", 4, None, None), 16)
    record = CONTRACTS.decode(raw) | {"packing": 2}
    with pytest.raises(ContractError, match="PACKING_OTHER"):
        read_stage(CONTRACTS, "ReadingBatch", CONTRACTS.encode("ReadingBatch", record))
