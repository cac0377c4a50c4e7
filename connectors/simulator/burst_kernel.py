"""The loop that makes block pushes and profiles: order, energies, plaintext, encryption, faults.

A frame has `rows` intervals: frame n (1-based) of a meter those from (n - 1) x rows + 1 to n x rows.

Formulas (all 64-bit unsigned unless said; `chance` = connectors.simulator.chance.draw of seed, BURST, meter, interval;
b(v, n) = (v >> 32) x n >> 32):

    mean   = 100 + b(draw(seed, BURST, meter, 0), 500)                Wh of an interval
    wh     = mean x weight[slot] / 1000 x (700 + b(chance, 601)) / 1000 + 1, each division rounded down
    factor = 880 + (chance & 63);  vah = wh x 1000 / factor + 1
    plants = meter mod 16 = 3 (`BurstPlan.plants`), from slot of 10:00 to that of 15:00: wh and vah 0, export what they
             would have been
    volts  = 228.0 + 0.1 x ((chance >> 8) & 127);  amperes = vah over volts, in hundredths, rounded down
    fault  = b(drawn = draw(seed, FRAME_FAULT, meter, frame), 10,000) by EDGES;
             a spike is in row b(drawn x 2^32, rows) of its frame, counted from 0
    late   = no fault and b(draw(seed, DELAY, meter, interval), 1000) < permille of the plan (of one row a frame);
             then sent 1 + b(draw x 2^32, 3) intervals later, behind the meter's push of that interval
"""

from __future__ import annotations

import numpy as np

from connectors.simulator.chance import Purpose, below, draw
from connectors.simulator.faults import Fault
from connectors.simulator.kernels import GENERAL_GLO, PROTECTED, put_clock, put_whole
from connectors.simulator.network import D1_FLOAT, FIRST_POINT
from connectors.simulator.skeletons import CLOCK_OCTETS, NAME_OCTETS, skeleton
from pipeline.codes import Kind
from pipeline.columns import Array
from pipeline.gcm import IV_ROOM, seal
from pipeline.jit import allocating_kernel, expanded
from pipeline.lookup import KEY_GROUPS, PAGE_GROUPS, PAGES, mix
from pipeline.templates import ARRAY, HEAD, PUSH_NAMES, STRUCTURE, TEMPLATE_BY_NUMBER

MAKER = b"KVN"
FIRST_SERIAL = 0x20_0000_0000
TITLE_HEAD = np.uint64((int.from_bytes(MAKER, "big") << 40) + FIRST_SERIAL)

PLAIN_OCTETS = 78
HEAD_OCTETS, TAG_OCTETS = 16, 12
FRAME_OCTETS = HEAD_OCTETS + PLAIN_OCTETS + TAG_OCTETS
LONG_OCTETS = 2
"""Further octets for the length of a frame of more than 127."""
NAME_AT = 10
CLOCK_AT = NAME_AT + NAME_OCTETS + 2 + len(PUSH_NAMES[Kind.BLOCK]) + 2
FIRST_FLOAT, FLOAT_STEP = CLOCK_AT + CLOCK_OCTETS + 1, 5

BUFFER_HEAD = 4
"""Octets before the first clock of a profile: tag and number of its rows, tag and number of the row's columns."""
ROW_OCTETS = 3 + PLAIN_OCTETS - CLOCK_AT - CLOCK_OCTETS
"""A row behind the first: tag and number of columns, null-data for its clock, columns."""
MOST_ROWS = 127
"""Rows whose number is one octet."""
DEVIATION = -330

ENCRYPTION, AUTHENTICATION = 0, 2

TEN_THOUSAND = 10_000
MISSING, DUPLICATE, CORRUPT, WRONG_KEY, TRUNCATED, SPIKE = (
    int(fault) for fault in
    (Fault.MISSING, Fault.DUPLICATE, Fault.CORRUPT, Fault.WRONG_KEY, Fault.TRUNCATED, Fault.SPIKE)
)  # fmt: skip
EDGES = np.array([30, 50, 70, 80, 90, 100], np.int64)
EDGE_FAULTS = np.array([MISSING, DUPLICATE, CORRUPT, WRONG_KEY, TRUNCATED, SPIKE], np.uint8)
"""Of ten thousand pushes: 30 missing, 20 duplicates, 20 corrupt, 10 wrong key, 10 truncated, 10 spikes."""

