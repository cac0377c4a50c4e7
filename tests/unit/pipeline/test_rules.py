"""The table of rules: what is a contract in it, and that the limits of every rule can be set."""

from __future__ import annotations

import re

from agents.vee.config import Thresholds
from pipeline.quality import Quality
from pipeline.rules import READING_BITS, READING_RULES, RULE_BIT, RULES, Scope, Severity

STREAM = {"V01": 0, "V02": 1, "V07": 2, "V09": 3, "V14": 4, "V12": 5, "V03": 6, "V16": 7, "V06": 8, "V32": 9, "V37": 10}
"""Bits that stand in topics and in the warehouse."""

LIMITLESS = {"V01", "V02", "V04", "V07", "V10", "V31", "V33", "V37"}
"""Rules that have nothing to be set."""


def test_every_rule_has_one_row_and_a_bit_of_its_own() -> None:
    assert [rule.code for rule in RULES] == [f"V{number:02}" for number in range(1, 38)]
    assert len({rule.bit for rule in RULES}) == len(RULES)
    assert all(0 <= rule.bit < 64 for rule in RULES)


def test_bits_that_have_been_written_stay() -> None:
    assert {code: RULE_BIT[code] for code in STREAM} == STREAM


def test_only_rules_of_intervals_and_days_stand_in_a_readings_word() -> None:
    assert {rule.scope for rule in READING_RULES} == {Scope.INTERVAL, Scope.DAY}
    assert all(rule.bit < READING_BITS for rule in READING_RULES)
    assert [rule.bit for rule in READING_RULES] == list(range(len(READING_RULES))), "without gaps"


def test_information_leaves_the_quality_and_usage_rules_are_information() -> None:
    for rule in RULES:
        assert (rule.severity is Severity.INFORMATION) == (rule.sets is Quality.ACTUAL), rule.code
    information = {rule.code for rule in RULES if rule.severity is Severity.INFORMATION}
    assert information >= {"V17", "V19", "V22", "V23"}


def test_every_limit_can_be_set_and_says_of_which_rule_it_is() -> None:
    named = {
        code for field in Thresholds.model_fields.values() for code in re.findall(r"V\d\d", field.description or "")
    }
    assert named == {rule.code for rule in RULES} - LIMITLESS
    for name, field in Thresholds.model_fields.items():
        assert re.match(r"[VE]\d\d: ", field.description or ""), name
