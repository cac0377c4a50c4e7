"""Frames of every framing, under every cipher, with every fault: the kernels say what the single decoder says.

The oracle takes APDUs out of their framing and opens them by `agents.decode.single`, which shares no code with the
kernels but for what few meters send (`agents.decode.others`).
"""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.decode.config import DecodeConfig
from agents.decode.kernels_open import new_opened, open_frames
from agents.decode.prepare import policy_of, tables_of
from agents.decode.step import DecodeStep, decode_batch
from pipeline import gcm
from pipeline.codes import REJECT_BY_NUMBER
from pipeline.reference import BROADCAST, OTHER_KEY, UNICAST
from pipeline.state import StateStore
from tests.builders_apdus import (
    LONG_KEYS,
    blocks,
    ciphering_fields,
    general,
    general_ciphering,
    hdlc,
    mbus,
    segments,
    service,
)
from tests.builders_frames import (
    DEVICE,
    KEYS,
    OTHER,
    POINT,
    Link,
    alert,
    block,
    frame_batch,
    references,
    sealed,
    wrapped,
)
from tests.oracles.decode import Oracle, apdu_of
from tests.property.test_decode_kernel import rows_of

LLC = b"\xe6\xe7\x00"
BROADCAST_KEYS = (bytes(range(0x40, 0x50)), bytes(range(0x50, 0x60)))
DEDICATED = (bytes(range(0x30, 0x40)), KEYS[1])
OTHERS = {(DEVICE, "unicast", 32): LONG_KEYS, (DEVICE, "broadcast", 16): BROADCAST_KEYS}


def other_keys(pairs):
    """OTHER_KEY of pairs by device, key set and octets."""
    rows = np.zeros(len(pairs), OTHER_KEY)
    for row, ((device, key_set, length), pair) in zip(rows, pairs.items(), strict=True):
        row["device"], row["length"] = device, length
        row["key_set"] = BROADCAST if key_set == "broadcast" else UNICAST
        for name, octets in zip(("encryption", "authentication"), pair, strict=True):
            row[name][:length] = np.frombuffer(octets, np.uint8)
    return rows


KNOWN = references([Link(), Link(OTHER, POINT)], others=other_keys(OTHERS))

SEALS = {
    "plain": lambda plain, counter: plain,
    "general-glo": lambda plain, counter: sealed(plain, counter),
    "authenticated": lambda plain, counter: sealed(plain, counter, control=0x10),
    "encrypted": lambda plain, counter: sealed(plain, counter, control=0x20),
    "suite 1": lambda plain, counter: sealed(plain, counter, control=0x31),
    "suite 1, encrypted": lambda plain, counter: sealed(plain, counter, control=0x21),
    "suite 2": lambda plain, counter: general(0xDB, plain, counter, control=0x32, keys=LONG_KEYS),
    "suite 2, authenticated": lambda plain, counter: general(0xDB, plain, counter, control=0x12, keys=LONG_KEYS),
    "broadcast": lambda plain, counter: general(0xDB, plain, counter, control=0x70, keys=BROADCAST_KEYS),
    "suite 3": lambda plain, counter: sealed(plain, counter, control=0x33),
    "glo-event-notification": lambda plain, counter: service(0xCA, plain, counter),
    "glo-get-response": lambda plain, counter: service(0xCC, plain, counter, control=0x21),
    "glo-action-response, suite 2": lambda plain, counter: service(
        0xCF, plain, counter, control=0x32, keys=LONG_KEYS
    ),
    "glo-get-request": lambda plain, counter: service(0xC8, plain, counter),
    "general-ded": lambda plain, counter: general(0xDC, plain, counter, keys=DEDICATED),
    "ded-get-response": lambda plain, counter: service(0xD4, plain, counter, keys=DEDICATED),
    "general-ciphering": lambda plain, counter: general_ciphering(plain, b"\0\0", counter),
    "general-ciphering, fields bound": lambda plain, counter: general_ciphering(
        plain, b"", counter, bound=ciphering_fields()
    ),
    "general-ciphering, agreed": lambda plain, counter: general_ciphering(plain, b"\2\1\0\1\0", counter),
    "of another": lambda plain, counter: general(0xDB, plain, counter, title=OTHER, keys=KEYS),
    "general-ciphering of another": lambda plain, counter: general_ciphering(
        plain, b"\0\0", counter, fields=ciphering_fields(OTHER), title=OTHER
    ),
    "wrong key": lambda plain, counter: sealed(plain, counter, keys=DEDICATED),
}  # fmt: skip


