"""What a checkpoint wrote is what a restore finds, whatever changed and whatever the topic's cleaner has left."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import blocks
from pipeline.blocks import Ledger
from pipeline.errors import Fatal
from pipeline.pages import copy_pages, encode
from pipeline.restore import restore
from pipeline.state import Layout, StateStore, Table, mark

HOT = np.dtype([("count", "<u4"), ("sum", "<i8"), ("odd", "<u1")])
LAYOUT = Layout("toy", 3, (Table("hot", HOT), Table("ring", np.dtype("<u2"), 5), Table("bytes", np.dtype("<u1"), 3)))
PAGES = range(10, 14)


def touch(store: StateStore, keys: list[int], slice_: int, value: int) -> None:
    points = np.array(keys, np.uint64)
    slots = store.locate(_in_pages(points), points)
    for name, at in (("hot", 0), ("ring", slice_), ("bytes", slice_ % 3)):
        area = store.areas[name]
        changed = area.changed.reshape(area.table.slices, -1)
        for slot in slots.tolist():
            if name == "hot":
                area.flat[at][slot] = (value, -value, value % 256)
            else:
                area.flat[at][slot] = value % 251
            mark.py_func(changed, area.dirty, at, slot, store.capacity)


def _in_pages(points: np.ndarray) -> np.ndarray:
    from pipeline.keyed import stand_ins

    homes = stand_ins(PAGES.start, PAGES.stop)
    return homes[(points % np.uint64(len(homes))).astype(np.int64)]


def same(one: StateStore, other: StateStore) -> bool:
    return (
        one.capacity == other.capacity
        and (one.used == other.used).all()
        and all((area.rows == other.areas[name].rows).all() for name, area in one.areas.items())
    )


CHANGES = st.lists(
    st.lists(
        st.tuples(st.lists(st.integers(1, 400), min_size=1, max_size=40), st.integers(0, 4), st.integers(0, 10**6)),
        max_size=4,
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(changes=CHANGES, record_bytes=st.sampled_from([500, 2000, 256 * 1024]), data=st.data())
def test_a_restored_store_equals_the_one_that_was_checkpointed(
    changes: list[list[tuple[list[int], int, int]]], record_bytes: int, data: st.DataObject
) -> None:
    store, ledger = StateStore(LAYOUT, PAGES), Ledger()
    topic: dict[bytes, bytes] = {}
    before = blocks.BLOCK_BYTES
    blocks.BLOCK_BYTES = record_bytes
    try:
        for sequence, batch in enumerate(changes, 1):
            for keys, slice_, value in batch:
                touch(store, keys, slice_, value)
            for copy in copy_pages(store, ledger, sequence):
                record = encode(copy, ledger)
                assert len(record.value) <= max(record_bytes, 64 * 24) + 100
                topic[record.key] = record.value
            assert set(ledger.live) <= set(topic)
            restored, found = restore(LAYOUT, PAGES, store.capacity, topic)
            assert same(store, restored)
            assert found.live == ledger.live
            # The process that restored goes on where the other stopped.
            if data.draw(st.booleans()):
                store, ledger = restored, found
        if ledger.live:
            lost = data.draw(st.sampled_from(sorted(ledger.live)))
            left = {key: value for key, value in topic.items() if key != lost}
            _finds_out(store, ledger, left)
    finally:
        blocks.BLOCK_BYTES = before


def _finds_out(store: StateStore, ledger: Ledger, left: dict[bytes, bytes]) -> None:
    """A missing or changed record stops the restore, at the latest by the sums of the head."""
    try:
        _, found = restore(LAYOUT, PAGES, store.capacity, left)
    except Fatal as error:
        code = error.code
    else:
        code = "PAGES_OTHER" if found.live != ledger.live else ""
    assert code in ("PAGE_MISSING", "PAGE_DAMAGED", "LAYOUT_OTHER", "PAGES_OTHER")


def written(store: StateStore) -> tuple[dict[bytes, bytes], Ledger]:
    ledger = Ledger()
    records = [encode(copy, ledger) for copy in copy_pages(store, ledger, 1)]
    return {record.key: record.value for record in records}, ledger


def test_few_changes_cost_few_bytes_and_many_deltas_end_in_a_whole_page() -> None:
    store, ledger = StateStore(LAYOUT, PAGES), Ledger()
    touch(store, list(range(1, 160)), 0, 1)
    forms = []
    for sequence in range(1, 60):
        touch(store, list(range(1, 40)), 0, sequence)
        records = [encode(copy, ledger) for copy in copy_pages(store, ledger, sequence)]
        forms.append({record.key.split(b"/")[4] for record in records if b"/hot/" in record.key})
    assert forms[1] == {b"delta"}
    assert {b"whole"} <= set().union(*forms)
    live = [key for key in ledger.live if b"/hot/" in key and b"delta" in key]
    assert len(live) < 59 * len(PAGES)


def test_nothing_changed_writes_nothing() -> None:
    store, ledger = StateStore(LAYOUT, PAGES), Ledger()
    touch(store, [1, 2, 3], 0, 1)
    assert copy_pages(store, ledger, 1)
    assert copy_pages(store, ledger, 2) == []


def test_a_grown_store_is_written_whole_and_old_records_are_ignored() -> None:
    store, ledger = StateStore(LAYOUT, PAGES), Ledger()
    touch(store, [1, 2, 3], 0, 1)
    topic = {r.key: r.value for r in (encode(copy, ledger) for copy in copy_pages(store, ledger, 1))}
    touch(store, list(range(1, 400)), 1, 2)
    assert store.capacity > 64
    for copy in copy_pages(store, ledger, 2):
        assert copy.cells is None
        record = encode(copy, ledger)
        topic[record.key] = record.value
    restored, found = restore(LAYOUT, PAGES, store.capacity, topic)
    assert same(store, restored)
    assert found.live == ledger.live


@pytest.mark.parametrize("place", [0, 30, 41, -1])
def test_a_changed_byte_stops_the_restore(place: int) -> None:
    store = StateStore(LAYOUT, PAGES)
    touch(store, [1, 2, 3], 0, 1)
    topic, ledger = written(store)
    key = sorted(topic)[0]
    raw = bytearray(topic[key])
    raw[place] ^= 64
    left = topic | {key: bytes(raw)}
    _finds_out(store, ledger, left)


def test_another_layout_version_stops_the_restore() -> None:
    store = StateStore(LAYOUT, PAGES)
    touch(store, [1], 0, 1)
    topic, _ = written(store)
    with pytest.raises(Fatal, match="LAYOUT_OTHER"):
        restore(Layout("toy", 4, LAYOUT.tables), PAGES, store.capacity, topic)


def test_records_of_another_capacity_do_not_count() -> None:
    store = StateStore(LAYOUT, PAGES)
    touch(store, [1], 0, 1)
    topic, ledger = written(store)
    _, found = restore(LAYOUT, PAGES, 128, topic)
    assert ledger.live
    assert found.live == {}


def test_a_record_of_a_table_that_is_not_there_stops_the_restore() -> None:
    header = blocks.HEADER.pack(1, 3, 10, 0, 64, 1, 1, 0, 0, 0)
    with pytest.raises(Fatal, match="PAGE_STRANGE"):
        restore(LAYOUT, PAGES, 64, {b"toy/other/10/0/whole/0": header})
