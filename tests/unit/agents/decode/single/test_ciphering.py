"""Ciphered APDUs of all kinds and suites."""

import pytest

from agents.decode.describe import Keys, Options, describe_with
from tests.builders_apdus import (
    LONG_KEYS,
    ciphering_fields,
    general,
    general_ciphering,
    octet_string,
    protected,
    service,
    wrapped_key,
)
from tests.builders_frames import BLOCK_PLAIN, DEVICE, KEYS

VOLTAGE = "1.0.12.27.0.255"
DEDICATED = bytes(range(0x30, 0x40))
KEK = bytes(range(0x50, 0x60))
GET = bytes.fromhex("c401c1000600001391")
IDENTIFIED = b"\0\0"


def tell(*frames, keys=KEYS, **known):
    given = Keys(lambda title: keys if title == DEVICE else None, **known)
    return list(describe_with(frames, Options(given, explain=True)))


@pytest.mark.parametrize("suite", [0, 1, 2])
@pytest.mark.parametrize("policy", [0x10, 0x20, 0x30])
@pytest.mark.parametrize("broadcast", [0, 0x40])
def test_every_suite_and_policy_is_opened(suite, policy, broadcast):
    keys = LONG_KEYS if suite == 2 else KEYS
    frame = general(0xDB, BLOCK_PLAIN, control=suite | policy | broadcast, keys=keys)
    (found,) = tell(frame, keys=keys)
    assert found.error is None
    assert found.values[VOLTAGE] == 231.5
    security = found.details["security"]
    assert security["suite"] == suite
    assert (security["authenticated"], security["encrypted"]) == (bool(policy & 0x10), bool(policy & 0x20))
    assert security["key_set"] == ("broadcast" if broadcast else "unicast")


@pytest.mark.parametrize(
    ("control", "word"), [(0xB0, "compressed"), (0xA0, "compressed"), (0x33, "suite 3"), (0x00, "neither")]
)
def test_what_is_not_supported_is_refused_with_its_own_reason(control, word):
    (found,) = tell(b"\xdb" + octet_string(DEVICE.to_bytes(8, "big")) + octet_string(bytes([control]) + bytes(40)))
    assert found.error["code"] == "SECURITY_UNSUPPORTED"
    assert word in found.error["reason"]


def test_a_suite_needs_keys_of_its_length():
    for suite, keys in ((2, KEYS), (0, LONG_KEYS)):
        (found,) = tell(general(0xDB, BLOCK_PLAIN, control=0x30 | suite, keys=keys), keys=keys)
        assert found.error["code"] == "KEY_UNKNOWN"
        assert "octets" in found.error["reason"]


@pytest.mark.parametrize("tag", [0xCC, 0xCA, 0xCD, 0xCF])
def test_ciphering_of_one_service_takes_the_title_from_the_caller(tag):
    frame = service(tag, GET)
    (found,) = tell(frame, server=DEVICE)
    assert found.error is None
    assert found.details["value"] == 5009
    assert found.device == f"{DEVICE:016X}"
    (unknown,) = tell(frame)
    assert unknown.error["code"] == "KEY_UNKNOWN"
    assert "system title" in unknown.error["reason"]


def test_ciphering_of_one_service_takes_the_title_from_the_association_before():
    aare = bytes.fromhex("6136a1090607608574050801 03a203020100a305a103020100a40a0408") + DEVICE.to_bytes(8, "big")
    aare += bytes.fromhex("be10040e0800065f1f040000381f009b0007")
    aare = aare[:1] + bytes([len(aare) - 2]) + aare[2:]
    opened, answer = tell(aare, service(0xCC, GET))
    assert opened.apdu == "aare"
    assert opened.details["context"] == "LN ciphered"
    assert answer.details["value"] == 5009


@pytest.mark.parametrize("frame", [general(0xDC, GET, keys=(DEDICATED, KEYS[1])),
                                   service(0xD4, GET, keys=(DEDICATED, KEYS[1]))])  # fmt: skip
def test_dedicated_keys_are_used_where_they_are_due(frame):
    (found,) = tell(frame, dedicated=DEDICATED, server=DEVICE)
    assert found.details["value"] == 5009
    (unknown,) = tell(frame, server=DEVICE)
    assert unknown.error["code"] == "KEY_UNKNOWN"
    assert "dedicated" in unknown.error["reason"]


