"""AES-GCM by the processor's instructions against NIST's cases and the `cryptography` package."""

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline import gcm
from pipeline import gcm_instructions as own
from pipeline.gcm_single import TAG_LENGTH, seal_one

pytestmark = pytest.mark.skipif(not gcm.has_instructions(), reason="the processor has no instructions for AES-GCM")

GUARD = 40
MOST = 2000

LONG_PLAIN = (
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657"
    "ba637b391aafd255"
)
LONG_CIPHER = (
    "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac97"
    "3d58e091473f5985"
)
SPECIFIED = {
    1: ("0" * 32, "", "", "0" * 24, "", "58e2fccefa7e3061367f1d57a4e7455a"),
    2: ("0" * 32, "0" * 32, "", "0" * 24, "0388dace60b6a392f328c2b971b2fe78", "ab6e47d42cec13bdf53a67b21257bddf"),
    3: ("feffe9928665731c6d6a8f9467308308", LONG_PLAIN, "", "cafebabefacedbaddecaf888", LONG_CIPHER,
        "4d5c2af327cd64a62cf35abd2ba6fab4"),
    4: ("feffe9928665731c6d6a8f9467308308", LONG_PLAIN[:120], "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        "cafebabefacedbaddecaf888", LONG_CIPHER[:120], "5bc94fbc3221a5db94fae95ae7121a47"),
}  # fmt: skip
"""McGrew and Viega, The Galois/Counter Mode of Operation, appendix B: key, plaintext, AAD, IV, ciphertext, tag."""


def array(octets, room=0):
    found = np.zeros(len(octets) + room, np.uint8)
    found[: len(octets)] = np.frombuffer(octets, np.uint8)
    return found


def iv_of(nonce):
    return array(nonce, gcm.IV_ROOM - 12)


def sealed_by_us(key, nonce, aad, plain):
    """Ciphertext and tag; what lies around them is looked at as well."""
    out = np.full(GUARD + len(plain) + TAG_LENGTH + GUARD, 0xA5, np.uint8)
    assert own.seal(0, array(key), 0, iv_of(nonce), array(aad), len(aad), array(plain), 0, len(plain), out, GUARD)
    assert (out[:GUARD] == 0xA5).all()
    assert (out[-GUARD:] == 0xA5).all()
    return out[GUARD:-GUARD].tobytes()


def opened_by_us(key, nonce, aad, cipher, tag, place):
    """(plaintext or None, what the output held): opened in place, between other octets, the end being that of all."""
    data = np.full(place + len(cipher) + TAG_LENGTH, 0x5A, np.uint8)
    data[place:] = array(cipher + tag)
    good = own.unseal(array(key), 0, iv_of(nonce), array(aad), len(aad), data, place, len(cipher), data, place)
    assert (data[:place] == 0x5A).all()
    assert data[place + len(cipher) :].tobytes() == tag
    text = data[place : place + len(cipher)].tobytes()
    return (text if good else None), text


@pytest.mark.parametrize("case", SPECIFIED)
def test_the_specifications_cases_are_sealed_and_opened(case):
    key, plain, aad, nonce, cipher, tag = (bytes.fromhex(one) for one in SPECIFIED[case])
    assert sealed_by_us(key, nonce, aad, plain) == cipher + tag[:TAG_LENGTH]
    assert opened_by_us(key, nonce, aad, cipher, tag[:TAG_LENGTH], 3)[0] == plain


keys = st.binary(min_size=16, max_size=16)
nonces = st.binary(min_size=12, max_size=12)
lengths = st.one_of(st.integers(0, 140), st.integers(0, MOST))


def octets_of(length, seed):
    return np.random.default_rng(seed).bytes(length)


@settings(max_examples=600, deadline=None)
@given(keys, nonces, st.binary(max_size=70), lengths, st.integers(0, 2**32), st.integers(0, 20))
@example(b"\xff" * 16, b"\xff" * 12, b"\xff" * 17, 127, 1, 0)
@example(b"\0" * 16, b"\0" * 12, b"", 128, 1, 1)
@example(b"\0" * 16, b"\0" * 12, b"", MOST, 1, 1)
def test_any_text_is_sealed_and_opened_as_by_the_package(key, nonce, aad, length, seed, place):
    plain = octets_of(length, seed)
    expected = AESGCM(key).encrypt(nonce, plain, aad)[: length + TAG_LENGTH]
    assert sealed_by_us(key, nonce, aad, plain) == expected
    assert opened_by_us(key, nonce, aad, expected[:length], expected[length:], place)[0] == plain


@settings(max_examples=400, deadline=None)
@given(
    keys, nonces, st.binary(max_size=40), lengths, st.integers(0, 2**32),
    st.sampled_from(("text", "tag", "aad", "key", "nonce")), st.integers(0, 2**16), st.integers(1, 255),
)  # fmt: skip
def test_one_changed_octet_anywhere_opens_nothing(key, nonce, aad, length, seed, where, at, change):
    plain = octets_of(length, seed)
    whole = AESGCM(key).encrypt(nonce, plain, aad)
    parts = {"text": whole[:length], "tag": whole[length : length + TAG_LENGTH], "aad": aad, "key": key, "nonce": nonce}
    if not parts[where]:
        return
    changed = bytearray(parts[where])
    changed[at % len(changed)] ^= change
    parts[where] = bytes(changed)
    opened, held = opened_by_us(parts["key"], parts["nonce"], parts["aad"], parts["text"], parts["tag"], 7)
    assert opened is None
    assert held == parts["text"]


@st.composite
def batches(draw):
    """Frames under a few keys, each with its control octet, some of them spoilt or without a key."""
    count = draw(st.integers(1, 12))
    rows = draw(st.lists(st.integers(-1, 3), min_size=count, max_size=count))
    controls = draw(st.lists(st.sampled_from((0x10, 0x20, 0x30, 0x30, 0x30, 0x31)), min_size=count, max_size=count))
    length = draw(st.lists(st.one_of(st.integers(0, 130), st.integers(0, 700)), min_size=count, max_size=count))
    spoilt = draw(st.lists(st.one_of(st.none(), st.integers(0, 2**16)), min_size=count, max_size=count))
    return rows, controls, length, spoilt, draw(st.integers(0, 2**32))


@settings(max_examples=200, deadline=None)
@given(batches())
def test_a_batch_is_judged_and_opened_in_place_by_all_ways_alike(drawn):
    rows, controls, length, spoilt, seed = drawn
    rng = np.random.default_rng(seed)
    keys = gcm.Keys(rng.integers(0, 256, (4, 16), np.uint8), rng.integers(0, 256, (4, 16), np.uint8))
    title, counter = rng.integers(1, 2**64, len(rows), np.uint64), rng.integers(0, 2**32, len(rows), np.uint32)
    raw, starts = b"", []
    for item, (row, control) in enumerate(zip(rows, controls, strict=True)):
        pair = keys.encryption[row].tobytes(), keys.authentication[row].tobytes()
        one = bytearray(seal_one(control & 0x30, pair, int(title[item]), int(counter[item]), rng.bytes(length[item])))
        if spoilt[item] is not None and one:
            one[spoilt[item] % len(one)] ^= 0x10
        starts.append(len(raw))
        raw += bytes(one)
    at = np.array(starts, np.int64)
    frames = gcm.Frames(np.array(rows, np.int64), title, counter, at, np.array(length, np.int64), at)
    found = {}
    for way in (gcm.Way.PACKAGE, gcm.Way.LIBCRYPTO, gcm.Way.INSTRUCTIONS):
        context = gcm.new_context(False, way)
        data, good = array(raw), np.full(len(rows), 9, np.uint8)
        gcm.unseal_batch(context, keys, frames, np.array(controls, np.uint8), data, data, good)
        gcm.free_context(context)
        texts = [
            data[first : first + size].tobytes() if fine else b""
            for first, size, fine in zip(starts, length, good, strict=True)
        ]
        found[way] = (good.tolist(), texts)
    assert found[gcm.Way.INSTRUCTIONS] == found[gcm.Way.PACKAGE]
    assert found[gcm.Way.LIBCRYPTO] == found[gcm.Way.PACKAGE]
