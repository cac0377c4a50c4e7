"""Lists of meters and passwords, files that change, keys, and offsets that may be committed."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.dlms_pull.config import DlmsPullConfig
from connectors.dlms_pull.files import WatchedFile
from connectors.dlms_pull.keys import KeySource
from connectors.dlms_pull.meters import Meter, read_meters, read_passwords
from connectors.dlms_pull.offsets import Offsets
from connectors.dlms_pull.rows import DirtyRow
from connectors.dlms_pull.sessions import KeyPair
from connectors.dlms_pull.transport import check_sequence
from pipeline.errors import ConfigError
from pipeline.keystore import key_ring, seal
from pipeline.reference import BEGINNING

DEVICE = 0x4B56490000000001
GOOD = "4B56490000000001,10.0.0.7:4059"


def test_a_list_of_meters_is_read_with_what_is_usual() -> None:
    meters, dirty = read_meters(f"device,address\n{GOOD}\n")
    assert dirty == []
    assert meters == {DEVICE: Meter(DEVICE, "10.0.0.7:4059")}


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("4B5649,h:1,,", "device"),
        ("0000000000000000,h:1,,", "device"),
        (f"{GOOD},,", "device"),
        ("4B56490000000002,h,,", "address"),
        ("4B56490000000002,h:70000,,", "address"),
        ("4B56490000000002,h:1,serial,", "framing"),
        ("4B56490000000002,h:1,,0", "client"),
        ("4B56490000000002,h:1,,x", "client"),
        ("4B56490000000002,h:1,,,more", ""),
    ],
)
def test_every_dirty_row_is_named_and_the_others_are_used(row: str, column: str) -> None:
    meters, dirty = read_meters(f"device,address,framing,client\n{GOOD},,\n{row}\n4B56490000000003,h:2,hdlc,16\n")
    assert [(found.line, found.column) for found in dirty] == [(3, column)]
    assert set(meters) == {DEVICE, DEVICE + 2}


@pytest.mark.parametrize("row", ['"4B56490000000002,h:1,,', 'x"4B,"h:1', '"4B"x,h:1,,', f"{'x' * 140_000},h:1,,",
                                 f"4B56490000000002,h:1,,{'9' * 5000}", f"4B56490000000002,{'h' * 300}:1,,",
                                 "4B56490000000002,h:1\n,,", '"4B56490000000002\n",h:1,,'])  # fmt: skip
def test_a_row_that_is_none_takes_no_other_with_it(row: str) -> None:
    meters, dirty = read_meters(f"device,address,framing,client\n{GOOD},,\n{row}\n4B56490000000003,h:2,hdlc,16\n")
    assert {DEVICE, DEVICE + 2} <= set(meters)
    assert dirty
    assert dirty[0].line in (3, 4)
    assert all(len(found.reason) <= 200 for found in dirty)


def test_an_open_quote_takes_no_other_password_with_it_and_is_not_repeated() -> None:
    passwords, dirty = read_passwords(f'device,password\n4B56490000000009,"hunter2\n{DEVICE:016X},secret\n')
    assert passwords == {DEVICE: b"secret"}
    assert [(row.line, "hunter2" in row.reason) for row in dirty] == [(2, False)]


def test_whatever_goes_wrong_in_a_list_what_was_read_before_stays(tmp_path: Path) -> None:
    path = tmp_path / "meters.csv"
    path.write_text("one")

    def read(text: str) -> tuple[str, list[DirtyRow]]:
        if text == "bad":
            raise OverflowError("hunter2")
        return text, []

    watched = WatchedFile(str(path), read)
    assert watched.needed() == "one"
    path.write_text("bad")
    assert watched.changed() is None
    path.write_text("another")
    assert watched.changed() == "another"


def test_a_list_with_unknown_or_without_needed_columns_is_no_list() -> None:
    assert read_meters("device,adress\n")[1][0].column == "adress"
    assert read_meters("device\n")[1][0].column == "address"


def test_passwords_are_never_repeated_in_a_reason() -> None:
    passwords, dirty = read_passwords(
        f"device,password\n4B56490000000001,secret\nbad,hunter2\n{DEVICE:016X},{'x' * 65}\n"
    )
    assert passwords == {DEVICE: b"secret"}
    assert [row.line for row in dirty] == [3, 4]
    assert not any(word in row.reason for row in dirty for word in ("hunter2", "xxx"))


def test_a_file_is_read_when_it_changes_and_one_with_secrets_is_nobody_else_s(tmp_path: Path) -> None:
    path = tmp_path / "meters.csv"
    watched = WatchedFile(str(path), read_meters)
    with pytest.raises(ConfigError, match="FILE_UNREADABLE"):
        watched.needed()
    path.write_text(f"device,address\n{GOOD}\n")
    assert set(watched.needed()) == {DEVICE}
    assert watched.changed() is None
    path.write_text(f"device,address\n{GOOD}\n4B56490000000002,h:1\n")
    assert len(watched.changed() or {}) == 2
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="SECRETS_OPEN"):
        WatchedFile(str(path), read_passwords, secret=True).changed()


def test_the_newest_key_store_is_used(tmp_path: Path) -> None:
    master = bytes(32)
    source = KeySource(tmp_path, master)
    assert source.of(DEVICE) is None
    for number, name in enumerate(("b", "a")):
        octets = np.full((1, 16), number, np.uint8)
        path = tmp_path / f"{name}.keys"
        path.write_bytes(seal(key_ring(np.array([DEVICE], np.uint64), octets, octets), master))
        os.utime(path, (1000 + number, 1000 + number))
        assert source.refresh()
        assert not source.refresh()
        pair = source.of(DEVICE)
        assert pair is not None
        assert pair.encryption == bytes([number] * 16)
    assert source.of(DEVICE + 1) is None
    with pytest.raises(ConfigError, match="MASTER_KEY_MISSING"):
        KeySource(tmp_path, None).refresh()


def test_of_several_keys_of_a_meter_the_one_in_force_now_is_used(tmp_path: Path) -> None:
    octets = np.repeat(np.arange(2, dtype=np.uint8)[:, None], 16, axis=1)
    ring = key_ring(np.full(2, DEVICE, np.uint64), octets, octets, valid_from=np.array([BEGINNING, 1_000]))
    (tmp_path / "a.keys").write_bytes(seal(ring, bytes(32)))
    for now, number in ((999.5, 0), (1_000.0, 1), (2e9, 1)):
        source = KeySource(tmp_path, bytes(32), lambda now=now: now)
        assert source.refresh()
        assert source.of(DEVICE) == KeyPair(bytes([number] * 16), bytes([number] * 16))


@given(st.permutations(range(20)), st.integers(0, 20))
def test_what_may_be_committed_is_what_has_nothing_unfinished_before_it(order: list[int], count: int) -> None:
    offsets = Offsets()
    assert all(offsets.take(3, 100 + offset) for offset in range(20))
    assert not offsets.take(3, 105)
    for offset in order[:count]:
        offsets.finish(3, 100 + offset)
    unfinished = order[count:]
    assert offsets.done() == {3: 100 + (min(unfinished) if unfinished else 20)}
    assert offsets.waiting == len(unfinished)


def test_the_check_sequence_of_hdlc() -> None:
    assert check_sequence(b"123456789") == bytes.fromhex("6e90")


def test_a_window_that_is_none_is_refused_when_the_topology_is_read() -> None:
    with pytest.raises(ValueError, match="time of the day"):
        DlmsPullConfig.model_validate({"meters": "m.csv", "gaps": {"window": "25:00-26:00"}})
