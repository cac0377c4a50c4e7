"""Frames that cannot be used are kept with their reason and their bytes, and disturb nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cli.testing import FrameDriver
from connectors.simulator import Frames
from connectors.simulator.network import TCP
from pipeline.codes import Kind
from tests.scenarios import rows, world
from tests.scenarios.world import Feed

HEADER, TITLE, SECURITY = 8, slice(10, 18), 19
"""Octets of a WRAPPER header; in a general-glo-ciphering frame the system title, and the security control octet."""
SLOTS = range(3, 40)
"""Slots into which bad frames are put."""

Damage = Callable[[bytes, np.random.Generator], bytes]


def wrong_key(frame: bytes, draw: np.random.Generator) -> bytes:
    """The meter's next frame as somebody would make it who has not its key."""
    counter = int.from_bytes(frame[SECURITY + 1 : SECURITY + 5], "big") + 1
    nonce = frame[TITLE] + counter.to_bytes(4, "big")
    plain = bytes(len(frame) - SECURITY - 5 - 12)
    sealed = AESGCM(draw.bytes(16)).encrypt(nonce, plain, frame[SECURITY : SECURITY + 1] + draw.bytes(16))[:-4]
    return frame[: SECURITY + 1] + counter.to_bytes(4, "big") + sealed


def truncated(frame: bytes, draw: np.random.Generator) -> bytes:
    return frame[: int(draw.integers(TITLE.stop, len(frame)))]


def random_bytes(frame: bytes, draw: np.random.Generator) -> bytes:
    return frame[:HEADER] + bytes(draw.integers(0x70, 0x90, len(frame) - HEADER, dtype=np.uint8))


def wrong_version(frame: bytes, draw: np.random.Generator) -> bytes:
    # From 256 on the first octet is not that of a WRAPPER at all.
    return int(draw.integers(2, 256)).to_bytes(2, "big") + frame[2:]


def oversized(frame: bytes, draw: np.random.Generator) -> bytes:
    return frame[:6] + int(draw.integers(4097, 65_536)).to_bytes(2, "big") + frame[HEADER:]


def unknown_device(frame: bytes, draw: np.random.Generator) -> bytes:
    return frame[: TITLE.start] + b"XYZ" + draw.bytes(5) + frame[TITLE.stop :]


BAD: dict[str, tuple[Damage, str, str]] = {
    "wrong key": (wrong_key, "decode", "DECRYPT_FAILED"),
    "truncated": (truncated, "decode", "FRAME_TRUNCATED"),
    "random bytes": (random_bytes, "connector", "FRAME_UNREADABLE"),
    "wrong version": (wrong_version, "connector", "WRAPPER_VERSION"),
    "oversized length": (oversized, "connector", "FRAME_TOO_LONG"),
    "unknown device": (unknown_device, "connector", "DEVICE_UNKNOWN"),
}


@pytest.fixture(scope="module")
def clean() -> Feed:
    return world.feed(meters=20, days=1, seed=4, faults="none")


@pytest.fixture(scope="module")
def undisturbed(clean: Feed, folder: Path) -> FrameDriver:
    return world.play(world.driver(folder), clean)


@pytest.fixture(scope="module")
def damaged(clean: Feed) -> dict[int, list[tuple[str, bytes, int]]]:
    """Slot -> (name, bytes, received) of bad frames, each made of a good one of that slot."""
    draw = np.random.default_rng(8)
    made: dict[int, list[tuple[str, bytes, int]]] = {}
    for number in SLOTS:
        frames = clean.slots[number].frames
        able = np.flatnonzero((frames.transport == TCP) & (frames.kind == Kind.BLOCK))
        for name in BAD:
            row = int(draw.choice(able))
            bad = BAD[name][0](frames.frame(row), draw)
            made.setdefault(number, []).append((name, bad, int(frames.received_at[row])))
    return made


@pytest.fixture(scope="module")
def disturbed(clean: Feed, damaged: dict[int, list[tuple[str, bytes, int]]], folder: Path) -> FrameDriver:
    """Bad frames in the same records as the good ones, behind them."""
    bad = {number: [(raw, at) for _, raw, at in frames] for number, frames in damaged.items()}
    return world.play(world.driver(folder), with_frames(clean, bad, mixed=False))


def with_frames(fed: Feed, more: dict[int, list[tuple[bytes, int]]], *, mixed: bool) -> Feed:
    """The feed with more frames: behind those of their slot, or anywhere between them."""
    draw = np.random.default_rng(3)
    slots = list(fed.slots)
    for number, frames in more.items():
        slots[number] = replace(slots[number], frames=longer(slots[number].frames, frames, draw if mixed else None))
    return replace(fed, slots=slots)


