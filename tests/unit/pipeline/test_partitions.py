"""Partitions of keys are those that Kafka's own clients choose."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.partitions import partition_of_key, partitions_of_keys
from tests.oracles.murmur_oracle import murmur2

# Of Kafka's own tests (org.apache.kafka.common.utils.UtilsTest, testMurmur2).
KNOWN = {b"21": -973932308, b"foobar": -790332482, b"a-little-bit-long-string": -985981536,
         b"a-little-bit-longer-string": -1486304829, b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
         b"abc": 479470107}  # fmt: skip


@pytest.mark.parametrize("key", KNOWN, ids=repr)
def test_the_oracle_gives_known_hashes(key: bytes) -> None:
    assert murmur2(key) == KNOWN[key] % 2**32


@settings(deadline=None)  # the first one compiles
@given(st.binary(max_size=40), st.integers(1, 400))
def test_one_key(key: bytes, partitions: int) -> None:
    assert partition_of_key(key, partitions) == (murmur2(key) & 0x7FFFFFFF) % partitions


@settings(deadline=None)
@given(st.lists(st.binary(min_size=8, max_size=8), max_size=30), st.integers(1, 96))
def test_many_keys(keys: list[bytes], partitions: int) -> None:
    raw = np.array(list(b"".join(keys)), np.uint8).reshape(-1, 8)
    assert partitions_of_keys(raw, partitions).tolist() == [partition_of_key(key, partitions) for key in keys]
