"""Test files of rule sets: what they say is read as written, and what differs is said line by line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agents.vee.rulesets import Facts, load, resolve_span
from agents.vee.rulesets.case_files import read_tests
from agents.vee.rulesets.cases import Case, Verdict, differences
from agents.vee.rulesets.judging import _settled, judge_series
from cli.main import main
from cli.vee.cases import run_file
from pipeline.errors import ConfigError
from pipeline.quality import Quality

ROOT = Path(__file__).parents[5]
NOON = 1_778_567_400
"""2026-05-12 12:00 in India."""

TEXT = """\
tests:
  - name: a
    point: {service_point: 7, utility: north}
    readings:
      2026-05-12 12:00: 500*2 - 700/720 90?
    registers: {2026-05-12: 10, 2026-05-13: 20}
    outages: [2026-05-12 13:10 .. 13:50]
    expect:
      of: [V01, V02]
      flags: {V01: [2026-05-12 13:00, 2026-05-12 15:00 .. 16:00]}
      shadow: {V02: 2026-05-12 13:30}
      estimates: {2026-05-12 13:00: 600 LINEAR, 2026-05-12 14:00: 90}
      total: 1790
"""


def case(text: str = TEXT) -> Case:
    (one,) = read_tests(text, "x.test.yaml").cases
    return one


def verdict(**changed: object) -> Verdict:
    right: dict[str, object] = {
        "flags": {"V01": frozenset({NOON + 3600, NOON + 10_800, NOON + 12_600, NOON + 14_400})},
        "shadow": {"V02": frozenset({NOON + 5400})},
        "estimates": {NOON + 3600: (600, "LINEAR"), NOON + 7200: (90, "HEAD_END")},
        "total": 1790,
    }
    return Verdict(**{**right, **changed})  # type: ignore[arg-type]


def test_the_notation_of_readings_is_read() -> None:
    one = case()
    assert [(row.start - NOON, row.value, row.doubtful) for row in one.readings] == [
        (0, 500, False), (1800, 500, False), (5400, 700, False), (5400, 720, False), (7200, 90, True),
    ]  # fmt: skip
    assert (one.first, one.last, one.line) == (NOON, NOON + 7200, 2)
    assert one.registers == ((NOON - 43_200, 10), (NOON + 43_200, 20))
    assert one.outages == ((NOON + 4200, NOON + 6600),)


def test_a_group_is_repeated() -> None:
    one = case(TEXT.replace("500*2 - 700/720 90?", "(1 - 2)*2 3"))
    assert [(row.start - NOON) // 1800 for row in one.readings] == [0, 2, 3, 5, 6]
    assert [row.value for row in one.readings] == [1, 2, 1, 2, 3]


def test_nothing_is_said_where_all_is_as_expected() -> None:
    assert differences(case(), verdict()) == []


def test_rules_that_are_not_named_are_not_compared_and_without_a_list_all_are() -> None:
    other = verdict(flags={**verdict().flags, "V14": frozenset({NOON})})
    assert differences(case(), other) == []
    assert differences(case(TEXT.replace("      of: [V01, V02]\n", "")), other) == [
        "2026-05-12 12:00 + flag V14 came, and is not expected"
    ]


def test_every_difference_is_a_line() -> None:
    found = verdict(
        flags={"V02": frozenset({NOON + 5400}), "V01": frozenset({NOON + 3600, NOON + 10_800, NOON + 12_600})},
        shadow={}, estimates={NOON + 3600: (601, "LIKE_DAY"), NOON: (1, "FLAT")}, total=3,
    )  # fmt: skip
    assert differences(case(), found) == [
        "2026-05-12 13:30 + flag V02 came, and is not expected",
        "2026-05-12 13:30 - shadow V02 is expected, and did not come",
        "2026-05-12 16:00 - flag V01 is expected, and did not come",
        "2026-05-12 12:00 + estimate of 1 Wh by FLAT is not expected",
        "2026-05-12 13:00 estimate: 600 Wh by LINEAR is expected, 601 Wh by LIKE_DAY came",
        "2026-05-12 14:00 - estimate of 90 Wh is expected, and nothing was substituted",
        "total: 1790 Wh are expected, and 3 Wh came",
    ]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("500*2", "500x2", "line 5: tests.0.readings.2026-05-12 12:00: `500x2`"),
        ("2026-05-12 12:00:", "2026-05-12T12:00+05:30:", "line 5: .*without an offset"),
        ("V02: 2026", "V99: 2026", "line 11: tests.0.expect.shadow: .*no such rule: V99"),
        ("total: 1790", "totl: 1790", "line 13: tests.0.expect.totl"),
        ("600 LINEAR", "LINEAR 600", "line 12: .*write the Wh"),
        ("13:10 .. 13:50", "13:50 .. 13:10", "line 7: .*ends before it begins"),
        ("500*2 - 700/720 90?", "500*99999999", "line 5: .*far too many"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_the_line(old: str, new: str, says: str) -> None:
    assert old in TEXT
    with pytest.raises(ConfigError, match=f"TESTS_FAULT.*{says}"):
        read_tests(TEXT.replace(old, new), "x.test.yaml")


def test_the_example_s_rule_set_does_what_its_tests_say() -> None:
    results = run_file(ROOT / "examples" / "rules" / "north.test.yaml", "", judge_series)
    assert {row["name"]: row["differences"] for row in results if row["differences"]} == {}
    assert len(results) > 4


def test_the_test_that_the_page_shows_passes(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "rule-sets.md").read_text(encoding="utf-8")
    shown = next(block for block in page.split("```yaml\n")[1:] if block.startswith("rules:"))
    file = tmp_path / "shown.test.yaml"
    file.write_text(shown.split("```")[0])
    (tmp_path / "north.yaml").write_text((ROOT / "examples" / "rules" / "north.yaml").read_text(encoding="utf-8"))
    assert [row["differences"] for row in run_file(file, "", judge_series)] == [[]]


def test_the_example_s_tests_fail_under_other_rules(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What they expect comes from the rule set: without it they fail, and say where."""
    (tmp_path / "north.yaml").write_text("version: none\n")
    tests = tmp_path / "north.test.yaml"
    tests.write_text((ROOT / "examples" / "rules" / "north.test.yaml").read_text(encoding="utf-8"))
    with pytest.raises(SystemExit) as end:
        main(["test", str(tests), "--json"])
    said = json.loads(capsys.readouterr().out)
    failed = {row["name"]: row["differences"] for row in said["results"] if row["differences"]}
    assert end.value.code == 1
    assert failed["a pump may run for an hour"][0] == "2026-05-12 10:00 + flag V14 came, and is not expected"
    assert (
        "2026-05-12 05:00 + flag V02 came, and is not expected"
        in failed["a second value flags in shadow, and changes nothing"]
    )
    with pytest.raises(SystemExit):
        main(["test", str(tests), "--only", "a pump"])
    assert capsys.readouterr().out.splitlines()[-1] == "1 test, 1 failed"


