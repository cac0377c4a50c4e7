"""Rule sets as documents that a control record puts in force: what holds for all takes the topology's place."""

from __future__ import annotations

import pytest

from agents.vee.config import VeeConfig
from agents.vee.rules import in_force, rule_sets
from pipeline.errors import ConfigError


def test_without_a_rule_set_the_topology_s_thresholds_are_in_force() -> None:
    config = VeeConfig(spike_floor_wh=700)
    assert in_force(config, rule_sets({"tariffs/lt.yaml": b"number: 1"})) is config


def test_a_rule_set_takes_the_place_of_the_thresholds_that_it_names() -> None:
    config = VeeConfig(hot_days=4, spike_floor_wh=700)
    rules = in_force(config, rule_sets({"rules/residential.yaml": b"spike_ratio_percent: 250\n"}))
    assert (rules.spike_ratio_percent, rules.spike_floor_wh, rules.hot_days) == (250, 700, 4)


def test_two_rule_sets_hold_beside_each_other_and_the_utility_s_goes_before() -> None:
    config = VeeConfig(utility="north")
    rules = in_force(config, rule_sets({
        "rules/a.yaml": b"utility: north\nlinear_secs: 60\n", "rules/b.yaml": b"linear_secs: 0\nspike_floor_wh: 1\n",
    }))  # fmt: skip
    assert (rules.linear_secs, rules.spike_floor_wh) == (60, 1)


@pytest.mark.parametrize("text", [
    b"utility: south\nlinear_secs: 0\n", b"valid_from: 2026-01-01\nlinear_secs: 0\n",
    b"sets: [{tariff_category: LT-I, linear_secs: 0}]\n",
])  # fmt: skip
def test_what_holds_for_some_or_from_a_day_on_is_not_for_all(text: bytes) -> None:
    config = VeeConfig(utility="north")
    assert in_force(config, rule_sets({"rules/x.yaml": text})) is config


@pytest.mark.parametrize(
    "text",
    [
        b"spike_ratio: 250", b"hot_days: 5", b"linear_secs: -1", b"grid_tolerance_secs: 450", b"", b"a: [", b"\xff",
    ],
)  # fmt: skip
def test_a_rule_set_that_is_not_right_stops_the_start(text: bytes) -> None:
    with pytest.raises(ConfigError, match="RULES_FAULT"):
        in_force(VeeConfig(grid_tolerance_secs=300, slot_secs=1800), rule_sets({"rules/x.yaml": text}))


def test_thresholds_that_the_window_cannot_have_stop_the_start() -> None:
    sets = rule_sets({"rules/x.yaml": b"grid_tolerance_secs: 300"})
    with pytest.raises(ConfigError, match="RULES_FAULT"):
        in_force(VeeConfig(slot_secs=900, grid_tolerance_secs=100), sets)
