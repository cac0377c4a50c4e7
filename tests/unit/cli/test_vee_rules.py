"""Rule sets of `kvarn vee --rules`: what the options say of a file, and what its series' ids say."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.vee.rulesets import Facts
from cli.vee.limits import RuleSets
from pipeline.errors import ConfigError
from pipeline.rules import Severity

TEXT = """\
name: north
version: 7
utility: north
linear_secs: 60
rules: {V14: shadow, V21: off, V33: {severity: error}}
sets:
  - {tariff_category: LT-I, linear_secs: 120}
overrides:
  - {service_point: 9, start: 1970-01-02, end: 1970-01-04, reason: r, author: a, linear_secs: 240}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "north.yaml"
    path.write_text(TEXT)
    return path


@pytest.mark.parametrize(
    ("facts", "id", "day", "linear"),
    [
        (Facts(), "9", 1, 7200),  # nothing says that the file is of this utility
        (Facts(utility="north"), "meter 9", 1, 60),
        (Facts(utility="north", tariff_category="LT-I"), "8", 1, 120),
        (Facts(utility="north", tariff_category="LT-I"), "9", 1, 240),
        (Facts(utility="north"), "9", 3, 60),
    ],
)
def test_what_holds_follows_from_the_options_and_the_id(
    file: Path, facts: Facts, id: str, day: int, linear: int
) -> None:
    assert RuleSets(file, facts).of(id, day).thresholds.linear_secs == linear


def test_a_rule_in_shadow_is_information_and_the_version_is_told(file: Path) -> None:
    limits = RuleSets(file, Facts(utility="north")).of("1", 0)
    assert (limits.off, limits.version) == ({"V21"}, "north 7")
    assert limits.severities == {"V14": Severity.INFORMATION, "V33": Severity.ERROR}


def test_a_rule_set_that_is_wrong_stops_the_command(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("linear_secs: -1\n")
    with pytest.raises(ConfigError, match="RULES_FAULT"):
        RuleSets(tmp_path / "x.yaml")