def test_the_dedicated_key_of_an_association_serves_what_follows_and_is_not_told():
    initiate = b"\x01\x01" + octet_string(DEDICATED) + bytes.fromhex("000006 5f1f0400001e1d 04c8".replace(" ", ""))
    user = octet_string(b"\x04" + octet_string(service(0x21, initiate)))
    fields = bytes.fromhex("a109060760857405080103a60a0408") + DEVICE.to_bytes(8, "big") + b"\xbe" + user
    aarq, answer = tell(b"\x60" + octet_string(fields), service(0xD4, GET, keys=(DEDICATED, KEYS[1])), server=DEVICE)
    assert aarq.error is None
    assert aarq.details["initiate"]["dedicated_key"] == "kept secret"
    assert answer.details["value"] == 5009
    assert DEDICATED.hex().upper() not in str(aarq.as_dict(explain=True))


@pytest.mark.parametrize("bound", ["none", "with lengths", "without"])
def test_general_ciphering_with_an_identified_key(bound):
    fields = ciphering_fields()
    plain_fields = bytes(range(8)) + DEVICE.to_bytes(8, "big") + b"CLI\0\0\0\0\1"
    authenticated = {"none": b"", "with lengths": fields, "without": plain_fields}[bound]
    (found,) = tell(general_ciphering(GET, IDENTIFIED, bound=authenticated))
    assert found.details["value"] == 5009
    told = found.details["general_ciphering"]
    assert told["key"] == "identified: global unicast"
    assert told["originator"] == f"{DEVICE:016X}"
    assert told["transaction"] == "0001020304050607"


def test_general_ciphering_with_a_wrapped_key():
    frame = general_ciphering(GET, wrapped_key(KEK, DEDICATED), keys=(DEDICATED, KEYS[1]))
    assert tell(frame, kek=KEK)[0].details["value"] == 5009
    for kek, code, word in ((None, "KEY_UNKNOWN", "wrapped"), (bytes(16), "DECRYPT_FAILED", "does not open")):
        (found,) = tell(frame, kek=kek)
        assert found.error["code"] == code
        assert word in found.error["reason"]
        assert found.details["general_ciphering"]["key"].startswith("wrapped")


def test_general_ciphering_with_an_agreed_key_says_so():
    (found,) = tell(general_ciphering(GET, b"\2" + octet_string(b"\1") + octet_string(bytes(128))))
    assert found.error["code"] == "KEY_UNKNOWN"
    assert "ECDH" in found.error["reason"]
    assert found.details["general_ciphering"]["key"] == "agreed: parameters 01, 128 octets"


def test_general_ciphering_without_key_info_uses_the_key_in_force():
    assert tell(general_ciphering(GET, b""))[0].details["value"] == 5009


def test_signed_content_is_described_and_its_signature_kept_aside():
    for inner in (BLOCK_PLAIN, general(0xDB, BLOCK_PLAIN)):
        (found,) = tell(b"\xdf" + ciphering_fields() + octet_string(inner) + octet_string(bytes(range(64))))
        assert found.values[VOLTAGE] == 231.5
        signing = found.details["signing"]
        assert signing["verified"] is False
        assert signing["curve"] == "P-256"
        assert signing["signature"] == bytes(range(64)).hex().upper()


@pytest.mark.parametrize("control", [0x10, 0x30])
def test_a_changed_octet_is_noticed(control):
    frame = general(0xDB, BLOCK_PLAIN, control=control)
    for place in (16, 30, len(frame) - 1):
        octets = bytearray(frame)
        octets[place] ^= 1
        (found,) = tell(bytes(octets))
        assert found.error["code"] == "DECRYPT_FAILED"
        assert not found.values


def test_apdus_inside_each_other_end_somewhere():
    frame = BLOCK_PLAIN
    for counter in range(12):
        frame = general(0xDB, frame, counter)
    (found,) = tell(frame)
    assert found.error["code"] == "DATA_MALFORMED"
    assert not found.values


def test_lengths_that_do_not_fit_are_told_apart():
    frame = b"\xdb" + octet_string(DEVICE.to_bytes(8, "big")) + protected(BLOCK_PLAIN, 1)
    assert tell(frame[:-1])[0].error["code"] == "FRAME_TRUNCATED"
    assert tell(frame + b"\0")[0].error["code"] == "DATA_MALFORMED"
    assert tell(frame[:11])[0].error["code"] == "FRAME_TRUNCATED"