MOST_LAG = 3
"""Intervals after its own in which a late push is sent, at most."""

SPIKE_WH = 4_000
CUT_OCTETS = 60
PLANT_AT = 3
_BURST, _FAULT, _KEY = Purpose.BURST.value, Purpose.FRAME_FAULT.value, Purpose.KEY.value
_DELAY = Purpose.DELAY.value


def plain_octets() -> Array:
    """A D1 block push, its changing octets still to be written."""
    push = TEMPLATE_BY_NUMBER[D1_FLOAT].push(Kind.BLOCK)
    assert push is not None
    raw = np.frombuffer(skeleton(push)[0], np.uint8).copy()
    assert len(raw) == PLAIN_OCTETS
    raw[NAME_AT : NAME_AT + len(MAKER)] = np.frombuffer(MAKER, np.uint8)
    return raw


def profile_octets(rows: int) -> Array:
    """The buffer of a D1 block profile in a push, its changing octets still to be written."""
    assert 1 < rows <= MOST_ROWS
    block = plain_octets().tobytes()
    clock, columns = block[CLOCK_AT - 2 : CLOCK_AT + CLOCK_OCTETS], block[CLOCK_AT + CLOCK_OCTETS :]
    row = bytes((STRUCTURE, block[7] - HEAD + 1))
    buffer = bytes((ARRAY, rows)) + row + clock + columns + (row + b"\0" + columns) * (rows - 1)
    return np.frombuffer(block[:7] + bytes((HEAD,)) + block[8 : CLOCK_AT - 2] + buffer, np.uint8).copy()


def frame_octets(rows: int) -> int:
    """Octets of a frame of so many rows."""
    return FRAME_OCTETS if rows == 1 else HEAD_OCTETS + LONG_OCTETS + len(profile_octets(rows)) + TAG_OCTETS


def title_of(meters: Array) -> Array:
    """System title u64 of each meter."""
    titles: Array = meters.astype(np.uint64) + TITLE_HEAD
    return titles


