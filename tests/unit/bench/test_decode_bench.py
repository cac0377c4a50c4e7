"""`kvarn bench decode` with small loads: what is compared, and what is said of it."""

from __future__ import annotations

import numpy as np
import pytest

from agents.decode.single.frames import pieces
from agents.decode.single.hdlc import crc16
from bench.decode import shapes
from bench.decode.case import DecodeCase, read_decode_case
from bench.decode.page import text
from bench.decode.work import DAY_ROWS, SHAPES, Fleet, fleets, truth_of
from connectors.simulator.burst_kernel import HEAD_OCTETS, TITLE_HEAD

pytest.importorskip("gurux_dlms")

from bench.decode import gurux
from bench.decode.figures import figures
from bench.decode.measure import GURUX, KVARN, LIBCRYPTO, Decoder, Result, Turn, run

SMALL = {"meters": 60, "profile_meters": 5, "batch_frames": 25, "profile_batch_frames": 3, "rounds": 2,
         "gurux_secs": 0.0, "least_gurux_frames": 2}  # fmt: skip


@pytest.fixture(name="case")
def small_case() -> DecodeCase:
    return read_decode_case().model_copy(update=SMALL)


@pytest.fixture(name="known")
def fleets_of_the_case(case: DecodeCase) -> dict[int, Fleet]:
    return fleets(case)


def shape(name):
    return next(one for one in SHAPES if one.name == name)


def test_all_take_turns_on_the_same_frames_and_read_the_truth(case: DecodeCase) -> None:
    said = figures(case, run(case, lambda *_: None))
    assert said["correct"]["different"] == 0
    by_name = {one["case"]: one for one in said["cases"]}
    assert list(by_name) == [one.name for one in SHAPES]
    for name in ("encrypted", "plain", "profile"):
        one = by_name[name]
        assert one["read"]
        assert one["ways"][KVARN]["frames"] == 2 * (60 if one["readings_a_frame"] == 1 else 5)
        assert one["readings_per_s"] >= one["frames_per_s"] * one["readings_a_frame"] - 1
        assert one["ways"][GURUX]["frames"] == 4
    # libcrypto has nothing to open of plain frames.
    assert by_name["plain"]["share_of_libcrypto"] is None
    assert by_name["encrypted"]["ways"][LIBCRYPTO]["frames"] == 120
    assert set(said["goals"]) == {"frames_per_s", "times_gurux", "share_of_libcrypto"}
    assert "encrypted D1 block pushes" in text(said, case)


@pytest.mark.parametrize("name", ["hdlc", "compact"])
def test_a_shape_is_read_as_it_was_made_or_said_to_be_refused(case: DecodeCase, name: str) -> None:
    said = figures(case, run(case, lambda *_: None))
    one = next(one for one in said["cases"] if one["case"] == name)
    assert one["read"] == (not one["refused"])
    assert one["correct"]["different"] == 0
    assert one["ways"][GURUX]["different"] == 0


def test_a_value_that_differs_from_the_truth_is_counted(known: dict[int, Fleet]) -> None:
    fleet, encrypted = known[1], shape("encrypted")
    batch = next(fleet.batches(1))
    decoder, result = Decoder(fleet), Result(encrypted)
    try:
        decoder.take([batch], result, 1, right := Turn())
        decoder.take([next(fleet.batches(2))], result, 1, wrong := Turn())
    finally:
        decoder.close()
    assert (right.different, right.readings) == (0, len(batch.length))
    assert wrong.different == wrong.frames > 0


def test_frames_that_are_refused_count_as_different_when_others_are_read(known: dict[int, Fleet]) -> None:
    fleet, encrypted = known[1], shape("encrypted")
    batch = next(fleet.batches(1))
    batch.payload[HEAD_OCTETS] ^= 1
    decoder, result = Decoder(fleet), Result(encrypted)
    try:
        decoder.take([batch], result, 1, turn := Turn())
    finally:
        decoder.close()
    assert turn.different == 1
    assert result.verdicts == {"DECRYPT_FAILED": 1}