def in_blocks(framed):
    """A framing of an APDU that is cut to blocks, each one framed by `framed`."""
    return lambda apdu, size: [framed(part) for part in blocks(apdu, max(size, 12))]


FRAMINGS = {
    "bare": lambda apdu, size: [apdu],
    "wrapper": lambda apdu, size: [wrapped(apdu)],
    "llc": lambda apdu, size: [LLC + apdu],
    "hdlc": lambda apdu, size: [hdlc(LLC + apdu)],
    "hdlc without llc": lambda apdu, size: [hdlc(apdu)],
    "hdlc, long addresses": lambda apdu, size: [hdlc(LLC + apdu, source=b"\0\2\0\x23", destination=b"\2\x23")],
    "hdlc segments": lambda apdu, size: segments(apdu, size),
    "mbus": lambda apdu, size: mbus(apdu, min(size, 240)),
    "blocks": in_blocks(lambda part: part),
    "blocks behind llc": in_blocks(lambda part: LLC + part),
    "blocks in wrappers": in_blocks(wrapped),
    "blocks in hdlc": in_blocks(lambda part: hdlc(LLC + part)),
}  # fmt: skip

FAULTS = (
    "none", "none", "flip", "flip", "cut", "insert", "without one", "twice one", "swapped", "check", "flags",
    "link frame", "behind", "again",
)  # fmt: skip


@st.composite
def payloads(draw, fault=None):
    """A payload with one push, or with what is left of it."""
    plain = draw(
        st.sampled_from([block(wh_imp=1.25), block((2025, 7, 1, 12, 30, 0)), alert(81), b"\xc4\1\xc1\0\6\0\0\0\1"])
    )
    counter = draw(st.integers(1, 5) | st.sampled_from([256, 257, 300]))
    apdu = draw(st.sampled_from(sorted(SEALS)).map(SEALS.get))(plain, counter)
    size = draw(st.sampled_from([1, 3, 7, 20, 40, 64, 500]))
    parts = draw(st.sampled_from(sorted(FRAMINGS)).map(FRAMINGS.get))(apdu, size)
    return b"".join(_broken(draw, list(parts), fault or draw(st.sampled_from(FAULTS))))


def _broken(draw, parts, fault):
    place = draw(st.integers(0, len(parts) - 1))
    if fault == "without one":
        del parts[place]
    elif fault == "twice one":
        parts.insert(place, parts[place])
    elif fault == "swapped":
        parts[0], parts[place] = parts[place], parts[0]
    elif fault == "check":
        parts.insert(place, hdlc(LLC + b"\x0f\0\0\0\1\0\0", good=False))
    elif fault == "flags":
        parts.insert(place, b"\x7e" * draw(st.integers(1, 3)))
    elif fault == "link frame":
        parts.insert(place, draw(st.sampled_from([hdlc(b"", control=0x31), hdlc(b"\x81\x80", control=0x73)])))
    elif fault == "behind":
        parts.append(draw(st.binary(min_size=1, max_size=4)))
    elif fault == "again":
        parts += parts
    elif fault in ("flip", "cut", "insert") and parts:
        octets = bytearray(parts[place])
        at = draw(st.integers(0, len(octets) - 1))
        if fault == "flip":
            octets[at] ^= draw(st.integers(1, 255))
        elif fault == "cut":
            del octets[at : at + draw(st.integers(1, 30))]
        else:
            octets[at:at] = draw(st.binary(min_size=1, max_size=4))
        parts[place] = bytes(octets)
    return parts


