"""AES-GCM of DLMS suite 0: known answers, and all ways to the same bytes."""

import numpy as np
import pytest

from pipeline import gcm
from pipeline.gcm_single import seal_one, unseal_one

ENCRYPTION = bytes(range(0x10))
AUTHENTICATION = bytes(range(0xD0, 0xE0))
TITLE = 0x4D4D4D0000BC614E
COUNTER = 0x01234567
PLAIN = bytes.fromhex("C0010000080000010000FF0200")
SAMPLES = {
    0x30: "411312FF935A47566827C467BC7D825C3BE4A77C3FCC056B6B",
    0x10: "C0010000080000010000FF020006725D910F9221D263877516",
    0x20: "411312FF935A47566827C467BC",
}
"""The Green Book's sample frame under each security control octet."""


def contexts(encrypt):
    """A context of each way that this machine has."""
    ways = [gcm.Way.PACKAGE]
    ways += [gcm.Way.LIBCRYPTO] if gcm.load_libcrypto() else []
    ways += [gcm.Way.INSTRUCTIONS] if gcm.has_instructions() else []
    return [gcm.new_context(encrypt, way) for way in ways]


def random_frames(count, seed=3):
    rng = np.random.default_rng(seed)
    length = rng.integers(0, 200, count).astype(np.int64)
    keys = gcm.Keys(rng.integers(0, 256, (7, 16), np.uint8), rng.integers(0, 256, (7, 16), np.uint8))
    plain_start = np.concatenate([[0], np.cumsum(length)[:-1]]).astype(np.int64)
    sealed_start = plain_start + 12 * np.arange(count)
    frames = gcm.Frames(
        rng.integers(0, 7, count).astype(np.int64),
        rng.integers(1, 2**64, count, np.uint64),
        rng.integers(0, 2**32, count, np.uint32),
        plain_start,
        length,
        sealed_start,
    )
    plain = rng.integers(0, 256, int(length.sum()), np.uint8)
    return keys, frames, plain


def opened(context, keys, frames, security, data, size):
    """(plaintext bytes, good) of `frames` whose results were sealed to `out_start`."""
    back = frames._replace(start=frames.out_start, out_start=frames.start)
    out, good = np.zeros(size, np.uint8), np.full(len(frames.start), 9, np.uint8)
    gcm.unseal_batch(context, keys, back, security, data, out, good)
    return out, good


@pytest.mark.parametrize("control", SAMPLES)
def test_the_green_book_sample_is_sealed_and_opened(control):
    sealed = seal_one(control, (ENCRYPTION, AUTHENTICATION), TITLE, COUNTER, PLAIN)
    assert sealed == bytes.fromhex(SAMPLES[control])
    assert unseal_one(control, (ENCRYPTION, AUTHENTICATION), TITLE, COUNTER, sealed[:13], sealed[13:]) == PLAIN


def test_the_authentication_code_of_a_challenge_is_the_known_one():
    challenge = bytes.fromhex("503677524A323146")
    sealed = seal_one(0x10, (ENCRYPTION, AUTHENTICATION), 0x4D4D4D0000000001, 1, challenge)
    assert sealed == challenge + bytes.fromhex("1A52FE7DD3E72748973C1E28")


@pytest.mark.parametrize("control", SAMPLES)
def test_a_batch_of_the_sample_is_opened_all_ways(control):
    data = np.frombuffer(bytes.fromhex(SAMPLES[control]), np.uint8).copy()
    keys = gcm.Keys(*(np.frombuffer(key, np.uint8).reshape(1, 16).copy() for key in (ENCRYPTION, AUTHENTICATION)))
    one = [np.array([value], dtype) for value, dtype in ((0, "i8"), (TITLE, "u8"), (COUNTER, "u4"), (0, "i8"))]
    frames = gcm.Frames(*one, np.array([13]), np.array([0]))
    for context in contexts(encrypt=False):
        out, good = opened(context, keys, frames, np.array([control], np.uint8), data, 13)
        assert good[0] == 1
        assert out.tobytes() == PLAIN
        gcm.free_context(context)


def test_all_ways_seal_to_the_same_bytes():
    keys, frames, plain = random_frames(200)
    results = []
    for context in contexts(encrypt=True):
        out = np.zeros(len(plain) + 12 * 200, np.uint8)
        gcm.seal_batch(context, keys, frames, plain, out)
        results.append(out.tobytes())
        gcm.free_context(context)
    assert len(set(results)) == 1
    assert results[0].count(0) < len(results[0]) // 50


