"""Rule sets as documents that a control record puts in force."""

from __future__ import annotations

import pytest

from agents.vee.config import VeeConfig
from agents.vee.rules import in_force
from pipeline.errors import ConfigError


def test_without_a_rule_set_the_topology_s_thresholds_are_in_force() -> None:
    config = VeeConfig(spike_floor_wh=700)
    assert in_force(config, {"tariffs/lt.yaml": b"number: 1"}) is config


def test_a_rule_set_takes_the_place_of_the_thresholds_that_it_names() -> None:
    config = VeeConfig(hot_days=4, spike_floor_wh=700)
    rules = in_force(config, {"rules/residential.yaml": b"spike_ratio_percent: 250\n"})
    assert (rules.spike_ratio_percent, rules.spike_floor_wh, rules.hot_days) == (250, 700, 4)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"spike_ratio: 250", "RULES_FAULT"),
        (b"hot_days: 5", "RULES_FAULT"),
        (b"linear_secs: -1", "RULES_FAULT"),
        (b"grid_tolerance_secs: 450", "RULES_FAULT"),
        (b"", "RULES_FAULT"),
        (b"a: [", "RULES_YAML"),
    ],
)
def test_a_rule_set_that_is_not_right_stops_the_start(text: bytes, code: str) -> None:
    with pytest.raises(ConfigError, match=code):
        in_force(VeeConfig(grid_tolerance_secs=300, slot_secs=1800), {"rules/x.yaml": text})


def test_two_rule_sets_at_once_stop_the_start() -> None:
    with pytest.raises(ConfigError, match="RULES_SEVERAL"):
        in_force(VeeConfig(), {"rules/a.yaml": b"linear_secs: 0", "rules/b.yaml": b"linear_secs: 0"})
