"""The sealed key store."""

import numpy as np
import pytest

from pipeline.errors import ConfigError
from pipeline.keystore import key_ring, open_sealed, parse_master, seal
from pipeline.reference import BEGINNING, OTHER_KEY, version_of

MASTER = bytes(range(32))


def ring(count=5, seed=1):
    rng = np.random.default_rng(seed)
    octets = rng.integers(0, 256, (2, count, 16), np.uint8)
    return key_ring(rng.permutation(count).astype(np.uint64) + 1, octets[0], octets[1])


@pytest.mark.parametrize("count", [0, 1, 1000])
def test_what_is_sealed_is_opened_with_the_same_master_key(count):
    keys = ring(count)
    back = open_sealed(seal(keys, MASTER), MASTER)
    np.testing.assert_array_equal(back.device, keys.device)
    np.testing.assert_array_equal(back.encryption, keys.encryption)
    np.testing.assert_array_equal(back.authentication, keys.authentication)


def test_the_same_keys_have_the_same_version_name_and_others_another():
    assert version_of(seal(ring(), MASTER)) == version_of(seal(ring(), MASTER))
    assert version_of(seal(ring(seed=2), MASTER)) != version_of(seal(ring(), MASTER))
    assert version_of(seal(ring(), MASTER[::-1])) != version_of(seal(ring(), MASTER))


def other_keys(*rows):
    """OTHER_KEY of (device, key set, length)."""
    found = np.zeros(len(rows), OTHER_KEY)
    for place, row in enumerate(rows):
        found[place]["device"], found[place]["key_set"], found[place]["length"] = row
        found[place]["encryption"][: row[2]] = 17 + place
    return found


def with_others(*rows, usual=5):
    keys = ring(usual)
    return key_ring(keys.device, keys.encryption, keys.authentication, other_keys(*rows))


def test_keys_for_suite_2_and_broadcast_are_sealed_along():
    for usual in (0, 5):
        keys = with_others((9, 0, 32), (3, 1, 32), (3, 1, 16), usual=usual)
        assert keys.others["device"].tolist() == [3, 3, 9]
        raw = seal(keys, MASTER)
        back = open_sealed(raw, MASTER)
        np.testing.assert_array_equal(back.device, keys.device)
        np.testing.assert_array_equal(back.encryption, keys.encryption)
        assert back.others.tobytes() == keys.others.tobytes()
        assert bytes([17] * 32) not in raw
        assert back.octets_of(9)
        assert back.octets_of(3).endswith(keys.others[:2].tobytes())
        assert back.octets_of(77) == b""


def dated(*rows):
    """A ring of (device, valid_from); the key of row n is n + 1, n + 1..."""
    octets = np.repeat(np.arange(1, len(rows) + 1, dtype=np.uint8)[:, None], 16, axis=1)
    device, since = (np.array(column) for column in zip(*rows, strict=True))
    return key_ring(device.astype(np.uint64), octets, octets ^ 255, other_keys((9, 0, 32)), since)


def test_a_device_has_several_keys_each_from_its_moment_on():
    keys = dated((7, 2_000), (5, BEGINNING), (7, BEGINNING), (7, 1_000))
    back = open_sealed(seal(keys, MASTER), MASTER)
    assert seal(back, MASTER) == seal(keys, MASTER)
    assert back.device.tolist() == [5, 7, 7, 7]
    assert back.valid_from.tolist() == [BEGINNING, BEGINNING, 1_000, 2_000]
    assert back.others.tobytes() == keys.others.tobytes()
    for at, number in ((None, 1), (-5, 3), (999, 3), (1_000, 4), (1_999, 4), (2_000, 1), (2**40, 1)):
        assert back.pair_of(7, at) == (bytes([number] * 16), bytes([number ^ 255] * 16))
    assert [pair[0][0] for pair in back.pairs_of(7)] == [1, 4, 3]
    assert back.pair_of(9, 17) == back.pair_of(9) == (bytes([17] * 32), bytes(32))
    assert back.pair_of(6) is None


def test_another_moment_is_another_version_of_a_device_s_keys():
    one, other = dated((7, BEGINNING), (7, 1_000)), dated((7, BEGINNING), (7, 1_001))
    assert one.octets_of(7) != other.octets_of(7)
    assert seal(one, MASTER) != seal(other, MASTER)


def test_two_keys_of_a_device_do_not_begin_at_the_same_moment():
    with pytest.raises(ConfigError) as caught:
        dated((7, 1_000), (7, 1_000))
    assert caught.value.code == "KEYS_AMBIGUOUS"


def test_a_store_without_dates_is_the_same_in_every_version():
    assert seal(ring(), MASTER).startswith(b"KVKEY\x01")
    assert seal(with_others((9, 0, 32)), MASTER).startswith(b"KVKEY\x02")
    assert seal(dated((7, BEGINNING), (7, 1_000)), MASTER).startswith(b"KVKEY\x03")


def test_a_store_without_them_keeps_its_bytes():
    assert seal(with_others(), MASTER) == seal(ring(), MASTER)
    assert seal(with_others((9, 0, 32)), MASTER) != seal(ring(), MASTER)


@pytest.mark.parametrize("rows", [[(9, 0, 32), (9, 0, 32)], [(0, 1, 16)]])
def test_a_device_has_one_pair_of_each_kind(rows):
    with pytest.raises(ConfigError) as caught:
        with_others(*rows)
    assert caught.value.code == "KEYS_AMBIGUOUS"


def test_no_key_can_be_read_in_the_file():
    keys = ring(50)
    raw = seal(keys, MASTER)
    assert not any(keys.encryption[row].tobytes() in raw for row in range(50))
    assert not any(keys.device[row].tobytes() in raw for row in range(50))


def test_another_master_key_is_a_configuration_error_that_names_no_key():
    raw = seal(ring(), MASTER)
    with pytest.raises(ConfigError) as caught:
        open_sealed(raw, MASTER[::-1])
    assert caught.value.code == "KEY_STORE_SEALED"
    assert MASTER.hex() not in str(caught.value)


@pytest.mark.parametrize("place", [6, 21, 22, 60, -1])
def test_a_changed_octet_anywhere_is_noticed(place):
    raw = bytearray(seal(ring(), MASTER))
    raw[place] ^= 1
    with pytest.raises(ConfigError) as caught:
        open_sealed(bytes(raw), MASTER)
    assert caught.value.code == "KEY_STORE_SEALED"


@pytest.mark.parametrize("raw", [b"", b"KVKEY\x01", b"KVREG\x01" + bytes(60), b"KVKEY\x04" + bytes(60)])
def test_other_bytes_are_no_key_store(raw):
    with pytest.raises(ConfigError) as caught:
        open_sealed(raw, MASTER)
    assert caught.value.code == "KEY_STORE_FORM"


def test_a_device_is_listed_once_and_is_not_0():
    octets = np.zeros((2, 16), np.uint8)
    for device in ([7, 7], [0, 7]):
        with pytest.raises(ConfigError) as caught:
            key_ring(np.array(device, np.uint64), octets, octets)
        assert caught.value.code == "KEYS_AMBIGUOUS"


def test_the_master_key_is_64_hexadecimal_digits():
    assert parse_master(f" {MASTER.hex()}\n") == MASTER
    for text in ("", "zz", MASTER.hex()[:-2], MASTER.hex() + "00"):
        with pytest.raises(ConfigError) as caught:
            parse_master(text)
        assert caught.value.code == "MASTER_KEY_FORM"
    with pytest.raises(ConfigError):
        seal(ring(), b"short")
