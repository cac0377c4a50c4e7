"""Versions: the same rows in any order, files and back, and what changes from one to the next."""

import random

import numpy as np
import pytest

from connectors.registry.diff import diff_documents, diff_keys, diff_registries
from connectors.registry.export import export
from pipeline.errors import ConfigError
from pipeline.keystore import key_ring, seal
from pipeline.reference import BEGINNING, version_of
from pipeline.reference_codec import registry_to_bytes
from pipeline.runtime.references import empty_registry
from tests.builders_registry import FIRST_POINT, clean, found, read, title
from tests.planted_registry import plant

MASTER = bytes(32)


def exchanged():
    files = clean(20)
    files.meter(100, interval_secs=900)
    files.key(100)
    files.rows["installations"][4].update(removed_at="2026-03-01", closing_wh_imp="700", closing_vah_imp="800")
    files.installation(100, service_point=FIRST_POINT + 5, installed_at="2026-03-01", opening_wh_imp=3, factor="25/2",
                       interval_secs=1800)  # fmt: skip
    files.rows["service_points"][6]["valid_to"] = "2026-04-01"
    files.point(7, valid_from="2026-04-01", sanctioned_w=5000, net_meter="yes", feeder="")
    return files


def test_the_same_rows_in_any_order_give_the_same_bytes(tmp_path):
    files = exchanged()
    first = read(files.write(tmp_path / "0"))
    assert found(first) == set()
    for seed in range(5):
        for rows in files.rows.values():
            random.Random(seed).shuffle(rows)
        other = read(files.write(tmp_path / str(seed + 1)))
        assert other.raw == first.raw
        assert seal(other.keys, MASTER) == seal(first.keys, MASTER)


def test_dirty_rows_left_out_do_not_make_the_order_matter(tmp_path):
    files = clean(20)
    plant(files, 300)
    versions = set()
    for seed in range(3):
        versions.add(read(files.write(tmp_path / str(seed))).version)
        for rows in files.rows.values():
            random.Random(seed).shuffle(rows)
    assert len(versions) == 1


def test_files_of_a_version_give_the_version(tmp_path):
    first = read(exchanged().write(tmp_path / "in"))
    rows = export(first.registry, {"tariffs/x.yaml": b"x", "vee/y.yaml": b"y"}, tmp_path / "out")
    assert rows == {
        "network": 4, "accounts": 1, "meters": 21, "service_points": 21, "installations": 21, "tariffs": 1
    }  # fmt: skip
    assert (tmp_path / "out" / "tariffs" / "x.yaml").read_bytes() == b"x"
    (tmp_path / "out" / "tariffs" / "x.yaml").unlink()
    again = read(tmp_path / "out")
    assert (again.raw, found(again)) == (first.raw, set())
    assert not (tmp_path / "out" / "keys.csv").exists()


def test_what_files_cannot_say_is_not_exported(tmp_path):
    registry = read(clean().write(tmp_path / "in")).registry
    registry.opening[1, 0] = 7
    with pytest.raises(ConfigError, match="EXPORT_INEXACT"):
        export(registry, {}, tmp_path / "out")


def test_a_folder_with_files_is_not_written_into(tmp_path):
    registry = read(clean().write(tmp_path)).registry
    with pytest.raises(ConfigError, match="FOLDER_IN_USE"):
        export(registry, {}, tmp_path)


def test_rows_that_came_went_and_changed_are_told_apart(tmp_path):
    before = exchanged()
    old = read(before.write(tmp_path / "old")).registry
    after = exchanged()
    after.rows["service_points"][0].update(sanctioned_w="4000", account="")
    after.rows["service_points"][0]["role"] = "DT_METER"
    after.rows["installations"][4]["removed_at"] = "2026-02-15"
    after.rows["network"][1]["name"] = "Feeder one"
    after.home(200)
    del after.rows["installations"][1]
    imported = read(after.write(tmp_path / "new"))
    diffs = {diff.table: diff for diff in diff_registries(old, imported.registry)}
    assert {name: list(diff.counts.values()) for name, diff in diffs.items()} == {
        "network": [0, 0, 1], "service_points": [1, 0, 1], "installations": [1, 1, 1]
    }  # fmt: skip
    said = [tuple(change.as_dict().values()) for diff in diffs.values() for change in diff]
    start = "2026-01-01T00:00:00+05:30"
    assert said == [
        ("network", "changed", "100", "name", "Feeder 1", "Feeder one"),
        ("service_points", "added", f"{FIRST_POINT + 200} {start}", "", "", ""),
        ("service_points", "changed", f"{FIRST_POINT + 1} {start}", "account", "5000000", "0"),
        ("service_points", "changed", f"{FIRST_POINT + 1} {start}", "role", "CONSUMER", "DT_METER"),
        ("service_points", "changed", f"{FIRST_POINT + 1} {start}", "sanctioned_w", "3000", "4000"),
        ("installations", "added", f"{title(200)} {start}", "", "", ""),
        ("installations", "removed", f"{title(2)} {start}", "", "", ""),
        ("installations", "changed", f"{title(5)} {start}", "removed_at", "2026-03-01T00:00:00+05:30",
         "2026-02-15T00:00:00+05:30"),
    ]  # fmt: skip