@expanded
def ordered(place, count, salt):  # type: ignore[no-untyped-def]
    """The meter at `place` of an order of 0..count-1: rounds bijective on a power of two, walked into range."""
    bits = 1
    while (np.int64(1) << bits) < count:
        bits += 1
    mask = (np.uint64(1) << np.uint64(bits)) - np.uint64(1)
    half = np.uint64((bits + 1) // 2)
    x = np.uint64(place)
    while True:
        for turn in range(3):
            key = salt >> np.uint64(16 * turn)
            x = (x * ((key << np.uint64(1)) | np.uint64(1)) + (salt >> np.uint64(7 * turn + 5))) & mask
            x ^= x >> half
        if x < np.uint64(count):
            return np.int64(x)


@expanded
def put_key(seed, which, meter, out):  # type: ignore[no-untyped-def]
    """A meter's key to out u8 (16,)."""
    first = draw(seed, _KEY, meter, which)
    second = mix(first + np.uint64(1))
    for octet in range(8):
        out[octet] = np.uint8((first >> np.uint64(8 * octet)) & np.uint64(255))
        out[8 + octet] = np.uint8((second >> np.uint64(8 * octet)) & np.uint64(255))


@allocating_kernel
def fill_keys(seed, which, out):  # type: ignore[no-untyped-def]
    """Keys of meters 0.. to out u8 (n, 16)."""
    for meter in range(out.shape[0]):
        put_key(seed, which, meter, out[meter])


@expanded
def _fault_of(seed, meter, interval):  # type: ignore[no-untyped-def]
    drawn = below(draw(seed, _FAULT, meter, interval), TEN_THOUSAND)
    if drawn >= EDGES[-1]:
        return 0
    place = 0
    while drawn >= EDGES[place]:
        place += 1
    return np.int64(EDGE_FAULTS[place])


@expanded
def _spiky_row(seed, meter, frame, rows):  # type: ignore[no-untyped-def]
    """Row of a spike in its frame."""
    return below(draw(seed, _FAULT, meter, frame) << np.uint64(32), rows)


@expanded
def _lag_of(seed, permille, meter, interval):  # type: ignore[no-untyped-def]
    """Intervals by which a push without fault is late, 0 for most."""
    chance = draw(seed, _DELAY, meter, interval)
    if below(chance, 1000) >= permille:
        return np.int64(0)
    return 1 + below(chance << np.uint64(32), MOST_LAG)


@expanded
def _is_sent(seed, permille, first, meter, interval, lag, fault):  # type: ignore[no-untyped-def]
    """Whether the push of `interval` is sent `lag` intervals after it."""
    if lag and interval < first:
        return False
    return lag == (_lag_of(seed, permille, meter, interval) if fault == 0 else 0)


@expanded
def _put_length(payload, at, length):  # type: ignore[no-untyped-def]
    """In one octet, or in LONG_OCTETS more."""
    payload[at] = length
    if length > 127:
        payload[at] = 0x80 + LONG_OCTETS
        put_whole(payload, at + 1, LONG_OCTETS, np.int64(length))


@expanded
def _put_float(out, place, value, real, word):  # type: ignore[no-untyped-def]
    real[0] = np.float32(value)
    bits = word[0]
    out[place] = bits >> np.uint32(24)
    out[place + 1] = (bits >> np.uint32(16)) & np.uint32(255)
    out[place + 2] = (bits >> np.uint32(8)) & np.uint32(255)
    out[place + 3] = bits & np.uint32(255)


@expanded
def _put_meter(plain, meter, interval):  # type: ignore[no-untyped-def]
    """Device id (six hexadecimal digits) and invoke id."""
    for digit in range(6):
        value = (meter >> (4 * (5 - digit))) & 15
        plain[NAME_AT + 3 + digit] = value + (48 if value < 10 else 55)
    put_whole(plain, 2, 3, np.int64(interval))


@expanded
def _put_energies(plain, at, seed, meter, plants, interval, slot, secs, weight, spike, real, word):  # type: ignore[no-untyped-def]
    chance = draw(seed, _BURST, meter, interval)
    mean = 100 + below(draw(seed, _BURST, meter, 0), 500)
    wh = mean * weight // 1000 * (700 + below(chance, 601)) // 1000 + 1
    vah = wh * 1000 // (880 + np.int64(chance & np.uint64(63))) + 1
    if spike:
        wh += SPIKE_WH
        vah += SPIKE_WH
    millivolts = 228_000 + 100 * np.int64((chance >> np.uint64(8)) & np.uint64(127))
    hundredths = vah * 3600 // secs * 100_000 // millivolts
    hour = slot * secs // 3600
    exporting = plants > 0 and meter % plants == PLANT_AT % plants and 10 <= hour < 15
    taken, given = (0.0, wh / 1000.0) if exporting else (wh / 1000.0, 0.0)
    apparent, back = (0.0, vah / 1000.0) if exporting else (vah / 1000.0, 0.0)
    _put_float(plain, at, millivolts / 1000.0, real, word)
    _put_float(plain, at + FLOAT_STEP, taken, real, word)
    _put_float(plain, at + 2 * FLOAT_STEP, apparent, real, word)
    _put_float(plain, at + 3 * FLOAT_STEP, given, real, word)
    _put_float(plain, at + 4 * FLOAT_STEP, back, real, word)
    _put_float(plain, at + 5 * FLOAT_STEP, hundredths / 100.0, real, word)
    _put_float(plain, at + 6 * FLOAT_STEP, hundredths / 100.0, real, word)


@expanded
def _put_rows(plain, at, seed, meter, plants, frame, rows, secs, weights, spike, real, word):  # type: ignore[no-untyped-def]
    """The values of all rows, from the first float on at `at`; spike: its row, or -1."""
    for row in range(rows):
        interval = (frame - 1) * rows + row + 1
        slot = (interval - 1) % weights.shape[0]
        _put_energies(plain, at, seed, meter, plants, interval, slot, secs, weights[slot], row == spike, real, word)
        at += ROW_OCTETS


@allocating_kernel
def fill(  # type: ignore[no-untyped-def]
    ctx, seed, meters, plants, faulty, permille, first, sending, rows, secs, start, position, weights, plain, points,
    devices, received, lengths, payload, stride, count, octets,
):  # fmt: skip
    """See Burst.fill_block_frames; payload u8 (partitions x stride,).

    sending: number of the frames that are due; rows, permille, first, plants: of the plan; plain: of so many rows.
    """
    partitions, room = points.shape
    key, iv = np.zeros(16, np.uint8), np.zeros(IV_ROOM, np.uint8)
    aad = np.zeros(17, np.uint8)
    aad[0] = PROTECTED
    authentication = aad[1:]
    word = np.zeros(1, np.uint32)
    real = word.view(np.float32)
    lags = 1 + MOST_LAG if permille else 1
    said, shift = plain.shape[0], (BUFFER_HEAD if rows > 1 else 0)
    head = HEAD_OCTETS + (LONG_OCTETS if rows > 1 else 0)
    whole = head + said + TAG_OCTETS
    stamped = np.int64(-1)
    salt = draw(seed, _BURST, 0xFFFF_FFFF, sending)
    while position < meters * lags:
        place, lag = position // lags, position % lags
        frame = sending - lag
        meter = ordered(place, meters, salt)
        fault = _fault_of(seed, meter, frame) if faulty else np.int64(0)
        if fault == MISSING or (permille and not _is_sent(seed, permille, first, meter, frame, lag, fault)):
            position += 1
            continue
        point = np.uint64(meter + FIRST_POINT)
        page = np.int64(mix(point) & np.uint64(KEY_GROUPS - 1)) // PAGE_GROUPS
        partition = page * partitions // PAGES
        row = count[partition]
        if row >= room - 1:
            return position
        if frame != stamped:
            stamped = frame
            put_clock(plain, CLOCK_AT + shift, start + ((frame - 1) * rows + 1) * secs, DEVIATION, 0)
        _put_meter(plain, meter, frame)
        spike = _spiky_row(seed, meter, frame, rows) if fault == SPIKE else np.int64(-1)
        _put_rows(plain, FIRST_FLOAT + shift, seed, meter, plants, frame, rows, secs, weights, spike, real, word)
        title = np.uint64(meter) + TITLE_HEAD
        put_key(seed, ENCRYPTION, meter, key)
        put_key(seed, AUTHENTICATION, meter, authentication)
        if fault == WRONG_KEY:
            key[0] ^= 1
        at = partition * stride + octets[partition]
        payload[at], payload[at + 1] = GENERAL_GLO, 8
        put_whole(payload, at + 2, 8, np.int64(title))
        _put_length(payload, at + 10, 5 + said + TAG_OCTETS)
        payload[at + head - 5] = PROTECTED
        put_whole(payload, at + head - 4, 4, np.int64(frame))
        for octet in range(8):
            iv[octet] = payload[at + 2 + octet]
        for octet in range(4):
            iv[8 + octet] = payload[at + head - 4 + octet]
        seal(ctx, key, 0, iv, aad, 17, plain, 0, said, payload, at + head)
        length = whole
        if fault == CORRUPT:
            payload[at + head + meter % said] ^= 0x55
        elif fault == TRUNCATED:
            length = CUT_OCTETS
        due = start + sending * rows * secs + place * 300 // meters
        points[partition, row], devices[partition, row] = point, title
        received[partition, row], lengths[partition, row] = due, length
        if fault == DUPLICATE:
            for octet in range(whole):
                payload[at + whole + octet] = payload[at + octet]
            row += 1
            points[partition, row], devices[partition, row] = point, title
            received[partition, row], lengths[partition, row] = due, length
            length = 2 * whole
        count[partition] = row + 1
        octets[partition] += length
        position += 1
    return position
