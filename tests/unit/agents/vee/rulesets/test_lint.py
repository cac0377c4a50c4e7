"""Lint of rule sets: every fault at once, at its line and column."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agents.vee.rulesets import ruleset_findings
from agents.vee.rulesets.findings import CODES
from agents.vee.rulesets.schema import json_schema
from cli.main import main

ROOT = Path(__file__).parents[5]
ENTRY = "  - {{service_point: 7, start: {}, end: {}, reason: r, author: a, linear_secs: {}}}\n"
OVERRIDE = "overrides:\n" + ENTRY.format("2026-05-01", "2026-06-01", 0)

# Code -> a text that has it and nothing else, and where.
FAULTS = {
    "YAML_SYNTAX": ("linear_secs: [", (1, 15)),
    "KEY_TWICE": ("linear_secs: 1\nlinear_secs: 2\n", (2, 1)),
    "RULE_SET_EMPTY": ("", (1, 1)),
    "FIELD_UNKNOWN": ("spike_ratio: 250\n", (1, 1)),
    "RULE_UNKNOWN": ("rules:\n  V7: off\n", (2, 3)),
    "FIELD_MISSING": (
        OVERRIDE.replace(" end: 2026-06-01,", ""),
        (2, 5),
    ),
    "VALUE_INVALID": ("linear_secs: -1\n", (1, 14)),
    "OVERRIDE_REASON": (OVERRIDE.replace(" reason: r,", ""), (2, 5)),
    "OVERRIDE_AUTHOR": (OVERRIDE.replace("author: a", "author: ' '"), (2, 79)),
    "END_BEFORE_START": (OVERRIDE.replace("2026-06-01", "2026-05-01"), (2, 48)),
    "OVERRIDE_OVERLAP": (
        OVERRIDE + ENTRY.format("2026-05-31", "2026-07-01", 0),
        (3, 5),
    ),
    "TIE": ("sets:\n  - {meter_model: M, linear_secs: 1}\n  - {meter_model: M, linear_secs: 2}\n", (3, 22)),
    "NEVER_APPLIES": (f"valid_to: 2026-05-01\n{OVERRIDE}", (3, 5)),
    "SAYS_NOTHING": ("sets:\n  - meter_model: M\n", (2, 5)),
    "SHADOW_NO_EFFECT": ("rules: {V16: shadow}\n", (1, 9)),
    "STREAM_LEAVES_OUT": ("rules: {V14: {severity: warning}}\n", (1, 9)),
    "OFF_NO_EFFECT": ("rules: {V14: {run: off, severity: information}}\n", (1, 9)),
}


@pytest.mark.parametrize("code", FAULTS)
def test_a_fault_is_found_where_it_stands(code: str) -> None:
    text, place = FAULTS[code]
    _, findings = ruleset_findings({"rules.yaml": text})
    assert [(one.code, one.place.line, one.place.column) for one in findings] == [(code, *place)]
    assert findings[0].hint


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rules: {V04: off}\n", True),
        ("rules: {V34: off}\n", False),
        ("rules: {V34: {severity: error}}\n", True),
        (
            "overrides: [{service_point: 7, start: 2026-05-01, end: 2026-05-04, reason: r, author: a, testing: 1}]\n",
            False,
        ),
        ("rules: {V17: off, V30: shadow}\n", False),
        ("rules: {V17: {severity: warning}}\n", True),
        ("rules: {V26: off}\n", False),
        ("rules: {V01: off}\n", True),
        ("rules: {V01: on}\n", False),
        ("rules: {V05: {severity: warning}}\n", True),
        ("rules: {V27: {severity: warning}}\n", False),
        ("rules: {V27: {severity: error}}\n", True),
        ("rules: {V09: {severity: warning}, V25: on, V14: shadow, V37: off}\n", False),
        ("grid_tolerance_secs: 100\n", False),
        ("valid_from: 2026-05-01\ngrid_tolerance_secs: 100\n", True),
        ("sets: [{meter_model: M, future_slack_secs: 60}]\n", True),
    ],
)
def test_what_the_stream_leaves_out_is_a_warning(text: str, said: bool) -> None:
    _, findings = ruleset_findings({"rules.yaml": text})
    assert ("STREAM_LEAVES_OUT" in {one.code for one in findings}) == said
    assert {one.level.value for one in findings} <= {"warning"}


def test_every_code_has_a_case_and_a_line_in_the_docs() -> None:
    # A version twice needs two files.
    assert {row.code for row in CODES} == {*FAULTS, "VERSION_TWICE"}
    page = (ROOT / "docs" / "rule-sets.md").read_text(encoding="utf-8")
    assert [row.code for row in CODES if f"| `{row.code}` | {row.level} | {row.meaning} |" not in page] == []


def test_the_example_has_no_findings() -> None:
    file = ROOT / "examples" / "rules" / "north.yaml"
    assert ruleset_findings({str(file): file.read_text(encoding="utf-8")})[1] == []


def test_faults_across_files_are_found() -> None:
    texts = {"a.yaml": "name: x\nlinear_secs: 1\n" + OVERRIDE, "b.yaml": "name: x\nlinear_secs: 1\n",
             "c.yaml": OVERRIDE + "linear_secs: 3\n"}  # fmt: skip
    _, findings = ruleset_findings(texts)
    assert [(one.code, one.place.file) for one in findings] == [
        ("VERSION_TWICE", "b.yaml"), ("OVERRIDE_OVERLAP", "c.yaml"), ("TIE", "c.yaml"), ("TIE", "c.yaml"),
    ]  # fmt: skip


def test_all_faults_are_said_at_once_and_a_near_name_is_offered() -> None:
    text = "spike_ratio_percnt: 250\nlinear_secs: x\nrules: {v14: off, V12: maybe}\nsets: [3]\noverrides: 4\n"
    _, findings = ruleset_findings({"r.yaml": text})
    assert [(one.code, one.place.line) for one in findings] == [
        ("FIELD_UNKNOWN", 1), ("VALUE_INVALID", 2), ("RULE_UNKNOWN", 3), ("VALUE_INVALID", 3), ("VALUE_INVALID", 4),
        ("VALUE_INVALID", 5),
    ]  # fmt: skip
    assert findings[0].hint == "did you mean `spike_ratio_percent`?"
    assert findings[2].hint == "did you mean V14?"


def test_two_overrides_that_follow_each_other_do_not_overlap() -> None:
    text = OVERRIDE + ENTRY.format("2026-06-01", "2026-07-01", 1)
    assert ruleset_findings({"r.yaml": text})[1] == []


def test_the_command_reports_findings_and_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad, good = tmp_path / "bad.yaml", tmp_path / "good.yaml"
    bad.write_text("linear_secs: -1\nrules: {V16: shadow}\n")
    good.write_text("linear_secs: 1\n")
    with pytest.raises(SystemExit) as end:
        main(["vee", "lint", str(bad), "--json"])
    said = json.loads(capsys.readouterr().out)
    assert (end.value.code, said["errors"], said["warnings"]) == (2, 1, 1)
    assert {key: said["findings"][0][key] for key in ("code", "line", "column")} == {
        "code": "VALUE_INVALID", "line": 1, "column": 14,
    }  # fmt: skip
    with pytest.raises(SystemExit) as end:
        main(["vee", "lint", str(good)])
    assert (end.value.code, capsys.readouterr().out.splitlines()[-1]) == (0, f"{good}: 0 errors, 0 warnings")


def test_the_command_explains_a_service_point(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text("version: 2\n" + OVERRIDE)
    with pytest.raises(SystemExit):
        main(["vee", "explain", str(file), "--service-point", "7", "--day", "2026-05-31", "--json"])
    said = json.loads(capsys.readouterr().out)
    assert (said["version"], said["thresholds"]["linear_secs"]) == ("rules 2", 0)
    assert [(one["what"], one["place"], one["author"]) for one in said["why"]] == [("linear_secs", f"{file}:3:82", "a")]


def test_the_schema_for_editors_knows_every_rule_and_threshold() -> None:
    schema = json.loads(json_schema())
    for part in (schema, schema["$defs"]["set"], schema["$defs"]["override"]):
        assert {"spike_ratio_percent", "rules"} <= set(part["properties"])
        assert "V14" in part["properties"]["rules"]["properties"]
    assert schema["$defs"]["override"]["required"] == ["service_point", "start", "end", "reason", "author"]
    assert schema["properties"]["linear_secs"]["maximum"] == 86_400
