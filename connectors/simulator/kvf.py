"""Files of frames that can be played again.

A `.kvf` file is `KVF1` and a line feed, then records. A record is its kind (one octet) and its length (u32), then what
a simulated fleet has sent, interval by interval:

    F  frames: count u32; sender u64 (count), received_at i64 (count), length u32 (count), transport u8 (count), payload
    R  registry: the version that comes into force (`pipeline.reference_codec.registry_to_bytes`)
    T  tick: time i64, lateness_secs i64

or what was recorded of a topic, first from which, then its records in the order of their times:

    S  source: partitions u32, name of the topic
    L  record of the log: crc32 u32 of all that follows; partition u32, time i64 (epoch milliseconds UTC, as Kafka has
       it), frames u32, length of the key i32 (-1: none), key, value

All numbers are little-endian. A `.hex` file has a frame a line in hexadecimal digits, and ticks as
`# tick time lateness`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from zlib import crc32

import numpy as np

from connectors.simulator.frames import NAMES, Frames
from connectors.simulator.network import MQTT
from pipeline.errors import ContractError, KvarnError
from pipeline.reference import Registry
from pipeline.reference_codec import registry_from_bytes, registry_to_bytes
from pipeline.step import Tick

MAGIC = b"KVF1\n"
RECORD, COUNT, TICK = struct.Struct("<cI"), struct.Struct("<I"), struct.Struct("<qq")
LOGGED = struct.Struct("<IqIi")
COLUMNS = (("sender", "<u8"), ("received_at", "<i8"), ("length", "<u4"), ("transport", "<u1"))


@dataclass(frozen=True)
class Source:
    """The topic that the records behind it are of."""

    partitions: int
    topic: str


@dataclass(frozen=True)
class Logged:
    """A record of a partition as it stood in the log: its time in epoch milliseconds UTC, how many frames are in it."""

    partition: int
    time_ms: int
    frames: int
    key: bytes | None
    value: bytes


Item = Frames | Registry | Tick
Recorded = Source | Logged


def write_item(out: BinaryIO, item: Item | Recorded) -> int:
    """Append one record; returns its octets."""
    if isinstance(item, Frames):
        columns = (np.ascontiguousarray(getattr(item, name), dtype).tobytes() for name, dtype in COLUMNS)
        kind, body = b"F", b"".join((COUNT.pack(len(item)), *columns, item.payload.tobytes()))
    elif isinstance(item, Tick):
        kind, body = b"T", TICK.pack(item.time, item.lateness_secs)
    elif isinstance(item, Source):
        kind, body = b"S", COUNT.pack(item.partitions) + item.topic.encode()
    elif isinstance(item, Logged):
        head = LOGGED.pack(item.partition, item.time_ms, item.frames, -1 if item.key is None else len(item.key))
        rest = b"".join((head, item.key or b"", item.value))
        kind, body = b"L", COUNT.pack(crc32(rest)) + rest
    else:
        kind, body = b"R", registry_to_bytes(item)
    return out.write(RECORD.pack(kind, len(body)) + body)


def write_hex(out: BinaryIO, item: Item) -> None:
    """Append frames as lines, a tick as a comment; registries are left out."""
    if isinstance(item, Frames):
        for row, offset in enumerate(item.offsets.tolist()):
            out.write(item.payload[offset : offset + int(item.length[row])].tobytes().hex().encode() + b"\n")
    elif isinstance(item, Tick):
        out.write(f"# tick {item.time} {item.lateness_secs}\n".encode())


def read_kvf(path: Path) -> Iterator[Item]:
    """What a simulated fleet has sent, in order.

    Raises ContractError when it is no such file, is damaged, or was recorded of a topic.
    """
    for _, item in read_any(path):
        if isinstance(item, Source | Logged):
            raise ContractError("RECORDED", where=str(path), what="it was recorded of a topic, not sent by a fleet",
                                do="play it with `kvarn bench replay`")  # fmt: skip
        yield item


def read_any(path: Path) -> Iterator[tuple[int, Item | Recorded]]:
    """Records of a file in order, each with the place behind it; raises ContractError where the file is damaged."""
    size = path.stat().st_size
    with path.open("rb") as source:
        if source.read(len(MAGIC)) != MAGIC:
            raise _broken(path, 0, "it does not begin with KVF1")
        place = len(MAGIC)
        while head := source.read(RECORD.size):
            kind, length = RECORD.unpack(head) if len(head) == RECORD.size else (b"", 0)
            if kind not in READERS or place + RECORD.size + length > size:
                raise _broken(path, place, "a record ends early or is of an unknown kind")
            try:
                item = READERS[kind](source.read(length))
            except (ValueError, struct.error, KvarnError) as error:
                raise _broken(path, place, f"a record is not what its kind says ({error})") from error
            place += RECORD.size + length
            yield place, item


def _frames(body: bytes) -> Frames:
    (count,) = COUNT.unpack_from(body)
    at, columns = COUNT.size, {}
    for name, dtype in COLUMNS:
        columns[name] = np.frombuffer(body, dtype, count, at)
        at += columns[name].nbytes
    zeros = {name: np.zeros(count, np.int64) for name in NAMES if name not in columns and name != "payload"}
    device = np.where(columns["transport"] == MQTT, columns["sender"], np.uint64(0))
    return Frames(**(zeros | columns | {"device": device, "payload": np.frombuffer(body, np.uint8, offset=at)}))


def _tick(body: bytes) -> Tick:
    return Tick(*TICK.unpack(body))


def _source(body: bytes) -> Source:
    (partitions,) = COUNT.unpack_from(body)
    return Source(partitions, body[COUNT.size :].decode())


def _logged(body: bytes) -> Logged:
    if COUNT.unpack_from(body) != (crc32(memoryview(body)[COUNT.size :]),):
        raise ValueError("its checksum is another one")
    partition, time_ms, frames, key = LOGGED.unpack_from(body, COUNT.size)
    at = COUNT.size + LOGGED.size
    behind = at + max(0, key)
    return Logged(partition, time_ms, frames, None if key < 0 else body[at:behind], body[behind:])


READERS: dict[bytes, Callable[[bytes], Item | Recorded]] = {
    b"F": _frames, b"R": registry_from_bytes, b"T": _tick, b"S": _source, b"L": _logged,
}  # fmt: skip


def _broken(path: Path, place: int, what: str) -> ContractError:
    return ContractError("NOT_A_KVF", where=f"{path} at byte {place}", what=what, do="write the file again")
