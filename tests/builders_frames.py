"""Frames as meters send them, and the little world around a decode step: registry, keys, state."""

import struct
from dataclasses import dataclass, field

import numpy as np

from agents.decode.config import DecodeConfig
from agents.decode.step import DecodeStep
from pipeline.batch import FrameBatch
from pipeline.channels import N_ENERGY
from pipeline.codes import Kind
from pipeline.gcm_single import seal_one
from pipeline.keystore import key_ring
from pipeline.reference import FOREVER, References, Registry
from pipeline.state import StateStore
from pipeline.step import Origin, Parcel
from pipeline.templates import PUSH_NAMES, TEMPLATE_BY_NUMBER
from tests.builders_records import emitted

ENCRYPTION = bytes(range(0x10))
AUTHENTICATION = bytes(range(0xD0, 0xE0))
KEYS = (ENCRYPTION, AUTHENTICATION)
DEVICE = 0x4142430000012345
OTHER = 0x4B564E0000000099
OTHER_KEYS = (bytes(16), bytes(range(16)))
POINT = 77
NOON = 1_751_351_400
"""2025-07-01 12:00 in India."""
RECEIVED = NOON + 7200

# Wire vectors: a single-phase block push in its framings, an alert, and two known ciphered frames.
BLOCK_PLAIN = bytes.fromhex(
    "0f0000000100020b090941424331323334353609060005190900ff090c07e90701ff0a0f0000feb6001743678000173e000000173e051eb8170000"
    "00001700000000174010000017400f5c291100"
)
BLOCK_WRAPPED = bytes.fromhex("000100010040004e") + BLOCK_PLAIN
BLOCK_SEALED = bytes.fromhex(
    "db0841424300000123455f3000000007d8d37ac348ec6565d9c2ffa4741809c8d53b12fe7ba10186184d4c73cbe00daf704e995c2c0383d271f323"
    "122207fdd2c3e2bca3b523e41a94bd7a813831b74e519ab16ab88652444a218f4cc83f8296426d7e1b120ccc64577f"
)
BLOCK_BLOCKS = (
    bytes.fromhex(
        "e00100010000270f0000000100020b090941424331323334353609060005190900ff090c07e90701ff0a0f0000fe"
    ),
    bytes.fromhex(
        "e0810002000027b6001743678000173e000000173e051eb817000000001700000000174010000017400f5c291100"
    ),
)  # fmt: skip
BLOCK_HDLC = bytes.fromhex(
    "7ea05a8103134972e6e7000f0000000100020b090941424331323334353609060005190900ff090c07e90701ff0a0f0000feb6001743678000173e"
    "000000173e051eb817000000001700000000174010000017400f5c291100c1207e"
)
ALERT_PLAIN = bytes.fromhex(
    "0f00000002000204090941424331323334353609060004190900ff090c07e90701ff0a100500feb600048180000000000000000000005400000000"
    "00"
)
DUMMY_KEY = b"MYDUMMYGLOBALKEY"
DUMMY_SEALED = bytes.fromhex(
    "db082f192291991641033b30000001e5025ce9d2271fd78be8c204211a916a9d7f587e0a7a814cadea89e9593f01f92ea8c087b5bdfdefeab6becf"
    "282dfe49c08f5be6dc8400"
)
DUMMY_PLAIN = bytes.fromhex(
    "0f000001db000922125a8591360000000049000000110000000a5a8513d014800000000d0000000a0100"
)  # fmt: skip

FORMATS = {3: "?", 5: ">i", 6: ">I", 13: ">B", 15: ">b", 16: ">h", 17: ">B", 18: ">H", 20: ">q", 21: ">Q", 22: ">B",
           23: ">f", 24: ">d"}  # fmt: skip


def length_octets(length: int) -> bytes:
    """A-XDR length."""
    if length < 0x80:
        return bytes([length])
    size = (length.bit_length() + 7) // 8
    return bytes([0x80 + size]) + length.to_bytes(size, "big")


def datum(tag: int, value=None) -> bytes:
    """One value with its tag; containers take encoded items, bit strings 16 octets."""
    if tag in (0, 255):
        return bytes([tag])
    if tag in FORMATS:
        return bytes([tag]) + struct.pack(FORMATS[tag], value)
    if tag in (1, 2):
        return bytes([tag]) + length_octets(len(value)) + b"".join(value)
    if tag == 4:
        return bytes([tag]) + b"\x81\x80" + value
    if tag == 25:
        return bytes([tag]) + value
    return bytes([tag]) + length_octets(len(value)) + value


def stamp(wall=(2025, 7, 1, 12, 0, 0), deviation=-330, status=0) -> bytes:
    """COSEM date-time of a wall clock."""
    year, month, day, hour, minute, second = wall
    return struct.pack(">HBBBBBBBhB", year, month, day, 0xFF, hour, minute, second, 0, deviation, status)


