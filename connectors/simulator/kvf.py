"""Files of frames that can be played again.

A `.kvf` file is `KVF1` and a line feed, then records. A record is its kind (one octet) and its length (u32), then:

    F  frames: count u32; sender u64 (count), received_at i64 (count), length u32 (count), transport u8 (count), payload
    R  registry: the version that comes into force (`pipeline.reference_codec.registry_to_bytes`)
    T  tick: time i64, lateness_secs i64

All numbers are little-endian. A `.hex` file has a frame a line in hexadecimal digits, and ticks as
`# tick time lateness`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from connectors.simulator.frames import NAMES, Frames
from connectors.simulator.network import MQTT
from pipeline.errors import ContractError
from pipeline.reference import Registry
from pipeline.reference_codec import registry_from_bytes, registry_to_bytes
from pipeline.step import Tick

MAGIC = b"KVF1\n"
RECORD, COUNT, TICK = struct.Struct("<cI"), struct.Struct("<I"), struct.Struct("<qq")
COLUMNS = (("sender", "<u8"), ("received_at", "<i8"), ("length", "<u4"), ("transport", "<u1"))

Item = Frames | Registry | Tick


def write_item(out: BinaryIO, item: Item) -> None:
    """Append one record."""
    if isinstance(item, Frames):
        columns = (np.ascontiguousarray(getattr(item, name), dtype).tobytes() for name, dtype in COLUMNS)
        kind, body = b"F", b"".join((COUNT.pack(len(item)), *columns, item.payload.tobytes()))
    elif isinstance(item, Tick):
        kind, body = b"T", TICK.pack(item.time, item.lateness_secs)
    else:
        kind, body = b"R", registry_to_bytes(item)
    out.write(RECORD.pack(kind, len(body)))
    out.write(body)


def write_hex(out: BinaryIO, item: Item) -> None:
    """Append frames as lines, a tick as a comment; registries are left out."""
    if isinstance(item, Frames):
        for row, offset in enumerate(item.offsets.tolist()):
            out.write(item.payload[offset : offset + int(item.length[row])].tobytes().hex().encode() + b"\n")
    elif isinstance(item, Tick):
        out.write(f"# tick {item.time} {item.lateness_secs}\n".encode())


def read_kvf(path: Path) -> Iterator[Item]:
    """Records of a file in order; raises ContractError when it is no such file or ends early."""
    with path.open("rb") as source:
        if source.read(len(MAGIC)) != MAGIC:
            raise _broken(path, "it does not begin with KVF1")
        while head := source.read(RECORD.size):
            kind, length = RECORD.unpack(head) if len(head) == RECORD.size else (b"", 0)
            body = source.read(length)
            if len(body) != length or kind not in (b"F", b"R", b"T"):
                raise _broken(path, "a record ends early or is of an unknown kind")
            if kind == b"T":
                yield Tick(*TICK.unpack(body))
            else:
                yield _frames(body) if kind == b"F" else registry_from_bytes(body)


def _frames(body: bytes) -> Frames:
    (count,) = COUNT.unpack_from(body)
    at, columns = COUNT.size, {}
    for name, dtype in COLUMNS:
        columns[name] = np.frombuffer(body, dtype, count, at)
        at += columns[name].nbytes
    zeros = {name: np.zeros(count, np.int64) for name in NAMES if name not in columns and name != "payload"}
    device = np.where(columns["transport"] == MQTT, columns["sender"], np.uint64(0))
    return Frames(**(zeros | columns | {"device": device, "payload": np.frombuffer(body, np.uint8, offset=at)}))


def _broken(path: Path, what: str) -> ContractError:
    return ContractError("NOT_A_KVF", where=str(path), what=what, do="write the file again")
