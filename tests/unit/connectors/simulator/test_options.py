"""Options and the fault table."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from connectors.simulator import FAULTS, SimulatorConfig, parse_faults
from pipeline.codes import REJECT_NUMBER
from pipeline.errors import ConfigError


def test_faults_are_written_as_all_none_or_rates() -> None:
    assert parse_faults("all") == {row.name: row.rate for row in FAULTS}
    assert set(parse_faults("none").values()) == {0.0}
    only = parse_faults("late=0.25,swap=0.5")
    assert {name: rate for name, rate in only.items() if rate} == {"late": 0.25, "swap": 0.5}
    changed = parse_faults("all,spike=0")
    assert changed["spike"] == 0
    assert changed["late"] > 0
    assert parse_faults("theft")["theft"] > 0


def test_a_name_that_is_no_fault_is_refused_with_the_names_that_are() -> None:
    with pytest.raises(ConfigError, match=r"FAULT_UNKNOWN.*missing, missing_daily"):
        parse_faults("laet=0.1")
    with pytest.raises(ConfigError, match="FAULT_RATE"):
        parse_faults("late=often")
    with pytest.raises(ValidationError, match="no such fault: laet"):
        SimulatorConfig(faults={"laet": 0.1})
    with pytest.raises(ValidationError, match="0 to 1"):
        SimulatorConfig(faults={"late": 1.5})


def test_unknown_options_are_refused() -> None:
    with pytest.raises(ValidationError, match="colour"):
        SimulatorConfig(colour="red")  # type: ignore[call-arg]


def test_a_run_begins_at_midnight_in_india() -> None:
    config = SimulatorConfig(days=3, interval_secs=900)
    assert config.start_time == 1_751_308_200, "2025-06-30T18:30:00Z"
    assert (config.slots_per_day, config.intervals) == (96, 288)


def test_every_reject_of_the_table_is_a_code() -> None:
    for row in FAULTS:
        for code in (row.reject, row.mqtt_reject):
            assert code == "" or code in REJECT_NUMBER