def push(kind, columns, time=None, name=b"METER0001") -> bytes:
    """A Data-Notification with encoded columns."""
    head = [datum(9, name), datum(9, bytes(PUSH_NAMES[kind])), datum(9, stamp() if time is None else time)]
    return b"\x0f\0\0\0\1\0" + datum(2, [*head, *columns])


def plain_columns(model, kind, values=None, given=None) -> list[bytes]:
    """Columns of a push as `model` sends them; values by target are raw numbers, 0 where not given."""
    columns = []
    for column in TEMPLATE_BY_NUMBER[model].push(kind).columns[:given]:
        default = {9: stamp(), 4: bytes(16)}.get(column.tag, 0)
        columns.append(datum(column.tag, (values or {}).get(column.target, default)))
    return columns


def sealed(apdu: bytes, counter: int, device=DEVICE, keys=KEYS, control=0x30) -> bytes:
    """general-glo-ciphering."""
    body = bytes([control]) + counter.to_bytes(4, "big") + seal_one(control, keys, device, counter, apdu)
    return b"\xdb\x08" + device.to_bytes(8, "big") + length_octets(len(body)) + body


def wrapped(apdu: bytes) -> bytes:
    """WRAPPER."""
    return struct.pack(">HHHH", 1, 1, 64, len(apdu)) + apdu


@dataclass(frozen=True)
class Link:
    """A device at a service point, from and until."""

    device: int = DEVICE
    point: int = POINT
    template: int = 1
    since: int = 0
    until: int = int(FOREVER)
    factor: tuple[int, int] = (1, 1)


def references(links=(Link(),), keys=None, others=None) -> References:
    """Registry and key ring; `keys` is device -> (encryption, authentication), `others` OTHER_KEY."""
    rows = sorted(links, key=lambda link: (link.device, link.since))
    columns = {column.name: column.empty(len(rows) if column.section == "link" else 0) for column in Registry.COLUMNS}
    registry = Registry(**columns)
    for row, link in enumerate(rows):
        registry.device[row], registry.service_point[row] = link.device, link.point
        registry.valid_from[row], registry.valid_to[row] = link.since, link.until
        registry.template[row], registry.interval_secs[row] = link.template, 1800
        registry.factor_numerator[row], registry.factor_denominator[row] = link.factor
    assert registry.opening.shape[1] == N_ENERGY
    known = {DEVICE: KEYS} if keys is None else keys
    octets = [np.frombuffer(b"".join(pair[part] for pair in known.values()), np.uint8) for part in (0, 1)]
    ring = key_ring(np.array(list(known), np.uint64), *(part.reshape(-1, 16) for part in octets), others)
    return References(registry, ring, {})


def frame_batch(frames, devices=DEVICE, points=POINT) -> FrameBatch:
    """Frames (bytes) of devices at points, each one value or one a frame."""
    count = len(frames)
    return FrameBatch(
        np.broadcast_to(np.array(points, np.uint64), count).copy(),
        np.broadcast_to(np.array(devices, np.uint64), count).copy(),
        np.full(count, RECEIVED, np.int64),
        np.array([len(frame) for frame in frames], np.uint32),
        np.frombuffer(b"".join(frames), np.uint8),
    )


@dataclass
class World:
    """A decode step with its state; frames are offered record by record."""

    references: References = field(default_factory=references)
    config: DecodeConfig = field(default_factory=DecodeConfig)
    offset: int = 0

    def __post_init__(self) -> None:
        self.step = DecodeStep(self.config)
        self.store = StateStore(self.step.layout, range(512))
        self.prepared = self.step.prepare(self.references)

    def control(self, references: References) -> None:
        """Another version is in force."""
        self.references = references
        self.prepared = self.step.prepare(references)

    def offer(self, *frames: bytes, devices=DEVICE, points=POINT):
        """One record of frames; what the step makes of it."""
        parcel = Parcel(Origin("frames-1", 3, self.offset), frame_batch(frames, devices, points))
        self.offset += 1
        return self.step.advance(parcel, self.store, self.prepared)


def codes(advance) -> dict[int, str]:
    """Frame -> reject code."""
    return {record["frame"]: record["code"] for record in emitted(advance, "rejects")}


def events(advance) -> list[tuple[int, str]]:
    """(bit, edge) of the events, in order."""
    return [(item.value["bit"], item.value["edge"]) for item in advance.emissions if item.output == "events"]


def block(wall=(2025, 7, 1, 12, 0, 0), deviation=-330, status=0, **values) -> bytes:
    """A block push of model 1; values by target are in the meter's own unit (kWh, V, A)."""
    return push(Kind.BLOCK, plain_columns(1, Kind.BLOCK, values), stamp(wall, deviation, status))


def alert(*bits, wall=(2025, 7, 1, 12, 0, 0)) -> bytes:
    """An alert push whose event status word has these bits."""
    word = sum(1 << (127 - bit) for bit in bits)
    return push(Kind.ALERT, [datum(4, word.to_bytes(16, "big"))], stamp(wall))
