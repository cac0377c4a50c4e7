"""A-XDR data and COSEM times: what was read is written again as it was, and what does not fit is refused."""

from __future__ import annotations

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import axdr
from pipeline.axdr import FORMATS, Datum, read_datum
from pipeline.axdr_compact import parse
from pipeline.cosem_time import date_time, epoch_of, read_clock
from pipeline.octets import FrameError, length_octets, read_length

WHOLE = [tag for tag, form in FORMATS.items() if form[-1] not in "fds?"]
"""Tags of whole numbers."""


def numbers() -> st.SearchStrategy[Datum]:
    """A datum of any number's tag."""

    def values(tag: int) -> st.SearchStrategy[Datum]:
        size, signed = struct.calcsize(FORMATS[tag]), FORMATS[tag][-1].islower()
        low, high = (-(2 ** (8 * size - 1)), 2 ** (8 * size - 1) - 1) if signed else (0, 2 ** (8 * size) - 1)
        return st.integers(low, high).map(lambda value: Datum(tag, value))

    return st.sampled_from(WHOLE).flatmap(values)


def bits(size: int) -> st.SearchStrategy[Datum]:
    """A bit string of so many bits."""
    octets = st.binary(min_size=(size + 7) // 8, max_size=(size + 7) // 8)
    return octets.map(lambda body: Datum(axdr.BIT_STRING, (size, body)))


leaves = st.one_of(
    numbers(),
    st.booleans().map(lambda value: Datum(3, value)),
    st.floats(width=32, allow_nan=False).map(lambda value: Datum(axdr.FLOAT32, value)),
    st.floats(allow_nan=False).map(lambda value: Datum(axdr.FLOAT64, value)),
    st.tuples(st.sampled_from([axdr.OCTETS, 10, axdr.UTF8]), st.binary(max_size=300)).map(lambda one: Datum(*one)),
    st.binary(min_size=12, max_size=12).map(lambda body: Datum(axdr.DATE_TIME, body)),
    st.sampled_from([Datum(axdr.NULL), Datum(axdr.DONT_CARE)]),
    st.integers(0, 40).flatmap(bits),
)
data = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=5).flatmap(
        lambda items: st.sampled_from([axdr.structure(*items), axdr.array(*items)])
    ),
    max_leaves=20,
)


@given(data)
def test_data_come_back_as_they_were_written(datum: Datum) -> None:
    octets = datum.encoded()
    assert parse(octets) == datum
    assert read_datum(octets, 0)[0].encoded() == octets


@given(st.binary(max_size=300))
def test_any_octets_are_data_or_refused(octets: bytes) -> None:
    with suppress(FrameError):
        assert parse(octets).end == len(octets)


def test_a_compact_array_is_what_it_stands_for_or_is_written_as_it_was() -> None:
    compact = bytes.fromhex("13 02 02 12 06 0c 0001 00000002 0003 00000004")
    assert [[cell.number for cell in item.items] for item in parse(compact).items] == [[1, 2], [3, 4]]
    assert [item.tag for item in parse(b"\2\1" + compact).items] == [axdr.ARRAY]
    assert read_datum(compact, 0)[0].encoded() == compact


def test_what_a_datum_is_by_its_tag() -> None:
    assert [Datum(axdr.ENUM, 3).number, Datum(axdr.BCD, 0x42).number, Datum(3, True).number] == [3, 0x42, 1]
    assert [Datum(axdr.OCTETS, b"a").body, Datum(axdr.BIT_STRING, (3, b"\xe0")).body, Datum(6, 1).body] == [
        b"a", b"\xe0", b"",
    ]  # fmt: skip
    assert Datum(axdr.OCTETS, b"a").number is None
    assert Datum(6, 1).items == []
    with pytest.raises(struct.error):
        Datum(axdr.UINT8, 256).encoded()


def test_nothing_stands_behind_data() -> None:
    with pytest.raises(FrameError, match="1 octets behind"):
        parse(b"\x11\1\0")


@given(st.integers(0, 2**32 - 1))
def test_lengths_come_back(count: int) -> None:
    octets = length_octets(count)
    assert read_length(b"x" + octets, 1) == (count, 1 + len(octets))


OFFSETS = st.sampled_from([0, 19_800, -18_000, 20_700])


@given(st.integers(946_684_800 + 86_400, 4_000_000_000), OFFSETS)
def test_a_date_time_comes_back(epoch: int, offset: int) -> None:
    octets = date_time(epoch, offset)
    assert epoch_of(octets, offset) == epoch
    clock = read_clock(octets, offset, zero_is_utc=False)
    assert clock is not None
    assert (clock.time, clock.status) == (epoch, 0)


@pytest.mark.parametrize("octets", [b"", bytes(12), bytes.fromhex("07e90d01ff000000000000ff"), b"\xff" * 12])
def test_what_is_no_time_is_none(octets: bytes) -> None:
    assert epoch_of(octets, 0) is None


def test_a_deviation_of_nought_is_utc() -> None:
    assert epoch_of(date_time(1_751_308_200, 0), 19_800) == 1_751_308_200
