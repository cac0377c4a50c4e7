"""`kvarn state inspect`: of simulated fleets, and of checkpoints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bench.memory.profiles import PROFILE_BY_NAME, PROFILES, simulated
from bench.memory.report import StateReport
from cli.state import deployment
from cli.state.app import app
from cli.state.inspect import ProfileName
from pipeline.checkpoint import HEAD_KEY
from pipeline.errors import ConfigError
from pipeline.runtime.saved import Place, copy_chain, nothing_saved

FILE = Path(__file__).parents[3] / "topologies.yaml"
METERS = 400


def nothing(_done: int, _total: int) -> None:
    """Nobody looks on."""


def inspected(*arguments: str) -> Any:
    result = CliRunner().invoke(app, ["inspect", "-f", str(FILE), "--meters", str(METERS), *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_simulated_fleet_is_told_by_stage_and_area_and_the_sums_agree() -> None:
    said = json.loads(inspected("--profile", "d1-30", "--intervals", "2", "--json"))
    assert (said["of"], said["service_points"], said["intervals"]) == ("d1-30", METERS, 2)
    for stage in said["stages"]:
        areas = [area for area in said["areas"] if area["stage"] == stage["stage"]]
        for name in ("octets", "resident"):
            assert stage[name] == sum(area[name] for area in areas) > 0
        assert stage["rows"] <= stage["slots"]
        assert stage["resident"] <= stage["octets"]
        assert stage["octets_a_point"] == round(stage["octets"] / METERS, 1)
    few = ("nodes", "usage", "exceptions", "scorecard")
    assert all(stage["rows"] >= METERS - 20 for stage in said["stages"] if stage["stage"] not in few)
    assert said["total"]["octets"] == sum(stage["octets"] for stage in said["stages"])
    assert {"decode", "vee", "rating"} <= {stage["stage"] for stage in said["stages"]}


def test_people_get_a_table() -> None:
    text = inspected("--profile", "d1-30", "--intervals", "1")
    assert "ring" in text
    assert f"{METERS} service points" in text


def test_meters_of_four_channels_take_a_plane_each() -> None:
    stages = {
        profile: next(stage for stage in said["stages"] if stage["stage"] == "vee")
        for profile in ("d1-30", "d1-15x4")
        for said in [json.loads(inspected("--profile", profile, "--intervals", "2", "--json"))]
    }
    assert stages["d1-30"]["planes"] == 0
    assert METERS * 0.95 <= stages["d1-15x4"]["planes"] <= METERS, "but for those whose frames were at fault"


class Topic:
    """In place of the state topics: what checkpoints of these chains wrote."""

    def __init__(self, chains: dict[tuple[str, int], dict[bytes, bytes]]) -> None:
        self.chains = chains

    def __call__(self, plan: Any, _settings: Any, partition: int) -> Topic:
        self.place = (plan.name, partition)
        return self

    def read(self) -> tuple[bytes | None, dict[bytes, bytes]]:
        records = dict(self.chains.get(self.place, {}))
        return records.pop(HEAD_KEY, None), records


def test_a_deployment_is_what_its_checkpoints_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    inside = simulated(FILE, PROFILE_BY_NAME["d1-30"], METERS, 1, nothing)
    inside.close()
    topic = Topic({})
    for partition, chain in enumerate(inside.chains()):
        place = Place(chain.plan, chain.steps, chain._prepared, inside.contracts, "topic", partition)
        copied = copy_chain(place, chain, nothing_saved(place))
        topic.chains[chain.plan.name, partition] = {record.key: record.value for record in copied.records()}
    monkeypatch.setattr(deployment, "StateReader", topic)
    own, found = StateReport(), StateReport()
    own.add_chains(inside.chains())
    assert deployment.add_deployment(inside.plan, found, nothing) == len(inside.chains())
    wanted, said = own.close(), found.close()
    assert said["service_points"] == METERS
    assert [(area["stage"], area["area"], area["octets"]) for area in said["areas"]] == [
        (area["stage"], area["area"], area["octets"]) for area in wanted["areas"]
    ]
    topic.chains.clear()
    with pytest.raises(ConfigError, match="NO_CHECKPOINT"):
        deployment.add_deployment(inside.plan, StateReport(), nothing)


def test_the_command_names_every_profile() -> None:
    assert [profile.name for profile in PROFILES] == [name.value for name in ProfileName]
