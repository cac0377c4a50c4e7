"""Readings that another head-end has decoded, as frames: how they lie in a FrameBatch beside those of meters.

A partition of `frames` is the only input of its state, so such readings come as frames too: what parks, scatters,
replays and refuses frames needs to know nothing of them. A frame is readings of one device and one kind. No framing and
no APDU of DLMS begins with its first octet. Numbers are little-endian.

| octets | what |
|---|---|
| 1 | 0x52, `R` |
| 1 | version, 1 |
| 1 | kind, pipeline.codes.Kind: BLOCK, DAILY or INSTANT |
| 1 | 0 |
| u16 | rows, 1 to MOST_ROWS; of INSTANT one |
| u16 | texts |
| u64 | device |
| u64 | columns: bit n set, every row has a place for target n (channels, then snapshot fields) |
| rows | i64 stamp, epoch seconds UTC (a block's closes its interval); u64 columns that are there; u16 flags \
(pipeline.codes.Flag, HEAD_END_*); u16 text of the head-end's quality; u16 text of its id; u16 seconds of \
the interval of a BLOCK as the head-end declares it, 0 where it does not or of another kind; i64 a column, in the \
units of pipeline.channels, before the multiplying factor |
| texts | u16 length, UTF-8; the first one is the name of the source. Text 0 stands for none, they count from 1 |
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from pipeline.channels import CHANNELS, FIRST_PHYSICAL, N_SNAPSHOT, SNAPSHOT, SNAPSHOT_INDEX
from pipeline.codes import Flag, Kind
from pipeline.columns import Array

FIRST_OCTET = 0x52
VERSION = 1
HEAD = struct.Struct("<BBBBHHQQ")
ROW = np.dtype(
    [("time", "<i8"), ("present", "<u8"), ("flags", "<u2"), ("quality", "<u2"), ("id", "<u2"), ("interval", "<u2")]
)
MOST_ROWS = 400
"""Rows of a frame at most, as of a profile."""
MOST_OCTETS = 60_000
"""Of a frame: below what a frame's length, a reject and decode can hold."""
MOST_INTERVAL = 0xFFFF
"""Seconds; stands for every longer interval too, since no registry has one."""
MOST_TEXT = 200
"""Octets that are kept of a text."""
LARGEST = 2**53
"""Values beyond this are no measurement."""
LARGEST_PHYSICAL = 2**31 - 1
EARLIEST, LATEST = 946_684_800, 4_102_444_800
"""Stamps lie in the years 2000 to 2099."""

N_CHANNELS = len(CHANNELS)
TARGETS = N_CHANNELS + N_SNAPSHOT
TARGET: dict[str, int] = {channel.name: place for place, channel in enumerate(CHANNELS)}
TARGET |= {field.name: N_CHANNELS + place for place, field in enumerate(SNAPSHOT)}
"""Channel or snapshot field -> bit of `columns`."""

CHANNEL_COLUMNS = (1 << N_CHANNELS) - 1
STATUS_WORDS = sum(1 << (N_CHANNELS + SNAPSHOT_INDEX[name]) for name in ("esw_high", "esw_low"))
COLUMNS_OF = {
    Kind.BLOCK: CHANNEL_COLUMNS,
    Kind.DAILY: CHANNEL_COLUMNS,
    Kind.INSTANT: ((1 << TARGETS) - 1) & ~STATUS_WORDS,
}
"""Columns that a kind may have. The event status word is not among them: its edges are events."""

SAID = Flag.HEAD_END_ESTIMATED | Flag.HEAD_END_SUSPECT | Flag.HEAD_END_EDITED
"""Flags that a row may bring along."""


class ReadingFrameError(ValueError):
    """The octets are no frame of readings: `code` of pipeline.codes.REJECT_CODES, and where they end being one."""

    def __init__(self, reason: str, code: str = "DATA_MALFORMED") -> None:
        super().__init__(reason)
        self.code = code


@dataclass(frozen=True)
class Reading:
    """One row; `values` by target, `quality` and `id` as the head-end wrote them, `interval` s as declared, or 0."""

    time: int
    flags: Flag
    values: dict[int, int]
    quality: str
    id: str
    interval: int = 0


@dataclass(frozen=True)
class ReadingFrame:
    """What a frame says."""

    kind: Kind
    device: int
    source: str
    readings: tuple[Reading, ...]


