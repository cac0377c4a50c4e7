"""Lint against files that are broken in one way each; the first lines of a file say what must be found, and where."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.errors import ConfigError
from pipeline.topology import lint, load
from pipeline.topology.components import Components
from pipeline.topology.findings import BY_CODE, CODES, Finding, Level

HERE = Path(__file__).parent
BROKEN = sorted((HERE / "broken").glob("broken_*.yaml"))
EXPECT = re.compile(r"^# expect: (?P<code>[A-Z_]+) (?P<line>\d+):(?P<column>\d+)$", re.MULTILINE)
WHOLE = (HERE / "whole.yaml").read_text(encoding="utf-8")


def expected(path: Path) -> list[tuple[str, int, int]]:
    found = EXPECT.finditer(path.read_text(encoding="utf-8"))
    return [(match["code"], int(match["line"]), int(match["column"])) for match in found]


def findings_of(text: str, components: Components, **variables: str) -> tuple[Finding, ...]:
    return lint.check(load.parse(text, file="file.yaml", variables=variables), components).findings


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_broken_file_has_the_findings_that_it_expects_and_no_others(path: Path, components: Components) -> None:
    found = findings_of(path.read_text(encoding="utf-8"), components)
    assert [(item.code, item.place.line, item.place.column) for item in found] == expected(path)


def test_every_code_has_a_broken_file_of_its_name() -> None:
    for row in CODES:
        path = HERE / "broken" / f"broken_{row.code.lower()}.yaml"
        assert path in BROKEN, f"{row.code} is not shown to be found"
        assert row.code in [code for code, _, _ in expected(path)]


def test_every_finding_names_its_file_and_gives_a_hint(components: Components) -> None:
    for path in BROKEN:
        for item in findings_of(path.read_text(encoding="utf-8"), components):
            assert item.place.file == "file.yaml"
            assert item.hint
            assert str(item).startswith(
                f"file.yaml:{item.place.line}:{item.place.column}: {item.level.value} {item.code}"
            )


def test_a_whole_file_has_no_findings(components: Components) -> None:
    assert findings_of(WHOLE, components) == ()


def test_all_faults_are_found_at_once(components: Components) -> None:
    text = (
        WHOLE.replace("partitions: 2}", "partitons: 2}", 1)
        .replace("hot_days: 3", "hot_dasy: 3")
        .replace("type: ticker", "type: tickr")
        .replace("from: [readings", "from: [reading")
    )
    found = {(item.code, item.hint) for item in findings_of(text, components)}
    assert found == {
        ("KEY_UNKNOWN", "did you mean `partitions`?"),
        ("KEY_UNKNOWN", "did you mean `hot_days`?"),
        ("CONNECTOR_UNKNOWN", "did you mean `ticker`?"),
        ("TOPIC_UNKNOWN", "did you mean `readings`?"),
    }


def test_a_fault_deep_in_a_components_options_is_placed_there(components: Components) -> None:
    text = WHOLE.replace('4059", to', '4059", buffer: {rosw: 5}, to')
    (only,) = findings_of(text, components)
    assert (only.code, only.hint) == ("KEY_UNKNOWN", "did you mean `rows`?")
    line = text.splitlines()[only.place.line - 1]
    assert line[only.place.column - 1 :].startswith("rosw")


def test_an_unset_variable_is_the_only_finding_about_its_value(components: Components) -> None:
    text = WHOLE.replace("frame_limit: 4096", "frame_limit: '${LIMIT}'")
    assert [item.code for item in findings_of(text, components)] == ["VARIABLE_UNSET"]
    assert findings_of(text, components, LIMIT="5") == ()
    assert [item.code for item in findings_of(text, components, LIMIT="long")] == ["VALUE_INVALID"]


def test_options_of_a_component_without_a_model_are_not_judged(components: Components) -> None:
    text = WHOLE.replace("type: ticker", "type: files, folder: /tmp, anything: [1, 2]")
    assert findings_of(text, components) == ()


def test_an_output_mapped_to_null_is_dropped_knowingly(components: Components) -> None:
    text = WHOLE.replace("events: events", "events: null").replace("readings, events, det", "readings, det")
    assert [item.code for item in findings_of(text, components)] == ["TOPIC_UNUSED"]


def test_a_warning_does_not_keep_a_topology_from_starting(components: Components) -> None:
    text = WHOLE.replace("topics:\n", "topics:\n  spare: {partitions: 1}\n")
    report = lint.check(load.parse(text, file="file.yaml", variables={}), components)
    assert [item.level for item in report.findings] == [Level.WARNING]
    report.require()


def test_an_error_does(components: Components) -> None:
    report = lint.check(load.parse("version: 2\n", file="file.yaml", variables={}), components)
    with pytest.raises(ConfigError, match=r"TOPOLOGY_FAULTS at file\.yaml:1:1") as caught:
        report.require()
    assert "KEY_MISSING" in str(caught.value)


def test_findings_come_in_the_order_of_the_file_and_as_json(components: Components) -> None:
    found = findings_of(BROKEN[0].read_text(encoding="utf-8"), components)
    for path in BROKEN:
        items = findings_of(path.read_text(encoding="utf-8"), components)
        assert [item.place for item in items] == sorted(item.place for item in items)
    assert set(found[0].as_json()) == {"code", "level", "file", "line", "column", "message", "hint"}


def test_each_code_says_what_it_means_and_what_to_do() -> None:
    assert len(BY_CODE) == len(CODES)
    assert all(row.meaning and row.reaction for row in CODES)


@pytest.mark.parametrize("text", ["", "# nothing\n", "just words\n", "12\n", "[]\n"])
def test_a_file_that_is_no_mapping_is_one_finding(text: str, components: Components) -> None:
    assert [item.code for item in findings_of(text, components)] == ["VALUE_INVALID"]


def test_sections_that_are_no_mappings_are_found(components: Components) -> None:
    text = "version: 1\ntopics: []\ntopologies: 5\nconnectors: null\nsinks: x\n"
    found = findings_of(text, components)
    assert [(item.code, item.place.line) for item in found] == [("VALUE_INVALID", line) for line in (2, 3, 4, 5)]


def test_entries_that_are_no_mappings_are_found(components: Components) -> None:
    text = "version: 1\ntopics: {frames: 4}\ntopologies: {metering: [a]}\nconnectors: {push: null}\nsinks: {w: x}\n"
    found = findings_of(text, components)
    assert [(item.code, item.place.line) for item in found] == [
        ("VALUE_INVALID", 2),
        ("VALUE_INVALID", 3),
        ("KEY_MISSING", 4),
        ("KEY_MISSING", 4),
        ("VALUE_INVALID", 5),
    ]
