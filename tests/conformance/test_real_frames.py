"""Frames of real meters, from others' test suites: read as their sources say, or listed here as not yet read.

The frames lie beside the project, not in it. Both tables must stay true: a frame that is read now, or one that is new,
makes a test fail until the tables say so.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from agents.decode.describe import describe_frames, no_keys
from agents.decode.framing import FrameError, hdlc_frames, unframe
from agents.decode.generic import open_apdu
from tests.builders_frames import Link, World, codes, references

FILE = Path(__file__).parents[3] / "shared" / "data" / "frames" / "frames.jsonl"

NOT_YET_READ = {
    "pwitab-profile-buffer-4rows": "a profile buffer without an APDU around it",
    "pwitab-hdlc-i-aare": "AARE",
    "amshan-hdlc-3": "reading starts inside an HDLC frame",
    "amshan-hdlc-9": "HDLC with octet stuffing",
    "amshan-kaifa-no_list_2": "a list by position, which names no quantities",
    "dlmsparser-mbus-good": "M-Bus",
    "dlmsparser-mbus-badchecksum": "M-Bus",
    "dlmsparser-mbus_netz_noe_p1": "M-Bus",
    "pwitab-action-req": "ACTION request",
    "epri-aare": "AARE",
    "epri-rlre": "RLRE",
    "pwitab-get-req-normal": "GET request",
    "pwitab-range-descriptor-request": "GET request",
    "epri-get-response-clock": "GET response",
    "pwitab-get-resp-normal": "GET response",
    "pwitab-get-resp-block1": "GET response",
    "pwitab-get-resp-block-wronglen": "GET response",
    "pwitab-get-resp-wrongtag": "GET response",
    "dlmsparser-raw_egd_example": "a list whose structures have other counts than they say",
    "dsmr-sagemcom-t210dr-auth": "DSMR text inside the ciphering",
}
"""What the library for single frames does not read, and why."""

BATCH = {
    "pwitab-udp-glo-1": "TEMPLATE_UNKNOWN",
    "pwitab-data-notification-nodate": "TEMPLATE_UNKNOWN",
    "dlmsparser-raw_salzburg_netz": "TEMPLATE_UNKNOWN",
    "dlmsparser-raw_egd_example": "DATA_MALFORMED",
    "osgp-smr5-push": "TEMPLATE_UNKNOWN",
    "dsmr-sagemcom-t210dr-auth": "APDU_UNKNOWN",
}
"""What the batch decoder opens, and why it makes no row of it, no Indian push being among them; else APDU_UNKNOWN."""


def load():
    return [json.loads(line) for line in FILE.read_text("utf-8").splitlines()] if FILE.exists() else []


FRAMES = {frame["id"]: frame for frame in load()}
pytestmark = pytest.mark.skipif(not FRAMES, reason="the real frames are not beside the project: ../shared/data/frames")


def keys_of(frame):
    if "key_hex" not in frame:
        return no_keys
    key = bytes.fromhex(frame["key_hex"])
    pair = (key, bytes.fromhex(frame["auth_key_hex"]) if "auth_key_hex" in frame else key)
    return lambda _title: pair


def describe(frame):
    return list(describe_frames([bytes.fromhex(frame["hex"])], keys_of(frame), offset_secs=0))


def values_as_said(frame, found):
    """Whether all quantities that the source lists were found, as numbers or texts."""
    expected = frame["expected"]
    said = expected.get("values") or {
        obis: entry["value"] for obis, entry in expected.get("values_raw_by_obis", {}).items() if obis != "null"
    }
    got = {obis: value for item in found for obis, value in item.values.items()}
    return bool(said) and all(got.get(obis) == value for obis, value in said.items())


def link_as_said(frame):
    """Whether the HDLC layer gives what the source says of it."""
    expected = frame["expected"]
    try:
        frames = hdlc_frames(bytes.fromhex(frame["hex"]))
    except FrameError:
        return expected["outcome"] == "error"
    if expected["outcome"] == "error":
        return False
    payload = expected.get("payload_hex")
    wanted = payload if isinstance(payload, list) else [payload] * expected.get("frames", len(frames))
    found = [item.information.hex().upper() or None for item in frames]
    return found == wanted if payload is not None else bool(frames)


def is_read(frame):
    """Whether what the source says of the frame is what we find."""
    expected = frame["expected"]
    if frame["framing"] == "hdlc" and expected["outcome"] != "ok":
        return link_as_said(frame)
    if expected["outcome"] == "error":
        return False
    found = describe(frame)
    if "values" in expected or expected.get("values_raw_by_obis"):
        return values_as_said(frame, found)
    if "equipment_id" in expected:
        return found[0].device == expected["equipment_id"] and expected["push_obis"] in found[0].error["reason"]
    if isinstance(expected.get("apdu_datetime"), str):
        return all(item.values and item.time[:19] == expected["apdu_datetime"] for item in found)
    if "good_fcs" in expected:
        return [item.values for item in found] == [{"1.0.1.7.0.255": 1661}]
    return all(item.apdu == "data-notification" for item in found)


@pytest.mark.parametrize("name", sorted(set(FRAMES) - set(NOT_YET_READ)))
def test_the_frame_is_read_as_its_source_says(name):
    assert is_read(FRAMES[name]), describe(FRAMES[name])


@pytest.mark.parametrize("name", sorted(NOT_YET_READ))
def test_the_frame_is_still_not_read(name):
    assert not is_read(FRAMES[name]), "this frame is read now: take it out of NOT_YET_READ"


def test_a_known_plain_text_is_what_opening_the_frame_gives():
    known = [frame for frame in FRAMES.values() if "plaintext_hex" in frame and frame["framing"] != "mbus"]
    for frame in known:
        (apdu,) = unframe(bytes.fromhex(frame["hex"]))[1]
        assert open_apdu(apdu, keys_of(frame)).apdu == bytes.fromhex(frame["plaintext_hex"])
    assert len(known) == 3


@pytest.mark.parametrize("name", sorted(FRAMES))
def test_the_batch_decoder_says_why_it_makes_no_row_of_the_frame(name):
    frame = FRAMES[name]
    octets = bytes.fromhex(frame["hex"])
    title = int(frame.get("system_title_hex") or "4142430000012345", 16)
    pair = keys_of(frame)(title)
    world = World(references([Link(device=title)], {} if pair is None else {title: pair}))
    assert codes(world.offer(octets, devices=np.uint64(title))) == {0: BATCH.get(name, "APDU_UNKNOWN")}