def longer(frames: Frames, more: list[tuple[bytes, int]], draw: np.random.Generator | None) -> Frames:
    columns: dict[str, Any] = {}
    for name in Frames.__dataclass_fields__:
        values = getattr(frames, name)
        columns[name] = np.concatenate((values, np.zeros(len(more), values.dtype))) if name != "payload" else values
    columns["payload"] = np.concatenate((frames.payload, np.frombuffer(b"".join(raw for raw, _ in more), np.uint8)))
    columns["length"][len(frames) :] = [len(raw) for raw, _ in more]
    columns["received_at"][len(frames) :] = [at for _, at in more]
    made = Frames(**columns)
    if draw is None:
        return made
    place = np.concatenate((np.arange(len(frames)), draw.integers(0, len(frames), len(more)) - 0.5))
    return made.take(np.argsort(place, kind="stable"))


def test_each_bad_frame_is_kept_with_stage_code_and_its_bytes(
    disturbed: FrameDriver, undisturbed: FrameDriver, damaged: dict[int, list[tuple[str, bytes, int]]]
) -> None:
    expected = sorted((*BAD[name][1:], raw) for frames in damaged.values() for name, raw, _ in frames)
    found = [*disturbed.records("rejects"), *disturbed.records("parked")]
    assert sorted((record["stage"], record["code"], record["raw"]) for record in found) == expected
    assert undisturbed.records("rejects") == undisturbed.records("parked") == []


def test_what_is_parked_waits_and_what_is_rejected_does_not(
    disturbed: FrameDriver, damaged: dict[int, list[tuple[str, bytes, int]]]
) -> None:
    waiting = {raw for frames in damaged.values() for name, raw, _ in frames if name == "unknown device"}
    assert {aside.raw for aside in disturbed.parked} == waiting
    assert all(record["parked"] for record in disturbed.records("parked"))
    assert not any(record["parked"] for record in disturbed.records("rejects"))


def test_a_reject_names_the_meter_where_the_bytes_tell_it(disturbed: FrameDriver, clean: Feed) -> None:
    known = {f"{title:016X}" for title in clean.truth.fleet.devices.title.tolist()}
    for record in disturbed.records("rejects"):
        if record["stage"] == "decode":
            assert record["device"] in known
            assert record["service_point"] > 0
            assert (record["topic"], record["frame"] >= 0) == ("frames", True)


def test_everything_else_is_byte_for_byte_as_without_the_bad_frames(
    disturbed: FrameDriver, undisturbed: FrameDriver
) -> None:
    topics = ["readings", "events", "determinants", "node-energy", "losses"]
    wanted = world.values(undisturbed, topics)
    assert len(wanted["readings"]) > 100
    assert world.values(disturbed, topics) == wanted


def test_bad_frames_between_good_ones_change_no_row(
    undisturbed: FrameDriver, clean: Feed, damaged: dict[int, list[tuple[str, bytes, int]]], folder: Path
) -> None:
    bad = {number: [(raw, at) for _, raw, at in frames] for number, frames in damaged.items()}
    found = rows.histories(world.play(world.driver(folder), with_frames(clean, bad, mixed=True)))
    wanted = rows.histories(undisturbed)
    assert sum(found.pop("rejects").values()) == len(SLOTS) * (len(BAD) - 1)
    assert not wanted.pop("rejects")
    assert found == wanted


def test_a_meters_own_rows_do_not_change_when_somebody_else_sends_under_its_title(
    undisturbed: FrameDriver, clean: Feed, folder: Path
) -> None:
    # A far counter in a frame that does not open must not shut the meter out.
    forged: dict[int, list[tuple[bytes, int]]] = {}
    for number in SLOTS:
        frames = clean.slots[number].frames
        for row in np.flatnonzero((frames.transport == TCP) & (frames.kind == Kind.BLOCK)).tolist():
            raw = frames.frame(row)
            far = raw[: SECURITY + 1] + (2**32 - 1 - row).to_bytes(4, "big") + raw[SECURITY + 5 :]
            forged.setdefault(number, []).append((far, int(frames.received_at[row])))
    driver = world.play(world.driver(folder), with_frames(clean, forged, mixed=False))
    codes = {record["code"] for record in driver.records("rejects")}
    assert codes == {"DECRYPT_FAILED"}
    assert world.values(driver, ["readings"]) == world.values(undisturbed, ["readings"])
