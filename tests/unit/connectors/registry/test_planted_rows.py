"""Every dirty row is named, with its column and reason, and nothing else is."""

import pytest

from connectors.registry.rules import RULE_BY_CODE, RULES, Severity
from tests.builders_registry import clean, found, key, read
from tests.planted_registry import PLANTS, plant


def test_files_without_a_fault_have_no_findings(tmp_path):
    imported = read(clean().write(tmp_path))
    assert found(imported) == set()
    assert imported.applicable(leave_out=False)


@pytest.mark.parametrize("code", PLANTS)
def test_a_planted_row_is_named_with_its_column_and_nothing_else_is(code, tmp_path):
    for number, way in enumerate(PLANTS[code]):
        files = clean()
        expected = way(files, 1000)
        imported = read(files.write(tmp_path / str(number)))
        assert found(imported) == set(expected)
        assert code in {found_code for *_, found_code in expected}
        severities = {RULE_BY_CODE[found_code].severity for *_, found_code in expected}
        assert imported.applicable(leave_out=False) == (severities == {Severity.WARNING})
        assert imported.applicable(leave_out=True)


def test_ten_thousand_dirty_rows_are_all_named_and_nothing_else_is(tmp_path):
    files = clean(50)
    expected = plant(files, 10_000)
    imported = read(files.write(tmp_path))
    assert found(imported) == expected
    assert len(expected) >= 10_000
    assert {code for *_, code in expected} == set(PLANTS)
    assert sum(imported.checked.findings.counts.values()) == len(expected)


def test_what_is_left_without_the_rows_in_error_can_be_applied(tmp_path):
    files = clean(20)
    plant(files, 400)
    imported = read(files.write(tmp_path / "dirty"))
    assert not imported.applicable(leave_out=False)
    links = imported.registry.device
    assert len(links) == (~imported.checked.tables["installations"].bad).sum()
    assert {int(title, 16) for title in (f"4B564E{number:010X}" for number in range(1, 21))} <= set(links.tolist())
    # No link of a row left out, and no point without its nodes.
    assert set(imported.registry.service_point.tolist()) <= set(imported.registry.point.tolist())
    assert set(imported.registry.dt.tolist()) <= {0, *imported.registry.node.tolist()}


def test_several_faults_of_one_row_are_all_named(tmp_path):
    files = clean()
    line = files.point(9, valid_from="yesterday", tariff=77, dt=999, account="")
    assert found(read(files.write(tmp_path))) == {
        ("service_points", line, "valid_from", "NOT_A_DATE"),
        ("service_points", line, "tariff", "TARIFF_UNKNOWN"),
        ("service_points", line, "dt", "NODE_UNKNOWN"),
        ("service_points", line, "account", "ACCOUNT_MISSING"),
    }


def test_consequences_name_their_cause_down_the_whole_chain(tmp_path):
    files = clean()
    feeder = files.add("network", node=300, level="FEEDER", parent=1, name="n" * 50)
    dt = files.add("network", node=301, level="DT", parent=300)
    files.home(9, dt=301, feeder=300)
    point = len(files.rows["service_points"]) + 1
    link = len(files.rows["installations"]) + 1
    imported = read(files.write(tmp_path))
    assert found(imported) == {
        ("network", feeder, "name", "TEXT_LONG"),
        ("network", dt, "parent", "REFERS_TO_ERROR"),
        ("service_points", point, "dt", "REFERS_TO_ERROR"),
        ("installations", link, "service_point", "REFERS_TO_ERROR"),
    }
    (reason,) = (row.reason for row in imported.checked.findings if row.table == "installations")
    assert f"service_points line {point}" in reason
    assert 301 not in imported.registry.node


def test_a_long_cycle_is_named_and_what_hangs_on_it_is_a_consequence(tmp_path):
    files = clean()
    ring = [files.add("network", node=1000 + n, level="FEEDER", parent=1000 + (n + 1) % 50) for n in range(50)]
    below = files.add("network", node=2000, level="DT", parent=1003)
    assert found(read(files.write(tmp_path))) == {
        *(("network", line, "parent", "NODE_CYCLE") for line in ring),
        ("network", below, "parent", "REFERS_TO_ERROR"),
    }


def test_nothing_of_a_key_is_in_any_finding(tmp_path):
    files = clean()
    secret = key(77)
    files.add("keys", system_title=secret, encryption_key=secret[:30], authentication_key=secret + "zz")
    files.key(9, encryption_key=secret)
    files.key(10, encryption_key=secret)
    folder = files.write(tmp_path)
    imported = read(folder)
    assert imported.checked.findings.counts["KEY_LENGTH"] == 1
    assert imported.checked.findings.counts["KEY_SHARED"] == 2
    said = " ".join(str(row) for row in imported.checked.findings)
    assert secret[:8] not in said
    assert {row.value for row in imported.checked.findings} == {""}


def test_a_key_file_without_a_header_is_not_shown_as_one(tmp_path):
    folder = clean().write(tmp_path)
    text = (folder / "keys.csv").read_text()
    (folder / "keys.csv").write_text(text.split("\n", 1)[1])
    imported = read(folder)
    assert not imported.applicable(leave_out=True)
    assert key(3) not in " ".join(str(row) for row in imported.checked.findings)
    assert imported.checked.findings.counts["HEADER_MISSING"] == 1


def test_codes_of_rules_are_there_once():
    assert len(RULE_BY_CODE) == len(RULES)
