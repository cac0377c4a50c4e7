"""Invocation counters: never twice under one key, whatever dies when."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.dlms_pull.counters import LAST, MOST_FIRST, Counters
from connectors.dlms_pull.journal import MemoryJournal
from connectors.dlms_pull.transport import NoAnswer

JUMP = 1000
TITLE, KEY = b"KVN\0\0\0\0\1", bytes(range(16))
NAME = Counters.key(TITLE, KEY)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["end", "crash", "crash before the write"]),
            st.integers(0, 10), st.sampled_from([0, 0, 0, 5, 30, 200]),
        ),
        max_size=30,
    )
)  # fmt: skip
def test_no_counter_is_used_twice_over_ends_and_crashes(runs: list[tuple[str, int, int]]) -> None:
    async def play() -> None:
        log: list[tuple[str, bytes | None]] = []
        counters, used, newest = Counters(MemoryJournal(log), JUMP, span=10), set[int](), 0
        for end, count, least in runs:
            if end == "crash before the write":
                counters = Counters(MemoryJournal(log), JUMP, span=10)
                continue
            lease = await counters.lease(NAME, least)
            assert lease.following >= least
            assert lease.following > newest or not used
            mine = set(range(lease.following, min(lease.end, lease.following + count)))
            assert not mine & used
            used |= mine
            newest = max(used, default=0)
            if end == "crash":
                counters = Counters(MemoryJournal(log), JUMP, span=10)
            else:
                counters.give_back(lease, lease.following + len(mine))

    asyncio.run(play())


async def test_two_associations_under_one_key_have_spans_of_their_own() -> None:
    counters = Counters(MemoryJournal(), JUMP, span=10)
    first, second = await asyncio.gather(counters.lease(NAME), counters.lease(NAME))
    assert set(range(first.following, first.end)).isdisjoint(range(second.following, second.end))
    counters.give_back(first, first.following + 1)
    third = await counters.lease(NAME)
    assert third.following >= second.end


async def test_the_end_of_a_span_is_safe_before_the_first_counter_is_used() -> None:
    class Stuck(MemoryJournal):
        async def put(self, key: str, record: object) -> None:
            raise ConnectionError

    counters = Counters(Stuck(), JUMP, span=10)
    with pytest.raises(ConnectionError):
        await counters.lease(NAME)
    assert counters.following(NAME) == 1


async def test_a_meter_that_says_too_much_is_not_believed() -> None:
    log: list[tuple[str, bytes | None]] = []
    counters = Counters(MemoryJournal(log), JUMP, span=10)
    with pytest.raises(NoAnswer, match="COUNTER_JUMP"):
        await counters.lease(NAME, MOST_FIRST + 1)
    # A fleet that another head-end has asked for years: its counters are where they are.
    lease = await counters.lease(NAME, 5_000_000)
    assert lease.following == 5_000_000
    for keeper in (counters, Counters(MemoryJournal(log), JUMP, span=10)):
        with pytest.raises(NoAnswer, match="COUNTER_JUMP"):
            await keeper.lease(NAME, lease.end + JUMP + 1)


async def test_a_counter_that_is_spent_is_an_end() -> None:
    log: list[tuple[str, bytes | None]] = [(NAME, b'{"ceiling":%d}' % (LAST - 5))]
    with pytest.raises(NoAnswer, match="COUNTER_SPENT"):
        await Counters(MemoryJournal(log), JUMP).lease(NAME)


def test_the_name_of_a_counter_says_which_key_but_not_the_key() -> None:
    assert KEY.hex() not in NAME
    assert Counters.key(TITLE, bytes(16)) != NAME
    assert Counters.key(bytes(8), KEY) != NAME
