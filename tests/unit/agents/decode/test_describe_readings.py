"""`kvarn decode` on a frame of a head-end's readings."""

from __future__ import annotations

from agents.decode.describe import describe_frames
from pipeline.codes import Flag, Kind
from pipeline.reading_frames import TARGET, Reading, ReadingFrame
from tests.builders_frames import BLOCK_PLAIN, NOON
from tests.property.test_reading_frames import octets_of

READINGS = (
    Reading(NOON, Flag.HEAD_END_ESTIMATED, {TARGET["wh_imp"]: 125, TARGET["voltage_r"]: 231_500}, "2.8.0", "R-1"),
    Reading(NOON + 1800, Flag(0), {TARGET["wh_imp"]: 126}, "", ""),
)


def test_a_frame_of_readings_says_who_made_it_and_what_the_head_end_says() -> None:
    frame = octets_of(ReadingFrame(Kind.BLOCK, 0x4B564E0000000001, "ACME", READINGS))
    found, push = describe_frames([frame, BLOCK_PLAIN])
    assert (found.framing, found.device, found.time, found.error) == (
        "readings", "4B564E0000000001", "2025-07-01T12:00:00+05:30", None,
    )  # fmt: skip
    assert found.values == {
        "source": "ACME",
        "kind": "BLOCK",
        "readings": [
            {
                "time": "2025-07-01T12:00:00+05:30", "quality": "2.8.0", "id": "R-1", "flags": ["head_end_estimated"],
                "1.0.1.29.0.255": 125, "1.0.12.27.0.255": 231.5,
            },
            {"time": "2025-07-01T12:30:00+05:30", "1.0.1.29.0.255": 126},
        ],
    }  # fmt: skip
    assert found.units == {"1.0.1.29.0.255": "Wh", "1.0.12.27.0.255": "V"}
    assert push.framing == "raw"


def test_registers_and_momentary_values_go_by_their_own_codes() -> None:
    values = {TARGET["wh_imp"]: 5, TARGET["frequency"]: 50_010}
    (found,) = describe_frames(
        [octets_of(ReadingFrame(Kind.INSTANT, 7, "ACME", (Reading(NOON, Flag(0), values, "", ""),)))]
    )
    assert found.values["readings"][0] == {
        "time": "2025-07-01T12:00:00+05:30", "1.0.1.8.0.255": 5, "1.0.14.7.0.255": 50.01,
    }  # fmt: skip
    assert found.units["1.0.14.7.0.255"] == "Hz"


def test_a_broken_frame_of_readings_is_reported_with_its_code() -> None:
    frame = octets_of(ReadingFrame(Kind.BLOCK, 7, "ACME", READINGS))
    (found,) = describe_frames([frame[:-3]])
    assert found.error is not None
    assert (found.framing, found.error["code"]) == ("readings", "DATA_MALFORMED")
