"""Lists that name their quantities, among pushes, against exact arithmetic; and whatever octets never raise."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.decode.config import DecodeConfig
from agents.decode.lane import SingleLane
from agents.decode.prepare import tables_of
from agents.decode.step import DecodeStep, decode_batch
from pipeline.codes import REJECT_BY_NUMBER, Flag, Kind
from pipeline.state import StateStore
from tests.builders_apdus import hdlc, notification, obis, scaler, segments
from tests.builders_frames import block, datum, frame_batch, references, sealed, stamp
from tests.oracles.decode import Entry, Oracle
from tests.property.test_decode_kernel import (
    DEVICES,
    KEYS,
    LINKS,
    POINTS,
    anything,
    context,  # noqa: F401
    mutations,
    rows_of,
)

WH, VARH, W, V, A, HZ, NONE = 30, 32, 27, 35, 33, 44, 255
PLACES = {
    "1.0.1.8.0.255": (Kind.INSTANT, "wh_imp", WH, 0), "1.1.2.8.0.255": (Kind.INSTANT, "wh_exp", WH, 0),
    "1.0.5.8.0.255": (Kind.INSTANT, "varh_q1", VARH, 0), "1.0.1.29.0.255": (Kind.BLOCK, "wh_imp", WH, 0),
    "1.0.32.27.0.255": (Kind.BLOCK, "voltage_r", V, 3), "1.0.32.7.0.255": (Kind.INSTANT, "voltage_r", V, 3),
    "1.0.51.7.0.255": (Kind.INSTANT, "current_y", A, 3), "1.0.14.7.0.255": (Kind.INSTANT, "frequency", HZ, 3),
    "1.0.1.7.0.255": (Kind.INSTANT, "active_power", W, 0), "1.0.13.7.0.255": (Kind.INSTANT, "power_factor", NONE, 3),
    "1.0.2.7.0.255": None, "1.0.1.8.1.255": None, "1.0.1.8.0.101": None,
}  # fmt: skip
PHYSICAL = {"voltage_r", "current_y", "power_factor"}
REGISTERS = {"wh_imp", "wh_exp", "varh_q1"}
numbers = st.one_of(
    st.tuples(st.just(6), st.integers(0, 2**32 - 1)), st.tuples(st.just(18), st.integers(0, 2**16 - 1)),
    st.tuples(st.just(16), st.integers(-(2**15), 2**15 - 1)), st.tuples(st.just(20), st.integers(-(2**63), 2**63 - 1)),
    st.tuples(st.just(21), st.integers(0, 2**64 - 1) | st.just(2**53)),
    st.tuples(st.just(23), st.floats(-1e4, 1e4, width=32)), st.tuples(st.just(0), st.none()),
)  # fmt: skip
walls = st.sampled_from([(2025, 7, 1, 12, 0, 0), (2025, 7, 1, 0, 0, 0), (2025, 7, 1, 18, 30, 0), (2025, 7, 1, 9, 0, 7)])


class MalformedError(Exception):
    """A number that is no measurement."""


def exact(tag, value):
    return Fraction(Decimal(str(np.float32(value)))) if tag == 23 else Fraction(value)


def whole(number, power, name, scale):
    found = floor(number * Fraction(10) ** (power + scale) + Fraction(1, 2))
    if abs(found) > (2**31 - 1 if name in PHYSICAL else 2**53):
        raise MalformedError
    return found


@st.composite
def lists(draw):
    """(APDU, code or kinds and entries) of a list of quantities."""
    codes = draw(st.lists(st.sampled_from(sorted(PLACES)), min_size=1, max_size=6, unique=True))
    parts, by_kind, bad = [], {Kind.BLOCK: {}, Kind.INSTANT: {}}, False
    for code in codes:
        tag, value = draw(numbers)
        power = draw(st.integers(-4, 3))
        place = PLACES[code] or (None, "", WH, 0)
        unit = place[2] if draw(st.integers(0, 9)) else draw(st.sampled_from([WH, V, NONE, 0]))
        parts.append([obis(code), datum(tag, value), scaler(power, unit)])
        # 0 is no unit that the tables know, so it stands for none.
        if place[0] is None or value is None or (unit or NONE) != place[2]:
            continue
        try:
            by_kind[place[0]][place[1]] = whole(exact(tag, value), power, place[1], place[3])
        except MalformedError:
            bad = True
    wall, deviation = draw(walls), draw(st.sampled_from([-330, 330, 0, -0x8000]))
    status = draw(st.sampled_from([0, 1, 2, 0xFF]))
    nested = [datum(1, [datum(2, part) for part in parts]), datum(2, [datum(2, part) for part in parts])]
    body = draw(st.sampled_from([*nested, datum(2, [item for part in parts for item in part])]))
    apdu = notification(body, b"\x0c" + stamp(wall, deviation, status))
    if bad:
        return apdu, "DATA_MALFORMED"
    time = 1_751_351_400 + (wall[3] - 12) * 3600 + wall[4] * 60 + wall[5] + (19_800 if deviation == 0 else 0)
    known = 0 if status == 0xFF else status
    flags = (Flag.CLOCK_INVALID if known & 1 else 0) | (Flag.CLOCK_DOUBTFUL if known & 2 else 0)
    found = []
    if by_kind[Kind.BLOCK]:
        found.append((Kind.BLOCK, by_kind[Kind.BLOCK]))
    registers = {name: value for name, value in by_kind[Kind.INSTANT].items() if name in REGISTERS}
    if registers and (time + 19_800) % 86_400 == 0:
        found.append((Kind.DAILY, registers))
    if by_kind[Kind.INSTANT]:
        found.append((Kind.INSTANT, by_kind[Kind.INSTANT]))
    if not found:
        return apdu, "TEMPLATE_UNKNOWN"
    return apdu, ([kind for kind, _ in found], [Entry(time, time, 0, 0, int(flags), values) for _, values in found])


@st.composite
def frames(draw):
    """(frame, device, point, what the list in it says; None: a push)."""
    number = draw(st.sampled_from([0, 1, 2]))
    device, point = DEVICES[number], draw(st.sampled_from([POINTS[number]] * 5 + [79]))
    apdu, said = draw(lists()) if draw(st.integers(0, 3)) else (block(), None)
    control = draw(st.sampled_from([0, 0x30, 0x30, 0x20, 0x10]))
    if control:
        counter = draw(st.sampled_from([1, 2, 3, 4, 5, 258, 259, 600]))
        apdu = sealed(apdu, counter, device, KEYS[device], control)
    framing = draw(st.sampled_from(["", "", "llc", "hdlc", "segments"])) if said is not None else ""
    if framing:
        behind = b"\xe6\xe7\x00" + apdu
        forms = {"llc": behind, "hdlc": hdlc(behind), "segments": b"".join(segments(apdu, 50))}
        return forms[framing], device, point, said
    return apdu, device, point, said


def decoded(offered, context, *, strict=False, lane=True):  # noqa: F811
    """Verdicts and rows of records of (frame, device, point)."""
    config = DecodeConfig(counter="strict" if strict else "window")
    tables = tables_of(references(LINKS, KEYS), config)
    store = StateStore(DecodeStep(config).layout, range(512))
    found = []
    for record in offered:
        raw, devices, points = zip(*record, strict=True)
        reads = SingleLane(config.single_octets) if lane else None
        batch, opened, changes = decode_batch(frame_batch(raw, devices, points), store, tables, context, lane=reads)
        rows = rows_of(batch, changes)
        found += [REJECT_BY_NUMBER[int(opened.code[n])].code if opened.code[n] else rows.get(n, [])
                  for n in range(len(record))]  # fmt: skip
        assert all(int(opened.code[frame]) == 0 for frame in rows)
    return found


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.lists(frames(), min_size=1, max_size=7), min_size=1, max_size=3), st.booleans())
def test_lists_and_pushes_in_any_order_are_what_exact_arithmetic_says(context, offered, strict):  # noqa: F811
    oracle = Oracle(references(LINKS, KEYS), KEYS, strict=strict)
    expected = []
    for frame, device, point, said in (frame for record in offered for frame in record):
        if said is None:
            expected.append(oracle.judge(frame, device, point))
        elif isinstance(said, str):
            expected.append(said)
        else:
            kinds, entries = said
            expected.append(oracle.judge_entries(frame, device, point, entries, kinds))
    found = decoded([[frame[:3] for frame in record] for record in offered], context, strict=strict)
    assert found == expected


@st.composite
def odd_frames(draw):
    """Frames of all sorts that nobody may stumble over."""
    apdu = draw(st.one_of(
        lists().map(lambda made: made[0]), anything.map(notification), st.binary(max_size=80),
        anything.map(lambda body: b"\xc2\0\0\1\0\0\x5e\x5b\x12\xff\2" + body),
        anything.map(lambda body: notification(datum(2, [datum(9, b"M"), obis("0.103.25.9.0.255"), datum(1, [body])]))),
        anything.map(lambda body: notification(datum(2, [datum(9, b"M"), obis("0.120.25.9.0.255"), body]))),
        st.binary(max_size=60).map(lambda text: b"/A\r\n1-0:1.8.0(" + text + b"*kWh)\r\n!"),
    ))  # fmt: skip
    apdu = draw(mutations(apdu))
    if draw(st.booleans()):
        return sealed(apdu or b"\0", draw(st.integers(1, 9)), DEVICES[0], KEYS[DEVICES[0]]), DEVICES[0], 77
    return draw(mutations(draw(st.sampled_from([apdu, b"\xe6\xe7\x00" + apdu, hdlc(apdu)])))), DEVICES[0], 77


@pytest.mark.filterwarnings("error")
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(odd_frames(), min_size=1, max_size=6))
def test_no_frame_raises_and_without_the_lane_it_has_the_code_of_the_kernels(context, record):  # noqa: F811
    mine = decoded([record], context)
    alone = decoded([record], context, lane=False)
    for with_lane, without in zip(mine, alone, strict=True):
        if with_lane != without and isinstance(with_lane, str):
            assert without in ("TEMPLATE_UNKNOWN", "APDU_UNKNOWN") or with_lane.startswith("COUNTER_")
