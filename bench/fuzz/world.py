"""The meters that frames are made for: every model, moved and exchanged ones, without key, link, model or title."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from agents.decode.config import DecodeConfig
from agents.decode.kernels_rows import Tables
from agents.decode.prepare import tables_of
from connectors.simulator.chance import Purpose, draw
from pipeline.columns import Array
from pipeline.keystore import key_ring
from pipeline.lookup import PAGE_GROUPS, groups_of
from pipeline.reference import BROADCAST, FOREVER, OTHER_KEY, UNICAST, References, Registry
from pipeline.templates import TEMPLATES

NOON = 1_751_351_400
"""2025-07-01 12:00 in India: meters are moved then, and stamps lie around it."""

PAGES = range(8)
"""Of the state: few, so that one can be made anew for every batch."""

SUITE, LONG_SUITE, BROADCAST_BIT = 0x0F, 2, 0x40
"""Of a security control octet: the suite, the one with long keys, the broadcast key set."""

OF_EACH_MODEL = 6
FIRST_TITLE = int.from_bytes(b"KVF", "big") << 40
NO_MODEL = 99


@dataclass(frozen=True)
class Span:
    """A device at a service point, by place in `World.points`; `model` is its template."""

    device: int
    place: int
    model: int
    since: int = 0
    until: int = int(FOREVER)


@dataclass(frozen=True)
class Device:
    """One meter: whether its title, its links and its key are known."""

    title: int
    model: int
    spans: tuple[Span, ...]
    key: bool = True

    @property
    def place(self) -> int:
        """Place of the service point that its frames come with."""
        return self.spans[0].place if self.spans else 0


def _devices() -> tuple[Device, ...]:
    found: list[Device] = []

    def add(model: int, *spans: tuple[int, int, int, int], key: bool = True, title: int | None = None) -> None:
        number = len(found)
        own = FIRST_TITLE + number + 1 if title is None else title
        found.append(Device(own, model, tuple(Span(own, *span) for span in spans), key))

    ever = int(FOREVER)
    for template in TEMPLATES:
        for _ in range(OF_EACH_MODEL):
            place = len(found)
            add(template.number, (place, template.number, 0, ever))
    place = len(found)
    add(3, (place, 3, 0, NOON), (place + 1, 3, NOON, ever))
    add(2, (place + 1, 2, 0, NOON - 900), (place + 1, 5, NOON - 900, NOON + 900))
    add(1, (place + 2, NO_MODEL, 0, ever))
    add(1, (place + 2, 1, NOON, ever))
    add(1, (place + 2, 1, 0, ever), key=False)
    add(1)
    add(2, key=False)
    add(1, key=False, title=0)
    return tuple(found)


DEVICES = _devices()


def _points() -> Array:
    """Service points of PAGES, one a place."""
    numbers = np.arange(1, 100_000, dtype=np.uint64)
    groups = np.empty(len(numbers), np.uint16)
    groups_of(numbers, groups)
    count = 1 + max((span.place for device in DEVICES for span in device.spans), default=0)
    return numbers[groups.astype(np.int64) // PAGE_GROUPS < PAGES.stop][:count]


class World:
    """Registry, keys, and what the kernels that make frames must know of each device."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.points = _points()
        self.title = np.array([device.title for device in DEVICES], np.uint64)
        self.point = self.points[[device.place for device in DEVICES]]
        self.model = np.array([device.model for device in DEVICES], np.int64)
        self.encryption, self.authentication = self._keys(0, 16), self._keys(2, 16)
        """u8 (devices, 16), of those without a key too: frames are sealed for them all the same."""
        self._long, self._broadcast = (
            (self._keys(4, 32), self._keys(8, 32)), (self._keys(12, 16), self._keys(14, 16)),
        )  # fmt: skip

    def _keys(self, first: int, size: int) -> Array:
        """u8 (devices, size) of the words from `first` on of each device."""
        words = [
            int(draw(np.uint64(self._seed), Purpose.KEY.value, device, first + word))
            for device in range(len(DEVICES)) for word in range(size // 8)
        ]  # fmt: skip
        return np.array(words, "<u8").view(np.uint8).reshape(len(DEVICES), size)

    def pair(self, place: int, control: int) -> tuple[bytes, bytes]:
        """Keys of the device at `place` that a security control octet asks for."""
        usual = (self.encryption, self.authentication)
        chosen = self._broadcast if control & BROADCAST_BIT else self._long if control & SUITE == LONG_SUITE else usual
        return chosen[0][place].tobytes(), chosen[1][place].tobytes()

    @cached_property
    def others(self) -> dict[tuple[int, str, int], tuple[bytes, bytes]]:
        """(device, key set, octets of a key) -> pair, of every second device that has a key."""
        found = {}
        for place, device in enumerate(DEVICES):
            if device.key and device.title and place % 2 == 0:
                found[device.title, "unicast", 32] = self.pair(place, LONG_SUITE)
                found[device.title, "broadcast", 16] = self.pair(place, BROADCAST_BIT)
        return found

    def _other_rows(self) -> Array:
        rows = np.zeros(len(self.others), OTHER_KEY)
        for row, ((device, key_set, size), pair) in zip(rows, self.others.items(), strict=True):
            row["device"], row["length"] = device, size
            row["key_set"] = BROADCAST if key_set == "broadcast" else UNICAST
            for name, key in zip(("encryption", "authentication"), pair, strict=True):
                row[name][:size] = np.frombuffer(key, np.uint8)
        return rows

    @cached_property
    def references(self) -> References:
        """What a control record would name."""
        every = (span for device in DEVICES for span in device.spans)
        spans = sorted(every, key=lambda span: (span.device, span.since))
        columns = {column.name: column.empty(len(spans) if column.section == "link" else 0)
                   for column in Registry.COLUMNS}  # fmt: skip
        registry = Registry(**columns)
        for row, span in enumerate(spans):
            registry.device[row], registry.service_point[row] = span.device, self.points[span.place]
            registry.valid_from[row], registry.valid_to[row] = span.since, span.until
            registry.template[row], registry.interval_secs[row] = span.model, 900 if row % 3 == 0 else 1800
            registry.factor_numerator[row] = registry.factor_denominator[row] = 1
        known = [place for place, device in enumerate(DEVICES) if device.key]
        ring = key_ring(self.title[known], self.encryption[known], self.authentication[known], self._other_rows())
        return References(registry, ring, {})

    @property
    def keys(self) -> Mapping[int, tuple[bytes, bytes]]:
        """Device -> encryption and authentication key, of those that decode knows."""
        return {
            device.title: (self.encryption[place].tobytes(), self.authentication[place].tobytes())
            for place, device in enumerate(DEVICES) if device.key
        }  # fmt: skip


CONFIGS: dict[int, DecodeConfig] = {
    5: DecodeConfig(counter="strict"),
    9: DecodeConfig(plain=False, unauthenticated=False),
    13: DecodeConfig(zero_deviation_is_utc=False, frame_limit=1024),
}
"""Settings of some batches, by their number modulo CONFIG_TURN; those of the others are the defaults."""

CONFIG_TURN = 16


def config_of(batch: int) -> DecodeConfig:
    """Settings that a batch is decoded with."""
    return CONFIGS.get(batch % CONFIG_TURN, DecodeConfig())


def tables_by_config(world: World) -> dict[DecodeConfig, Tables]:
    """All that are needed."""
    return {config: tables_of(world.references, config) for config in (DecodeConfig(), *CONFIGS.values())}