def test_what_was_sealed_is_opened_and_a_changed_octet_is_noticed_all_ways():
    keys, frames, plain = random_frames(120)
    sealed = np.zeros(len(plain) + 12 * 120, np.uint8)
    gcm.seal_batch(gcm.NO_CONTEXT, keys, frames, plain, sealed)
    sealed[frames.out_start[7] + frames.length[7] + 3] ^= 1
    security = np.full(120, 0x30, np.uint8)
    expected = np.ones(120, np.uint8)
    expected[7] = 0
    keep = np.ones(len(plain), bool)
    keep[frames.start[7] : frames.start[7] + frames.length[7]] = False
    for context in contexts(encrypt=False):
        out, good = opened(context, keys, frames, security, sealed, len(plain))
        np.testing.assert_array_equal(good, expected)
        np.testing.assert_array_equal(out[keep], plain[keep])
        gcm.free_context(context)


def test_a_frame_without_key_or_with_a_foreign_control_octet_is_left_alone():
    keys, frames, plain = random_frames(3)
    frames.key_row[0] = -1
    security = np.array([0x30, 0x81, 0x30], np.uint8)
    sealed = np.zeros(len(plain) + 36, np.uint8)
    gcm.seal_batch(gcm.NO_CONTEXT, keys, frames, plain, sealed)
    for context in contexts(encrypt=False):
        _, good = opened(context, keys, frames, security, sealed, len(plain))
        assert good.tolist() == [9, 9, 1]
        gcm.free_context(context)


@pytest.mark.parametrize("control", [0x31, 0x21, 0x11, 0x70])
def test_the_rest_of_the_control_octet_is_authenticated_and_says_not_how(control):
    keys, frames, plain = random_frames(40)
    texts = [plain[first : first + size].tobytes() for first, size in zip(frames.start, frames.length, strict=True)]
    pairs = [(keys.encryption[row].tobytes(), keys.authentication[row].tobytes()) for row in frames.key_row]
    sealed = [
        seal_one(control, pairs[n], int(frames.title[n]), int(frames.counter[n]), texts[n]) for n in range(40)
    ]  # fmt: skip
    start = np.concatenate([[0], np.cumsum([len(octets) for octets in sealed])[:-1]]).astype(np.int64)
    data = np.frombuffer(b"".join(sealed) + bytes(12), np.uint8)
    back = frames._replace(start=start, out_start=frames.start)
    for said in (control, control ^ 0x02):
        for context in contexts(encrypt=False):
            out, good = np.zeros(len(plain), np.uint8), np.zeros(40, np.uint8)
            gcm.unseal_batch(context, keys, back, np.full(40, said, np.uint8), data, out, good)
            assert good.all() == (said == control or not control & 0x10)
            assert not good.any() or out.tobytes() == plain.tobytes()
            gcm.free_context(context)


def test_the_way_is_the_fastest_that_the_machine_has(monkeypatch):
    monkeypatch.setattr(gcm, "has_instructions", lambda: True)
    assert gcm.way_here() is gcm.Way.INSTRUCTIONS
    assert gcm.new_context(encrypt=False) == gcm.OWN_CONTEXT
    monkeypatch.setattr(gcm, "has_instructions", lambda: False)
    monkeypatch.setattr(gcm, "load_libcrypto", lambda: True)
    assert gcm.way_here() is gcm.Way.LIBCRYPTO
    monkeypatch.setattr(gcm, "load_libcrypto", lambda: False)
    assert gcm.way_here() is gcm.Way.PACKAGE
    assert gcm.new_context(encrypt=False) == gcm.NO_CONTEXT


@pytest.mark.parametrize(
    ("triple", "features", "there"),
    [
        ("x86_64-unknown-linux-gnu", "+aes,+avx,+pclmul,+ssse3", True),
        ("x86_64-unknown-linux-gnu", "+aes,+avx,-pclmul,+ssse3", False),
        ("x86_64-unknown-linux-gnu", "", False),
        ("aarch64-unknown-linux-gnu", "+aes,+pclmul,+ssse3", False),
    ],
)
def test_instructions_are_used_where_kernels_are_compiled_for_them(monkeypatch, triple, features, there):
    class Codegen:
        def magic_tuple(self):
            return triple, "some-processor", features

    monkeypatch.setattr(type(gcm.cpu_target.target_context), "codegen", lambda _self: Codegen())
    assert gcm.has_instructions() is there
