"""The wire vectors, through the batch decoder and through the library for single frames."""

import numpy as np
import pytest

from agents.decode.describe import describe_frames
from agents.decode.framing import FrameError, crc16, hdlc_frames
from pipeline.channels import CHANNELS, SNAPSHOT_INDEX
from pipeline.codes import Flag, Kind
from pipeline.gcm_single import seal_one
from tests.builders_frames import (
    ALERT_PLAIN,
    AUTHENTICATION,
    BLOCK_BLOCKS,
    BLOCK_HDLC,
    BLOCK_PLAIN,
    BLOCK_SEALED,
    BLOCK_WRAPPED,
    DEVICE,
    DUMMY_KEY,
    DUMMY_PLAIN,
    DUMMY_SEALED,
    ENCRYPTION,
    KEYS,
    Link,
    World,
    codes,
    events,
    references,
    sealed,
    wrapped,
)

BLOCK_VALUES = {
    "1.0.12.27.0.255": 231.5, "1.0.1.29.0.255": 125, "1.0.9.29.0.255": 130, "1.0.2.29.0.255": 0,
    "1.0.10.29.0.255": 0, "1.0.11.27.0.255": 2.25, "1.0.91.27.0.255": 2.24, "0.0.96.10.1.255": 0,
}  # fmt: skip
BLOCK_TIME = 1_751_345_100  # 2025-07-01 04:45:00 UTC


def describe(*frames, keys=None):
    return list(describe_frames(frames, (lambda _title: keys)))


def row_values(batch, row):
    """Channel name -> value, of the channels that are there."""
    flat = np.concatenate([batch.energy[row], batch.reactive[row], batch.physical[row]])
    return {channel.name: int(flat[place]) for place, channel in enumerate(CHANNELS) if batch.present[row] >> place & 1}


@pytest.mark.parametrize(
    ("frame", "flags", "counter"),
    [(BLOCK_PLAIN, Flag.PLAIN, 0), (BLOCK_WRAPPED, Flag.PLAIN, 0), (BLOCK_SEALED, 0, 7), (wrapped(BLOCK_SEALED), 0, 7)],
    ids=["apdu", "wrapper", "ciphered", "ciphered in wrapper"],
)
def test_the_block_push_becomes_one_row_in_any_framing(frame, flags, counter):
    world = World()
    batch = world.offer(frame).parcel.batch
    assert batch.kind.tolist() == [Kind.BLOCK]
    assert batch.time.tolist() == [BLOCK_TIME]
    assert batch.counter.tolist() == [counter]
    assert batch.flags.tolist() == [flags]
    assert row_values(batch, 0) == {
        "wh_imp": 125, "vah_imp": 130, "wh_exp": 0, "vah_exp": 0,
        "voltage_r": 231_500, "current_r": 2250, "current_n": 2240,
    }  # fmt: skip
    assert not len(batch.snapshot_row)


def test_the_alert_push_becomes_a_snapshot_and_three_events():
    advance = World().offer(ALERT_PLAIN)
    batch = advance.parcel.batch
    assert batch.kind.tolist() == [Kind.ALERT]
    assert batch.time.tolist() == [BLOCK_TIME + 65]
    assert events(advance) == [(81, "OCCURRED"), (83, "OCCURRED"), (85, "OCCURRED")]
    assert int(batch.snapshot[0, SNAPSHOT_INDEX["esw_low"]]) == 0x0000_5400_0000_0000
    assert batch.snapshot_row.tolist() == [0]


def test_the_ciphered_block_push_is_what_sealing_the_plain_one_gives():
    assert sealed(BLOCK_PLAIN, 7) == BLOCK_SEALED
    assert sealed(BLOCK_PLAIN, 7)[16:] == seal_one(0x30, KEYS, DEVICE, 7, BLOCK_PLAIN)


def test_a_known_ciphered_frame_is_opened_and_names_no_push():
    title = int.from_bytes(DUMMY_SEALED[2:10], "big")
    world = World(references([Link(device=title)], {title: (DUMMY_KEY, DUMMY_KEY)}))
    assert codes(world.offer(DUMMY_SEALED, devices=title)) == {0: "TEMPLATE_UNKNOWN"}
    assert sealed(DUMMY_PLAIN, 0x1E5, title, (DUMMY_KEY, DUMMY_KEY)) == DUMMY_SEALED


@pytest.mark.parametrize(
    "frames",
    [(BLOCK_PLAIN,), (BLOCK_WRAPPED,), (BLOCK_SEALED,), BLOCK_BLOCKS, (BLOCK_HDLC,)],
    ids=["apdu", "wrapper", "ciphered", "block transfer", "hdlc"],
)
def test_the_library_reads_the_block_push_in_every_framing(frames):
    (found,) = describe(*frames, keys=KEYS)
    assert found.error is None
    assert found.values == BLOCK_VALUES
    assert found.time == "2025-07-01T10:15:00+05:30"
    assert found.units["1.0.12.27.0.255"] == "V"
    assert found.device in ("ABC123456", f"{DEVICE:016X}")


def test_the_library_reads_the_bits_of_the_alert_push():
    (found,) = describe(ALERT_PLAIN)
    assert found.values == {"0.0.94.91.18.255": [81, 83, 85]}


def test_a_wrong_key_is_said_to_be_one():
    (found,) = describe(BLOCK_SEALED, keys=(ENCRYPTION, AUTHENTICATION[::-1]))
    assert found.error == {"code": "DECRYPT_FAILED", "reason": "the authentication tag does not fit"}
    assert found.device == f"{DEVICE:016X}"


def test_a_block_transfer_must_be_in_order_and_complete():
    (found,) = describe(BLOCK_BLOCKS[0])
    assert found.error["code"] == "SEGMENT_MISSING"
    wrong, late = describe(BLOCK_BLOCKS[1], BLOCK_BLOCKS[0])
    assert wrong.error == {"code": "SEGMENT_MISSING", "reason": "block 2 out of order"}
    assert late.error["code"] == "SEGMENT_MISSING"


def test_the_check_sequence_has_its_known_value():
    assert crc16(b"123456789") == 0x906E


@pytest.mark.parametrize(
    ("frame", "control", "octets"),
    [
        ("7EA01F21022373E6C781801205019A06019A070400000001080400000001CCA27E", 0x73, 21),
        ("7ea00802232193bd647e", 0x93, 0),
    ],
    ids=["with information", "without"],
)
def test_link_frames_have_good_check_sequences(frame, control, octets):
    (found,) = hdlc_frames(bytes.fromhex(frame))
    assert found.control == control
    assert len(found.information) == octets


@pytest.mark.parametrize("place", [5, 6, 7, 20, -2])
def test_a_changed_octet_of_an_hdlc_frame_is_noticed(place):
    octets = bytearray(BLOCK_HDLC)
    octets[place] ^= 0x10
    with pytest.raises(FrameError):
        hdlc_frames(bytes(octets))
