"""What holds for a service point on a day: the most specific statement, by day and version, each with its line."""

from __future__ import annotations

from datetime import date

import pytest

from agents.vee.config import Thresholds
from agents.vee.rulesets import Chosen, Facts, explain, load, resolve, resolve_span
from agents.vee.rulesets.read import EPOCH
from pipeline.errors import ConfigError

DOCUMENT = """\
name: north
version: 3
utility: north
valid_from: 2026-04-01
spike_ratio_percent: 200
rules:
  V07: shadow
  V16: off
sets:
  - meter_model: M1
    spike_ratio_percent: 210
    spike_floor_wh: 111
  - tariff_category: LT-I
    spike_ratio_percent: 220
    linear_secs: 3600
    rules:
      V07: {run: on, severity: information}
  - tariff_category: LT-I
    meter_model: M1
    spike_ratio_percent: 230
  - tariff_category: LT-I
    valid_from: 2026-07-01
    linear_secs: 1800
overrides:
  - service_point: 7
    start: 2026-05-10
    end: 2026-05-20
    reason: CT under repair
    author: A. Person
    spike_ratio_percent: 900
    rules:
      V12: off
"""


def on(text: str) -> int:
    return (date.fromisoformat(text) - EPOCH).days


def chosen(point: Facts, day: str, text: str = DOCUMENT) -> Chosen:
    return resolve(load({"rules/north.yaml": text}), point, on(day))


@pytest.mark.parametrize(
    ("point", "day", "ratio", "linear"),
    [
        (Facts(1, "south", "LT-I", "M1"), "2026-05-12", 180, 7200),  # another utility
        (Facts(1, "north"), "2026-03-31", 180, 7200),  # before the version holds
        (Facts(1, "north"), "2026-04-01", 200, 7200),
        (Facts(1, "north", None, "M1"), "2026-05-12", 210, 7200),
        (Facts(1, "north", "LT-I", "M2"), "2026-05-12", 220, 3600),
        (Facts(1, "north", "LT-I", "M1"), "2026-05-12", 230, 3600),
        (Facts(7, "north", "LT-I", "M1"), "2026-05-09", 230, 3600),
        (Facts(7, "north", "LT-I", "M1"), "2026-05-10", 900, 3600),
        (Facts(7, "north", "LT-I", "M1"), "2026-05-19", 900, 3600),
        (Facts(7, "north", "LT-I", "M1"), "2026-05-20", 230, 3600),
        (Facts(7, "north", "LT-I"), "2026-07-01", 220, 1800),  # of one rank, what began last
    ],
)
def test_the_most_specific_statement_of_the_day_wins(point: Facts, day: str, ratio: int, linear: int) -> None:
    thresholds = chosen(point, day).thresholds
    assert (thresholds.spike_ratio_percent, thresholds.linear_secs) == (ratio, linear)


def test_rules_are_switched_by_the_most_specific_statement() -> None:
    general = chosen(Facts(7, "north"), "2026-05-09")
    assert (general.off, general.shadow, general.severities) == ({"V16"}, {"V07"}, {})
    special = chosen(Facts(7, "north", "LT-I"), "2026-05-10")
    assert (special.off, special.shadow) == ({"V16", "V12"}, frozenset())
    assert special.severities == {"V07": "information"}


def test_every_choice_says_which_line_made_it_and_an_override_who_and_why() -> None:
    said = {one.what: one for one in chosen(Facts(7, "north", "LT-I", "M1"), "2026-05-12").why}
    assert set(Thresholds.model_fields) <= set(said)
    override = said["spike_ratio_percent"]
    assert (override.value, override.scope, override.rule_set) == (900, "service point", "north 3")
    assert (override.place, override.reason, override.author) == (
        "rules/north.yaml:30:5",
        "CT under repair",
        "A. Person",
    )
    assert said["spike_floor_wh"].place == "rules/north.yaml:12:5"
    assert (said["range_percent"].scope, said["range_percent"].place) == ("default", "")
    assert said["V07 run"].scope == "tariff category"
    lines = explain(chosen(Facts(7, "north", "LT-I", "M1"), "2026-05-12"))
    assert "V12 run = off: service point, north 3, rules/north.yaml:32:7 (CT under repair; A. Person)" in lines


def test_a_later_version_replaces_the_whole_of_the_earlier_one() -> None:
    later = "name: north\nversion: 4\nutility: north\nvalid_from: 2026-06-01\nspike_floor_wh: 5\n"
    sets = load({"a.yaml": DOCUMENT, "b.yaml": later})
    before, after = (resolve(sets, Facts(1, "north", "LT-I"), on(day)) for day in ("2026-05-31", "2026-06-01"))
    assert (before.version, before.thresholds.spike_ratio_percent) == ("north 3", 220)
    assert (after.version, after.thresholds.spike_ratio_percent, after.thresholds.spike_floor_wh) == ("north 4", 180, 5)


def test_rule_sets_of_other_names_hold_beside_each_other_and_the_utility_s_goes_before() -> None:
    sets = load({"all.yaml": "spike_floor_wh: 5\nlinear_secs: 60", "north.yaml": "utility: north\nlinear_secs: 90"})
    both = resolve(sets, Facts(1, "north"), 0)
    assert (both.thresholds.spike_floor_wh, both.thresholds.linear_secs) == (5, 90)
    assert resolve(sets, Facts(1, "south"), 0).thresholds.linear_secs == 60


def test_a_document_of_nothing_but_thresholds_holds_for_all_and_ever() -> None:
    plain = chosen(Facts(), "1999-01-01", "spike_ratio_percent: 250\n")
    assert (plain.thresholds, plain.off, plain.shadow) == (
        Thresholds(spike_ratio_percent=250),
        frozenset(),
        frozenset(),
    )
    assert plain.version.startswith("north ")
    assert len(plain.version) == len("north ") + 12


def test_a_span_is_cut_where_something_changes_and_nowhere_else() -> None:
    spans = resolve_span(load({"n.yaml": DOCUMENT}), Facts(7, "north"), on("2026-05-01"), on("2026-06-30"))
    days = [(str(span.first - on("2026-05-01")), span.last - on("2026-05-01")) for span in spans]
    assert days == [("0", 8), ("9", 18), ("19", 60)]
    assert [span.chosen.thresholds.spike_ratio_percent for span in spans] == [200, 900, 200]
    for span in spans:
        for day in (span.first, span.last):
            assert resolve(load({"n.yaml": DOCUMENT}), Facts(7, "north"), day) == span.chosen


def test_the_order_of_documents_does_not_matter() -> None:
    texts = {"a.yaml": "linear_secs: 1", "b.yaml": "utility: north\nlinear_secs: 2", "n.yaml": DOCUMENT}
    for point in (Facts(7, "north", "LT-I", "M1"), Facts(8)):
        one = resolve(load(texts), point, on("2026-05-12"))
        assert resolve(load(dict(reversed(texts.items()))), point, on("2026-05-12")) == one


def test_a_rule_set_that_is_wrong_is_refused_with_every_fault() -> None:
    with pytest.raises(ConfigError, match=r"RULE_UNKNOWN line 2.*FIELD_UNKNOWN line 3"):
        load({"x.yaml": "rules:\n  V99: off\nspike_ratio: 3\n"})
