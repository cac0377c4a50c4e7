"""Messages to frames, as the pump takes them: many at once, in one piece of memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from connectors.gather.gatherer import Aside
from connectors.gather.pump import Pump
from connectors.payloads.config import Form
from connectors.payloads.envelopes import Fields, Opened, open_json
from connectors.payloads.naming import Naming
from connectors.payloads.texts import PayloadError, from_base64, from_either, from_hex
from pipeline.codes import REJECT_NUMBER

UNREADABLE = REJECT_NUMBER["MESSAGE_UNREADABLE"]
LOOKED_AT = 64
"""Octets in which the first character of JSON must stand."""

Source = tuple[str, int, int]
"""Topic, partition and offset; of what has no offset -1 and -1."""


@dataclass
class Bundle:
    """Frames of some messages, in order, and what of them is no frame."""

    frames: list[bytes] = field(default_factory=list)
    devices: list[int] = field(default_factory=list)
    refused: list[Aside] = field(default_factory=list)
    octets: int = 0

    def add(self, frame: bytes, device: int) -> None:
        """Take a frame; `device` where it is known beside the frame, else 0."""
        self.frames.append(frame)
        self.devices.append(device)
        self.octets += len(frame)

    def refuse(self, aside: Aside) -> None:
        """Take what is no frame."""
        self.refused.append(aside)
        self.octets += len(aside.raw)

    def offer(self, pump: Pump, done: Callable[[], None]) -> None:
        """Hand all of it on; `done` is called when Kafka has it."""
        lengths = np.fromiter(map(len, self.frames), np.uint32, len(self.frames))
        ends = np.cumsum(lengths, dtype=np.int64)
        payload = np.frombuffer(b"".join(self.frames), np.uint8)
        hint = np.array(self.devices, np.uint64)
        pump.offer(payload, ends - lengths, lengths, hint, done, self.refused)


@dataclass(frozen=True)
class Reader:
    """Messages of one form."""

    form: Form
    fields: Fields
    naming: Naming

    def read(self, octets: bytes, device: int, source: Source, now: int, bundle: Bundle) -> None:
        """Put what a message holds into `bundle`; `device`: what is told beside it, else 0."""
        if self.form == "octets":
            bundle.add(octets, device)
            return
        try:
            opened = self._open(octets)
        except PayloadError as error:
            bundle.refuse(Aside(UNREADABLE, device, now, octets, str(error), source))
            return
        if isinstance(opened, bytes):
            bundle.add(opened, device)
            return
        for frame, name in opened.frames:
            bundle.add(frame, device or (self.naming.device(name) if name else 0))
        for raw, why in opened.faults:
            bundle.refuse(Aside(UNREADABLE, device, now, raw, why, source))

    def _open(self, octets: bytes) -> bytes | Opened:
        if self.form == "hex":
            return from_hex(octets)
        if self.form == "base64":
            return from_base64(octets)
        if self.form == "json" or octets[:LOOKED_AT].lstrip()[:1] in (b"{", b"["):
            return open_json(octets, self.fields)
        # It is no text of a known form, so it is what a meter sends, whatever that is.
        return from_either(octets) or octets
