"""Rules of a row by itself: clock, status, reactive energy, voltages, power factor, channels that lack."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.vee.kernels_rows import asks_for_rows
from pipeline.batch import DecodedBatch, ReadingBatch
from pipeline.channels import FIRST_PHYSICAL, FIRST_REACTIVE
from pipeline.codes import RULE_BIT, Flag, Quality
from pipeline.reference import FOREVER
from tests.builders_vee import MIDNIGHT, POINTS, Vee, decoded
from tests.oracles.vee_oracle import Link, Row

LINK = Link(7, POINTS[0], 0, FOREVER)
POWER_FACTOR = 15
NOMINAL = b"nominal_mv: 240000\nreactive_intervals: 2\n"


@dataclass(frozen=True)
class Sent:
    """An interval as a meter sends it; None: it has no such channel."""

    wh: int = 500
    vah: int = 520
    varh: int | None = None
    voltage: int | None = None
    current: int | None = None
    exported: int = 0
    factor: int | None = None
    flags: int = 0
    lacks: int = 0


def batch_of(sent: list[Sent], frame: int = 1) -> DecodedBatch:
    """Intervals of one frame, from midnight on."""
    rows = [
        Row(0, True, MIDNIGHT + (place + 1) * 1800, (one.wh, one.vah, one.exported, 0), frame=frame)
        for place, one in enumerate(sent)
    ]
    batch = decoded([LINK], rows)
    for place, one in enumerate(sent):
        batch.flags[place] = one.flags
        batch.present[place] &= ~np.uint32(one.lacks)
        for value, column, channel, item in (
            (one.varh, batch.reactive, FIRST_REACTIVE, 0),
            (one.voltage, batch.physical, FIRST_PHYSICAL, 0),
            (one.current, batch.physical, FIRST_PHYSICAL + 3, 3),
            (one.factor, batch.physical, POWER_FACTOR, POWER_FACTOR - FIRST_PHYSICAL),
        ):
            if value is not None:
                column[place, item] = value
                batch.present[place] |= np.uint32(1 << channel)
    return batch


def judged(sent: list[Sent], document: bytes = NOMINAL) -> ReadingBatch:
    """What the step makes of them."""
    vee = Vee([LINK], documents={"rules/x.yaml": document} if document else {})
    vee._send(batch=batch_of(sent))
    return vee.batches[-1]


def codes(word: int) -> set[str]:
    return {code for code, bit in RULE_BIT.items() if bit < 32 and word >> bit & 1}


def quality(batch: ReadingBatch, row: int, channel: int) -> int:
    return int(batch.quality[row]) >> 4 * channel & 15


@pytest.mark.parametrize(
    ("sent", "rules"),
    [
        (Sent(), set()),
        (Sent(flags=Flag.CLOCK_DOUBTFUL), {"V05"}),
        (Sent(flags=Flag.CLOCK_INVALID), {"V10"}),
        (Sent(flags=Flag.COUNTER_LATE), set()),
        (Sent(wh=100, vah=120, varh=400), set()),
        (Sent(wh=100, vah=520, varh=500), {"V15"}),  # power factor 0.196
        (Sent(voltage=192_000), set()),
        (Sent(voltage=191_999), {"V27"}),
        (Sent(voltage=288_001), {"V27"}),
        (Sent(wh=0, vah=0, voltage=0), set()),  # no supply
        (Sent(wh=0, vah=0, voltage=230_000, current=101), {"V26"}),
        (Sent(wh=0, vah=0, voltage=230_000, current=100), set()),
        (Sent(wh=0, vah=0, voltage=192_000, current=900), set()),  # 0.8 of 240 V: too little to be supply
        (Sent(wh=0, vah=0, voltage=230_000, current=900, exported=5), {"V32"}),  # the current flows out
        (Sent(wh=0, vah=0, voltage=230_000, current=900, lacks=4), {"V33"}),  # it does not say what flows out
        (Sent(wh=1, vah=1, voltage=230_000, current=900), set()),
        (Sent(factor=-962), set()),
        (Sent(factor=1001, wh=520), set()),
        (Sent(factor=1002, wh=520), {"V29"}),
        (Sent(factor=900), {"V29"}),
        (Sent(wh=20, vah=40, factor=900), set()),  # too few digits to be compared
        (Sent(lacks=2), {"V33"}),
        (Sent(lacks=2, flags=Flag.HEAD_END), set()),  # it sends what it likes
    ],
)
def test_a_row_is_judged_by_what_it_has(sent: Sent, rules: set[str]) -> None:
    batch = judged([sent])
    assert codes(int(batch.rules[0])) == rules
    assert quality(batch, 0, 0) == Quality.ACTUAL, "the energy is as good as before"


def test_the_channel_that_is_wrong_is_suspect_and_no_other() -> None:
    batch = judged([Sent(factor=2000), Sent(voltage=400_000), Sent(voltage=180_000), Sent(wh=100, vah=520, varh=500)])
    assert [quality(batch, 0, channel) for channel in (0, POWER_FACTOR)] == [Quality.ACTUAL, Quality.SUSPECT]
    assert quality(batch, 1, FIRST_PHYSICAL) == Quality.SUSPECT  # beyond what can be
    assert quality(batch, 2, FIRST_PHYSICAL) == Quality.ACTUAL  # a poor supply, rightly measured
    assert [quality(batch, 3, channel) for channel in (0, FIRST_REACTIVE)] == [Quality.ACTUAL, Quality.SUSPECT]


def test_reactive_energy_without_active_counts_along_a_frame() -> None:
    alone, used = Sent(wh=0, vah=0, varh=50), Sent(varh=50)
    rules = [codes(int(word)) for word in judged([alone, used, alone, alone, alone, used]).rules]
    assert rules == [set(), set(), {"V15"}, {"V15"}, {"V15"}, set()]


def test_by_default_a_voltage_is_not_judged_and_the_rest_is() -> None:
    batch = judged([Sent(voltage=400_000), Sent(factor=2000, flags=Flag.CLOCK_DOUBTFUL)], b"")
    assert [codes(int(word)) for word in batch.rules] == [set(), {"V29", "V05"}]


def test_rules_that_are_off_or_in_shadow_change_nothing() -> None:
    sent = [Sent(factor=2000), Sent(flags=Flag.CLOCK_DOUBTFUL), Sent(factor=2000, flags=Flag.CLOCK_DOUBTFUL)]
    batch = judged(sent, b"rules: {V29: shadow, V05: off}")
    assert [codes(int(word)) for word in batch.rules] == [{"V29"}, set(), {"V29"}]
    assert [int(word) & Flag.SHADOW for word in batch.flags] == [Flag.SHADOW, 0, Flag.SHADOW]
    assert quality(batch, 0, POWER_FACTOR) == Quality.ACTUAL
    batch = judged(sent, b"rules: {V29: shadow}")
    assert codes(int(batch.rules[2])) == {"V05"}
    assert not int(batch.flags[2]) & Flag.SHADOW


def test_a_plain_push_has_nothing_to_be_looked_at() -> None:
    batch = batch_of([Sent(voltage=240_000)] * 3)
    assert not asks_for_rows(batch, 15)
    assert asks_for_rows(batch_of([Sent(), Sent(lacks=8)]), 15)
    assert not asks_for_rows(batch_of([Sent(), Sent(lacks=8)]), 7)


# ---------------------------------------------------------------------------------------------- any rows


def found(sent: list[Sent], place: int) -> set[str]:
    """The same in plain words, with `NOMINAL`."""
    one, rules = sent[place], set()
    if one.flags & Flag.CLOCK_DOUBTFUL:
        rules.add("V05")
    if one.flags & Flag.CLOCK_INVALID:
        rules.add("V10")
    if one.lacks:
        rules.add("V33")
    if one.varh and one.wh > 0 and (one.varh / one.wh) ** 2 > (1 - 0.2**2) / 0.2**2 + 1e-12:
        rules.add("V15")
    alone = [other.varh is not None and other.varh > 0 and other.wh == 0 for other in sent]
    if alone[place] and (alone[place - 1 : place] == [True] or alone[place + 1 : place + 2] == [True]):
        rules.add("V15")
    if one.voltage is not None and (one.voltage or one.wh) and not 192_000 <= one.voltage <= 288_000:
        rules.add("V27")
    if one.factor is not None:
        share = abs(one.factor)
        if share > 1001 or (one.vah >= 50 and abs(share * one.vah - one.wh * 1000) > 20 * one.vah):
            rules.add("V29")
    return rules


some = st.builds(
    Sent,
    wh=st.sampled_from([0, 0, 30, 100, 500, 510]), vah=st.sampled_from([0, 49, 50, 520]),
    varh=st.sampled_from([None, 0, 40, 489, 490, 3000]),
    voltage=st.sampled_from([None, 0, -5, 191_000, 240_000, 400_000]),
    factor=st.sampled_from([None, 0, 960, -970, 1002]),
    flags=st.sampled_from([0, 0, Flag.CLOCK_DOUBTFUL, Flag.CLOCK_INVALID | Flag.PLAIN]),
    lacks=st.sampled_from([0, 0, 8]),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(some, min_size=1, max_size=6))
def test_any_rows_are_judged_as_in_plain_words(sent: list[Sent]) -> None:
    batch = judged(sent)
    wanted = [found(sent, place) for place in range(len(sent))]
    beside = {"V05", "V10", "V15", "V27", "V29", "V33"}
    assert [codes(int(word)) & beside for word in batch.rules] == wanted