def test_frames_in_hdlc_are_sound_and_hold_the_ciphered_apdu(known: dict[int, Fleet]) -> None:
    batch = next(known[1].batches(1))
    framed = shapes.in_hdlc(batch)
    raw, inner = shapes.matrix(framed)[3].tobytes(), shapes.matrix(batch)[3].tobytes()
    (piece,) = pieces(raw)
    assert (piece.framing, piece.apdu, piece.error) == ("hdlc", inner, None)
    assert shapes.checks(np.frombuffer(b"123456789", np.uint8)[None, :]).tobytes() == b"\x6e\x90"
    assert crc16(b"123456789") == 0x906E


def test_plain_frames_are_what_was_sealed_and_sealing_them_again_gives_the_frames(known: dict[int, Fleet]) -> None:
    for rows, name in ((1, "encrypted"), (DAY_ROWS, "profile")):
        fleet = known[rows]
        batch = next(fleet.batches(3))
        plain = shapes.opened(batch, shapes.sealed_in(batch, fleet.ring, shape(name).head, 0))
        assert plain[:, 0].tolist() == [0x0F] * len(batch.length)
        assert shapes.resealed(batch, plain, 3, fleet.ring).payload.tobytes() == batch.payload.tobytes()


def test_gurux_reads_a_compact_array_as_the_array_that_it_stands_for(known: dict[int, Fleet]) -> None:
    fleet, number = known[DAY_ROWS], 2
    batch = next(fleet.batches(number))
    meter = int(batch.device[0]) - int(TITLE_HEAD)
    keys = (fleet.ring.encryption[meter].tobytes(), fleet.ring.authentication[meter].tobytes())
    truth = truth_of(fleet.plan, batch.device, number)[0].tolist()
    for name in ("profile", "compact"):
        frame = shapes.matrix(shape(name).make(batch, fleet, number))[0].tobytes()
        with gurux.cipher("cryptography"):
            values = gurux.Reader("pdu").read(frame, int(batch.device[0]).to_bytes(8, "big"), *keys)
        assert gurux.said(values, fleet.plan.interval_secs) == truth


def test_a_shape_that_is_not_read_has_no_rate(case: DecodeCase) -> None:
    result = Result(shape("hdlc"), 120, {KVARN: [Turn(10, 1000, 0, 10)], GURUX: [Turn(1, 1000, 1, 0)]})
    result.verdicts["APDU_UNKNOWN"] = 10
    main = Result(shape("encrypted"), 106, {KVARN: [Turn(10, 1000, 10, 0)], GURUX: [Turn(1, 50_000, 1, 0)]})
    said = figures(case, [main, result])
    assert said["cases"][1]["frames_per_s"] is None
    assert said["correct"] == {"compared": 12, "different": 0}
    assert said["cases"][0]["times_gurux"] == 500
    assert said["goals"]["times_gurux"]["met"]
    assert not said["goals"]["share_of_libcrypto"]["met"]
    assert "not read: 10 APDU_UNKNOWN" in text(said, case)


def test_a_wrong_value_keeps_every_goal_from_being_met(case: DecodeCase) -> None:
    main = Result(shape("encrypted"), 106, {KVARN: [Turn(10**6, 10**6, 10, 1)], GURUX: [Turn(1, 10**9, 1, 0)]})
    said = figures(case, [main])
    assert not any(goal["met"] for goal in said["goals"].values())
    assert figures(case, [main], own_load=True)["goals"]["times_gurux"]["met"] is None


def test_the_truth_of_plain_frames_has_the_flag_of_plain_frames(known: dict[int, Fleet]) -> None:
    fleet = known[1]
    batch = shape("plain").make(next(fleet.batches(1)), fleet, 1)
    decoder = Decoder(fleet)
    try:
        decoder.take([batch], Result(shape("plain")), 1, turn := Turn())
    finally:
        decoder.close()
    assert turn.different == 0