def rows_of(times: Array, present: Array, flags: Array, columns: int, values: Array, interval: Array) -> Array:
    """Rows u8 (n, octets) of frames with these columns, without their texts.

    times i64, present u64, flags u16, interval i64 s (n,); values i64 (n, columns): column k is the k-th bit that is
    set in `columns`.
    """
    made = np.zeros((len(times), ROW.itemsize + 8 * columns.bit_count()), np.uint8)
    head = made[:, : ROW.itemsize]
    rows = np.zeros(len(times), ROW)
    rows["time"], rows["present"], rows["flags"] = times, present, flags
    rows["interval"] = np.minimum(interval, MOST_INTERVAL)
    head[:] = rows.view(np.uint8).reshape(len(times), ROW.itemsize)
    made[:, ROW.itemsize :] = np.ascontiguousarray(values, "<i8").view(np.uint8).reshape(len(times), -1)
    return made


def texts_of_rows(rows: Array, quality: Array, ids: Array) -> None:
    """Write the numbers of each row's texts, u16 (n,), into rows u8 (n, octets)."""
    for name, numbers in (("quality", quality), ("id", ids)):
        place = ROW.fields[name][1]  # type: ignore[index]
        rows[:, place : place + 2] = np.ascontiguousarray(numbers, "<u2").view(np.uint8).reshape(-1, 2)


def frame_of(kind: Kind, device: int, columns: int, rows: Array, texts: list[bytes]) -> bytes:
    """One frame; texts: the source's name first, UTF-8, each cut at MOST_TEXT octets."""
    head = HEAD.pack(FIRST_OCTET, VERSION, kind, 0, len(rows), len(texts), device, columns)
    tail = b"".join(len(text).to_bytes(2, "little") + text for text in map(shortened, texts))
    return head + rows.tobytes() + tail


def shortened(text: bytes) -> bytes:
    """UTF-8 cut at MOST_TEXT octets, between two characters."""
    return text[:MOST_TEXT].decode("utf-8", "ignore").encode() if len(text) > MOST_TEXT else text


def read_reading_frame(frame: bytes) -> ReadingFrame:
    """What a frame says, in plain Python; raises ReadingFrameError. The kernel in decode accepts the same frames."""
    if len(frame) < HEAD.size or frame[0] != FIRST_OCTET:
        raise ReadingFrameError("no head")
    _, version, kind, spare, count, n_texts, device, columns = HEAD.unpack_from(frame)
    if version != VERSION or spare or kind not in COLUMNS_OF or columns & ~COLUMNS_OF[Kind(kind)]:
        raise ReadingFrameError("a version, kind or column that is not known")
    if not 1 <= count <= (1 if kind == Kind.INSTANT else MOST_ROWS):
        raise ReadingFrameError(f"{count} rows")
    targets = [target for target in range(TARGETS) if columns >> target & 1]
    size = ROW.itemsize + 8 * len(targets)
    end = HEAD.size + count * size
    texts = _texts(frame, end, n_texts)
    readings = []
    for start in range(HEAD.size, end, size):
        time, present, flags, quality, number, interval = struct.unpack_from("<qQHHHH", frame, start)
        values = dict(zip(targets, struct.unpack_from(f"<{len(targets)}q", frame, start + ROW.itemsize), strict=True))
        if present & ~columns or flags & ~SAID or (interval and kind != Kind.BLOCK) or max(quality, number) > n_texts:
            raise ReadingFrameError("a row that does not fit its head")
        there = {target: value for target, value in values.items() if present >> target & 1}
        _check(time, there)
        readings.append(Reading(time, Flag(flags), there, texts[quality], texts[number], interval))
    return ReadingFrame(Kind(kind), device, texts[min(1, n_texts)], tuple(readings))


def _texts(frame: bytes, place: int, count: int) -> list[str]:
    texts = [""]
    for _ in range(count):
        if place + 2 > len(frame):
            raise ReadingFrameError("it ends within its texts")
        length = int.from_bytes(frame[place : place + 2], "little")
        place += 2 + length
        if place > len(frame):
            raise ReadingFrameError("it ends within its texts")
        texts.append(frame[place - length : place].decode("utf-8", "replace"))
    if place != len(frame):
        raise ReadingFrameError("octets behind its end" if place < len(frame) else "it ends within its rows")
    return texts


def _check(time: int, values: dict[int, int]) -> None:
    if not EARLIEST <= time < LATEST:
        raise ReadingFrameError("a stamp that is no time", "CLOCK_UNUSABLE")
    for target, value in values.items():
        if abs(value) > (LARGEST_PHYSICAL if FIRST_PHYSICAL <= target < N_CHANNELS else LARGEST):
            raise ReadingFrameError("a value that is no measurement")