def verdicts(offered, known=KNOWN):
    """What the kernels make of records of payloads of DEVICE: a list of codes and lists of Rows."""
    tables, context = tables_of(known, DecodeConfig()), gcm.new_context(encrypt=False)
    store, found = StateStore(DecodeStep().layout, range(512)), []
    for record in offered:
        batch, opened, changes = decode_batch(frame_batch(record), store, tables, context)
        rows = rows_of(batch, changes)
        found += [rows.get(n) or REJECT_BY_NUMBER[int(opened.code[n])].code for n in range(len(record))]
    gcm.free_context(context)
    return found


def expected(offered):
    """What the oracle makes of them."""
    oracle = Oracle(KNOWN, {DEVICE: KEYS}, others=OTHERS)
    return [oracle.judge(frame, DEVICE, POINT) for record in offered for frame in record]


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.lists(payloads(), min_size=1, max_size=6), min_size=1, max_size=3))
def test_every_framing_cipher_and_fault_is_judged_as_the_decoder_for_single_frames_does(offered):
    frames = [frame for record in offered for frame in record]
    for frame, found, wanted in zip(frames, verdicts(offered), expected(offered), strict=True):
        assert alike(frame, found) == alike(frame, wanted)


def alike(frame, verdict):
    """Of what is broken behind a first WRAPPER the kernels say that it is cut, the other that it is no frame."""
    behind = frame[:2] == b"\0\1" and len(frame) > 8 + int.from_bytes(frame[6:8], "big")
    return "DATA_MALFORMED" if behind and verdict == "FRAME_TRUNCATED" else verdict


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    b"\x7e\xa0",
                    b"\x7e\xa8",
                    b"\x68\x05\x05\x68",
                    b"\xe0",
                    b"\xe6\xe7\0\xe0",
                    b"\xdd",
                    b"\xcc",
                    b"\xd4",
                    b"\xdc\x08",
                    b"\0\1\0\1\0\1\0\2\xe0\0",
                ]
            ),
            st.binary(max_size=40),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_what_begins_as_another_framing_or_cipher_gets_a_verdict(heads):
    record = [head + rest for head, rest in heads]
    assert verdicts([record]) == expected([record])


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("size", [1, 9, 40, 200])
def test_sound_frames_of_every_framing_and_cipher_are_read_or_refused_for_their_cipher(framing, size):
    refused = {
        "suite 3": "SECURITY_UNSUPPORTED", "glo-get-request": "APDU_UNKNOWN", "general-ded": "KEY_UNKNOWN",
        "ded-get-response": "KEY_UNKNOWN", "general-ciphering, agreed": "KEY_UNKNOWN", "of another": "FRAME_UNREADABLE",
        "general-ciphering of another": "FRAME_UNREADABLE", "wrong key": "DECRYPT_FAILED",
    }  # fmt: skip
    apdus = {name: seal(block(wh_imp=1.25), counter) for counter, (name, seal) in enumerate(SEALS.items())}
    found = verdicts([[b"".join(FRAMINGS[framing](apdu, size)) for apdu in apdus.values()]])
    for counter, (name, verdict) in enumerate(zip(SEALS, found, strict=True)):
        if name in refused:
            assert verdict == refused[name], name
        else:
            (row,) = verdict
            assert row.values["wh_imp"] == 1250
            assert row.counter == counter


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(payloads(), min_size=1, max_size=8))
def test_kernels_leave_the_octets_of_the_apdu_that_the_decoder_for_single_frames_finds(frames):
    """Of frames that are not opened otherwise: the protected octets, or the whole APDU, lie where `opened` says."""
    octets = np.frombuffer(b"".join(frames), np.uint8).copy()
    opened = new_opened(len(frames))
    opened.frames.key_row[:] = np.arange(len(frames))
    lengths = np.array([len(frame) for frame in frames], np.uint32)
    open_frames(octets, lengths, np.full(len(frames), DEVICE, np.uint64), policy_of(DecodeConfig()), opened)
    for item, frame in enumerate(frames):
        start, length = int(opened.frames.start[item]), int(opened.frames.length[item])
        if opened.code[item] == 0:
            apdu = apdu_of(frame)
            left = octets[start : start + length].tobytes()
            assert left == apdu if opened.security[item] in (0, 0x80) else left in apdu
        else:
            assert REJECT_BY_NUMBER[int(opened.code[item])].code


