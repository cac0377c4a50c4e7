"""Frames of records, and which transport takes which."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from connectors.simulator.frames import NAMES, Frames
from connectors.simulator.kvf import Logged
from connectors.simulator.network import MQTT, TCP
from connectors.simulator.senders.base import TRANSPORT_OF
from pipeline.batch import FrameBatch
from pipeline.columns import Array, unpack
from pipeline.wire import Contracts

HEAD_OCTETS = 8
HEAD = np.array([0, 1, 0, 1, 0, 64, 0, 0], np.uint8)
"""WRAPPER (IEC 62056-47): version 1, source 1, destination 64, length u16."""


def frames_of(contracts: Contracts, record: Logged) -> Frames:
    """The frames of a record: device, arrival and bytes; nothing else is known of them."""
    batch = unpack(FrameBatch, contracts.decode(record.value, "FrameBatch"))
    known = {
        "device": batch.device, "sender": batch.device, "service_point": batch.service_point,
        "received_at": batch.received_at, "length": batch.length, "payload": batch.payload,
        "transport": np.zeros(len(batch.length), np.uint8),
    }  # fmt: skip
    zeros = {name: np.zeros(len(batch.length), np.int64) for name in NAMES if name not in known}
    return Frames(**zeros, **known)


def carried(frames: Frames, schemes: Collection[str]) -> Frames:
    """The same frames, each with a transport of `schemes` (tcp, udp, mqtt; one at least) that can carry it.

    MQTT takes those without WRAPPER, or all where it is alone; the others are spread over TCP and UDP by meter. A
    stream needs the WRAPPER: to TCP a frame without one gets one.
    """
    bare = ~_wrapped(frames)
    streams = [TRANSPORT_OF[name] for name in ("tcp", "udp") if name in schemes]
    if streams:
        transport = np.array(streams, np.uint8)[(frames.sender % np.uint64(len(streams))).astype(np.int64)]
    else:
        transport = np.full(len(frames), MQTT, np.uint8)
    if "mqtt" in schemes:
        transport[bare] = MQTT
    return _wrap(replace(frames, transport=transport), bare & (transport == TCP))


def _wrapped(frames: Frames) -> Array:
    """bool (n,): begins as a WRAPPER does, good or bad; an APDU or HDLC frame begins with another octet."""
    found = frames.length > 0
    found[found] = frames.payload[frames.offsets[found]] == HEAD[0]
    return found


def _wrap(frames: Frames, rows: Array) -> Frames:
    """The frames, those at `rows` bool (n,) with a WRAPPER in front."""
    if not rows.any():
        return frames
    before = np.where(rows, HEAD_OCTETS, 0)
    length = frames.length.astype(np.int64) + before
    starts = np.cumsum(length) - length
    payload = np.empty(int(length.sum()), np.uint8)
    moved = np.repeat(starts + before - frames.offsets, frames.length)
    payload[np.arange(len(frames.payload)) + moved] = frames.payload
    heads = np.tile(HEAD, (int(rows.sum()), 1))
    heads[:, 6], heads[:, 7] = frames.length[rows] >> 8, frames.length[rows] & 255
    payload[(starts[rows, None] + np.arange(HEAD_OCTETS)).ravel()] = heads.ravel()
    return replace(frames, length=length.astype(frames.length.dtype), payload=payload)