def test_a_version_does_not_differ_from_itself_and_differs_from_nothing_by_every_row(tmp_path):
    registry = read(exchanged().write(tmp_path)).registry
    assert [list(diff.counts.values()) for diff in diff_registries(registry, registry)] == [[0, 0, 0]] * 3
    counts = [list(diff.counts.values()) for diff in diff_registries(empty_registry(), registry)]
    assert counts == [[4, 0, 0], [21, 0, 0], [21, 0, 0]]
    assert version_of(registry_to_bytes(registry)) == read(tmp_path).version


def test_keys_of_suite_2_and_broadcast_are_sealed_along_and_their_changes_are_said(tmp_path):
    def keys_of(name, **cells):
        files = clean(4)
        files.rows["keys"][1].update({"encryption_key": "", "authentication_key": "", **cells})
        imported = read(files.write(tmp_path / name))
        assert found(imported) == set()
        return imported.keys

    first = keys_of("a", suite2_encryption_key="0A" * 31 + "0B")
    changed = keys_of("b", suite2_encryption_key="0A" * 31 + "0C", suite2_authentication_key="0D" * 32)
    usual = keys_of("c", encryption_key="0A" * 15 + "0B")
    broadcast = keys_of("d", encryption_key="0A" * 15 + "0B", authentication_key="0C" * 16, broadcast_key="0D" * 16)
    device = int(first.others["device"][0])
    assert first.pair_of(device) == (bytes([10] * 31 + [11]),) * 2
    assert changed.pair_of(device) == (bytes([10] * 31 + [12]), bytes([13] * 32))
    (row,) = broadcast.others
    assert (row["key_set"], row["length"]) == (1, 16)
    assert row["encryption"].tobytes() == bytes([13] * 16 + [0] * 16)
    assert row["authentication"].tobytes() == bytes([12] * 16 + [0] * 16)
    for old, new in ((first, changed), (first, usual), (usual, broadcast), (broadcast, usual), (usual, first)):
        assert diff_keys(old, new).counts == {"added": 0, "removed": 0, "changed": 1}
        assert [change.row for change in diff_keys(old, new)] == [f"{device:016X}"]
        assert seal(old, MASTER) != seal(new, MASTER)
    assert diff_keys(first, first).counts == {"added": 0, "removed": 0, "changed": 0}
    none = key_ring(*(np.zeros(0, np.uint64), *[np.zeros((0, 16), np.uint8)] * 2))
    assert diff_keys(none, first).counts == {"added": 4, "removed": 0, "changed": 0}


def test_a_meter_has_a_row_for_each_of_its_keys(tmp_path):
    def keys_of(name, *dates):
        files = clean(3)
        first = files.rows["keys"].pop(1)
        for place, date in enumerate(dates):
            cells = {"encryption_key": f"{place + 1:02X}" * 15 + "00", "broadcast_key": "AB" * 15 + "00"}
            files.rows["keys"].append({**first, **cells, "valid_from": date})
        imported = read(files.write(tmp_path / name))
        assert found(imported) == set()
        return imported.keys, int(first["system_title"], 16)

    both, device = keys_of("a", "", "2026-02-01T00:00:00+05:30")
    moment = 1_769_884_200
    rows = both.rows_of(device)
    assert both.valid_from[rows.start : rows.stop].tolist() == [BEGINNING, moment]
    assert [both.pair_of(device, at)[0][0] for at in (moment - 1, moment)] == [1, 2]
    (other,) = both.others
    assert other["device"] == device
    dated, once, later = (keys_of(*row)[0] for row in
                          (("b", "2026-01-01"), ("c", ""), ("d", "", "2026-02-01T00:00:01+05:30")))  # fmt: skip
    for new in (dated, once, later):
        assert diff_keys(both, new).counts == {"added": 0, "removed": 0, "changed": 1}
        assert [change.row for change in diff_keys(both, new)] == [f"{device:016X}"]
    assert diff_keys(both, keys_of("e", "", "2026-01-31T18:30:00Z")[0]).counts["changed"] == 0


def test_of_keys_and_documents_only_that_they_change_is_said():
    def ring(**keys):
        titles = np.array([int(name[1:]) for name in keys], np.uint64)
        octets = np.array([[value] * 16 for value in keys.values()], np.uint8).reshape(-1, 16)
        return key_ring(titles, octets, octets)

    diff = diff_keys(ring(t1=11, t2=22, t3=33), ring(t2=22, t3=44, t4=55))
    assert not list(diff_keys(ring(t1=11), ring(t1=11)))
    assert diff.counts == {"added": 1, "removed": 1, "changed": 1}
    assert [change.row for change in diff] == [f"{number:016X}" for number in (4, 1, 3)]
    assert {(change.old, change.new) for change in diff} == {("", ""), ("", "changed")}
    documents = diff_documents({"a": b"1", "b": b"2"}, {"b": b"3", "c": b"4"})
    assert documents.counts == {"added": 1, "removed": 1, "changed": 1}