READINGS = b"R" + bytes(200)


@pytest.mark.parametrize("framing", sorted(set(FRAMINGS) - {"bare"}))
def test_nothing_in_a_framing_is_taken_for_readings_of_a_head_end(framing):
    payload = b"".join(FRAMINGS[framing](READINGS, 64))
    assert verdicts([[payload]]) == ["APDU_UNKNOWN"]


@pytest.mark.parametrize("seal", [name for name in SEALS if name.startswith(("gen", "suite", "broad", "glo"))])
def test_nothing_that_is_ciphered_is_taken_for_readings_of_a_head_end(seal):
    (found,) = verdicts([[SEALS[seal](READINGS, 3)]])
    assert found in ("APDU_UNKNOWN", "SECURITY_UNSUPPORTED", "KEY_UNKNOWN", "FRAME_UNREADABLE")


def test_each_key_has_a_window_of_counters_of_its_own():
    seals = [SEALS[name] for name in ("general-glo", "suite 2", "broadcast")]
    first = [seal(block(wh_imp=1.25), 9) for seal in seals]
    again = verdicts([first, first])
    assert [type(found) for found in again[:3]] == [list] * 3
    assert again[3:] == ["COUNTER_DUPLICATE"] * 3
    # Nor does one in turns with another forget what it has seen.
    assert verdicts([[first[0]], [first[1]], [first[0]], [first[1]]])[2:] == ["COUNTER_DUPLICATE"] * 2


def test_without_its_key_a_frame_waits_for_one_whatever_other_keys_the_device_has():
    bare = references([Link()])
    for name in ("suite 2", "broadcast"):
        assert verdicts([[SEALS[name](block(), 1)]], bare) == ["KEY_UNKNOWN"]
    long_alone = references([Link()], {}, others=other_keys({(DEVICE, "unicast", 32): LONG_KEYS}))
    assert verdicts([[SEALS["general-glo"](block(), 1)]], long_alone) == ["KEY_UNKNOWN"]
    assert isinstance(verdicts([[SEALS["suite 2"](block(), 1)]], long_alone)[0], list)


def test_settings_hold_for_every_cipher():
    strict = tables_of(KNOWN, DecodeConfig(unauthenticated=False, plain=False))
    store, context = StateStore(DecodeStep().layout, range(512)), gcm.new_context(encrypt=False)
    frames = [
        sealed(block(), 1, control=0x21), general(0xDB, block(), 2, control=0x22, keys=LONG_KEYS),
        general_ciphering(block(), b"\0\0", 3, control=0x20), hdlc(LLC + block()), b"".join(mbus(block())),
        service(0xCA, block(), 4, control=0x20),
    ]  # fmt: skip
    _, opened, _ = decode_batch(frame_batch(frames), store, strict, context)
    assert {REJECT_BY_NUMBER[int(code)].code for code in opened.code} == {"SECURITY_UNSUPPORTED"}


def test_a_device_that_nobody_knows_is_unreadable_in_every_framing():
    frames = [hdlc(LLC + block()), b"".join(mbus(block())), service(0xCC, block())]
    tables, context = tables_of(KNOWN, DecodeConfig()), gcm.new_context(encrypt=False)
    batch = frame_batch(frames, devices=0)
    _, opened, _ = decode_batch(batch, StateStore(DecodeStep().layout, range(512)), tables, context)
    assert {REJECT_BY_NUMBER[int(code)].code for code in opened.code} == {"FRAME_UNREADABLE"}