@pytest.mark.parametrize(
    ("rules", "quality"),
    [("on", "SUSPECT"), ("shadow", "ACTUAL"), ("off", "ACTUAL"), ("{severity: information}", "ACTUAL")],
)
def test_a_rule_that_is_off_or_in_shadow_changes_no_quality(rules: str, quality: str) -> None:
    text = "tests:\n  - name: a\n    readings: {2026-05-12: 500*10 500/520 500*37}\n"
    (span,) = resolve_span(load({"r.yaml": f"rules: {{V02: {rules}}}"}), Facts(), 0, 30_000)
    grid, settled = _settled(case(text), span.chosen)
    assert (len(grid), Quality(int(settled.quality[10])).name, int(settled.value[10])) == (48, quality, 520)
    assert set(settled.quality[:10].tolist()) == {Quality.ACTUAL}


def test_holidays_of_a_test_s_own_calendar_decide_which_days_are_alike(tmp_path: Path) -> None:
    """A Monday that is a holiday is estimated from the Sunday before, an ordinary one from Mondays."""
    days = [f"      2026-05-{day:02d}: ({use} {use + 20})*24" for day, use in
            ((3, 900), (4, 300), (10, 900), (11, 300), (17, 900))]  # fmt: skip
    lacks = "      2026-05-18: (300 320)*6 -*12 (300 320)*12"
    text = (
        "tests:\n  - name: a\n    readings:\n"
        + "\n".join([*days, lacks])
        + "\n    expect: {of: [V01], estimates: {}}\n"
    )
    (tmp_path / "own.yaml").write_text("add:\n  - {date: 2026-05-18, name: declared}\n")
    found = []
    for name, head in (("plain", ""), ("declared", "calendar: own.yaml\n")):
        file = tmp_path / f"{name}.test.yaml"
        file.write_text(head + text)
        (row,) = run_file(file, "", judge_series)
        found.append([line for line in row["differences"] if "18 08:00 + estimate" in line])
    assert found == [["2026-05-18 08:00 + estimate of 300 Wh by LIKE_DAY is not expected"],
                     ["2026-05-18 08:00 + estimate of 900 Wh by LIKE_DAY is not expected"]]  # fmt: skip
