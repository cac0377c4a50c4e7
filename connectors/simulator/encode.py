"""Pushes to frames: plaintext, encryption under the device's own keys, and what goes wrong with bytes on the way."""

from __future__ import annotations

import numpy as np

from connectors.simulator.chance import Purpose, below, draw, draws
from connectors.simulator.events import Events
from connectors.simulator.faults import Fault
from connectors.simulator.fleet import Fleet
from connectors.simulator.frames import Frames
from connectors.simulator.kernels import frame_lengths, write_heads, write_plain
from connectors.simulator.network import MQTT
from connectors.simulator.skeletons import number_of, skeletons
from pipeline import gcm
from pipeline.channels import WH_IMP
from pipeline.codes import REJECT_BY_NUMBER, Kind
from pipeline.columns import Array

OVERSIZE, OVERSIZE_SPREAD = 60_000, 5_000
WRONG_VERSION, VERSION = 2, 1
NEW_KEYS, WRONG_KEYS = 1, 2
NO_APDU = 0x90
"""First octets 90-AF are no APDU tag that anyone decodes."""

TITLE_END = 30
"""A truncated frame keeps so many octets at least: WRAPPER, system title and some more."""


class Encoder:
    """Turns events of one fleet into frames; holds a cipher context, so one thread at a time."""

    def __init__(self, fleet: Fleet) -> None:
        devices = fleet.devices
        self._fleet = fleet
        self._seed = np.uint64(fleet.config.seed)
        # Behind the true keys those that meters get during the run, then the wrong ones.
        renewal = fleet.renewal
        self._keys = gcm.Keys(
            np.concatenate((devices.encryption, renewal.encryption, ~devices.encryption)),
            np.concatenate((devices.authentication, renewal.authentication, devices.authentication)),
        )
        self._context = gcm.new_context(True)

    def close(self) -> None:
        """Give the cipher context back."""
        gcm.free_context(self._context)
        self._context = gcm.NO_CONTEXT

    def frames(self, events: Events) -> Frames:
        """The frames of `events`, in their order."""
        points, devices = self._fleet.points, self._fleet.devices
        shapes = skeletons()
        number = number_of(devices.template[events.device], events.kind)
        plain_length = shapes.length[number].astype(np.int64)
        plain_start = np.cumsum(plain_length) - plain_length
        plain = np.empty(int(plain_length.sum()), np.uint8)
        write_plain(shapes, number, plain_start, events.values, events.stamp, events.counter, events.status,
                    events.device, devices.name, devices.zone, plain)  # fmt: skip
        transport = points.transport[events.point]
        framing = (events.fault == Fault.WRONG_VERSION) | (events.fault == Fault.OVERSIZED)
        wrapped = (transport != MQTT) | framing
        length = np.empty(len(events), np.uint32)
        frame_lengths(plain_length, wrapped, length)
        ends = np.cumsum(length, dtype=np.int64)
        offset = ends - length
        payload = np.empty(int(ends[-1]) if len(ends) else 0, np.uint8)
        sealed = np.empty(len(events), np.int64)
        title = devices.title[events.device]
        write_heads(offset, length, wrapped, *self._wrapper(events), title, events.counter, plain_length, payload,
                    sealed)  # fmt: skip
        which = np.where(events.fault == Fault.WRONG_KEY, WRONG_KEYS, np.where(events.renewed, NEW_KEYS, 0))
        key_row = events.device.astype(np.int64) + which * len(devices)
        gcm.seal_batch(
            self._context, self._keys, gcm.Frames(key_row, title, events.counter, plain_start, plain_length, sealed),
            plain, payload,
        )  # fmt: skip
        payload, length = self._damaged(events, payload, offset, length, sealed)
        return self._packed(events, transport, length, payload)

    def _wrapper(self, events: Events) -> tuple[Array, Array]:
        """(version u16, declared length i64 or -1) of each frame."""
        version = np.where(events.fault == Fault.WRONG_VERSION, WRONG_VERSION, VERSION).astype(np.uint16)
        declared = np.full(len(events), -1, np.int64)
        for row in np.flatnonzero(events.fault == Fault.OVERSIZED).tolist():
            declared[row] = OVERSIZE + self._chance(events, row, OVERSIZE_SPREAD)
        return version, declared

    def _chance(self, events: Events, row: int, limit: int, detail: int = 0) -> int:
        device, counter = int(events.device[row]), int(events.counter[row])
        drawn = draw(self._seed, Purpose.DAMAGE.value, device * 64 + detail, counter)
        return int(below(np.uint64(drawn), limit))

    def _damaged(
        self, events: Events, payload: Array, offset: Array, length: Array, sealed: Array
    ) -> tuple[Array, Array]:
        for row in np.flatnonzero(events.fault == Fault.CORRUPT).tolist():
            place = int(sealed[row]) + self._chance(events, row, int(offset[row] + length[row] - sealed[row]))
            payload[place] ^= 1 + self._chance(events, row, 255, 1)
        for row in np.flatnonzero(events.fault == Fault.RANDOM_BYTES).tolist():
            mqtt = self._fleet.points.transport[events.point[row]] == MQTT
            begin, end = int(offset[row]) + (0 if mqtt else 8), int(offset[row] + length[row])
            salt = int(events.device[row]) << 24
            noise = draws(
                int(self._seed), Purpose.DAMAGE, np.arange(salt, salt + end - begin), int(events.counter[row])
            )
            payload[begin:end] = (noise >> np.uint64(40)).astype(np.uint8)
            payload[begin] = NO_APDU + self._chance(events, row, 32, 1)
        cut = np.flatnonzero(events.fault == Fault.TRUNCATED).tolist()
        if not cut:
            return payload, length
        keep, shorter = np.ones(len(payload), bool), length.copy()
        for row in cut:
            shorter[row] = TITLE_END + self._chance(events, row, int(length[row]) - TITLE_END)
            keep[offset[row] + shorter[row] : offset[row] + length[row]] = False
        return payload[keep], shorter

    def _packed(self, events: Events, transport: Array, length: Array, payload: Array) -> Frames:
        points, devices = self._fleet.points, self._fleet.devices
        title = devices.title[events.device]
        nameless = np.isin(events.fault, (Fault.RANDOM_BYTES, Fault.WRONG_VERSION, Fault.OVERSIZED))
        stage = np.array([REJECT_BY_NUMBER[n].stage == "connector" if n in REJECT_BY_NUMBER else False
                          for n in range(256)])  # fmt: skip
        number = points.numerator[events.point].astype(np.int64)
        energy = events.values[:, WH_IMP] * number // points.denominator[events.point]
        return Frames(
            device=np.where(nameless & (transport != MQTT), np.uint64(0), title),
            service_point=np.where(stage[events.expected], np.uint64(0), points.id[events.point]),
            received_at=events.received_at,
            length=length,
            payload=payload,
            transport=transport,
            fault=events.fault,
            expected_reject=events.expected,
            energy_wh=np.where(events.kind == Kind.BLOCK, energy, 0),
            sender=title,
            point=events.point,
            kind=events.kind,
            stamp=events.stamp,
            counter=events.counter,
            interval=events.interval,
        )
