from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest

from cli import output
from cli.main import main
from cli.services import exits, jars, mosquitto, ports, process, stack
from cli.services.service import LocalService, ServiceState
from cli.services.settings import DEFAULT_DATA, ServiceSettings
from pipeline.errors import ConfigError, Fatal, Transient

Run = Callable[..., tuple[int, dict[str, Any], str]]


@pytest.fixture(autouse=True)
def without_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("KVARN_"):
            monkeypatch.delenv(name)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command of `kvarn` with `--json`: exit code, what it reports, what it says beside."""
    monkeypatch.setattr("cli.main.set_up", lambda *_: None)

    def run_(*arguments: str) -> tuple[int, dict[str, Any], str]:
        with pytest.raises(SystemExit) as ended:
            main([*arguments, "--json"])
        told = capsys.readouterr()
        return int(str(ended.value.code or 0)), json.loads(told.out), told.err

    return run_


class Sleeper(LocalService):
    """A service that needs nothing: it sleeps, and answers from the start."""

    name = "sleeper"
    line: tuple[str, ...] = ("sleep", "60")
    awake = True

    @property
    def address(self) -> str:
        return "nowhere"

    @property
    def port_settings(self) -> Mapping[str, int]:
        return {"kafka_port": self.settings.kafka_port}

    def missing(self) -> list[str]:
        return []

    def prepare(self) -> None:
        pass

    def command(self) -> list[str | Path]:
        return list(self.line)

    def answers(self) -> bool:
        return self.awake


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Sleeper]:
    service = Sleeper(ServiceSettings.load(data=tmp_path, kafka_port=ports.free_ports(1)[0], start_timeout_secs=0.3))
    yield service
    service.stop()


# ------------------------------------------------------------------------------------------- settings


def test_an_option_wins_over_the_variable_and_the_variable_over_the_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ServiceSettings.load(data=tmp_path, kafka_port=1001, mosquitto_port=1002, schema_registry_port=1003).record_ports()
    monkeypatch.setenv("KVARN_MOSQUITTO_PORT", "2002")
    monkeypatch.setenv("KVARN_SCHEMA_REGISTRY_PORT", "2003")
    settings = ServiceSettings.load(data=tmp_path, schema_registry_port=3003)
    assert (settings.kafka_port, settings.mosquitto_port, settings.schema_registry_port) == (1001, 2002, 3003)


def test_without_anything_set_the_data_lies_in_the_project() -> None:
    assert ServiceSettings.load(data=None).data == DEFAULT_DATA


def test_all_settings_that_do_not_fit_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KVARN_KAFKA_PORT", "many")
    with pytest.raises(ConfigError) as caught:
        ServiceSettings.load(mosquitto_port=70_000)
    assert "KVARN_KAFKA_PORT" in caught.value.what
    assert "KVARN_MOSQUITTO_PORT" in caught.value.what


# ------------------------------------------------------------------------------------------- processes


def test_a_started_service_is_found_by_its_pid_file_and_is_gone_after_stop(sleeper: Sleeper) -> None:
    assert sleeper.start()
    assert not sleeper.start(), "it runs already"
    sleeper.wait_until_ready()
    status = sleeper.status()
    assert status.state is ServiceState.READY
    assert status.pid is not None
    assert sleeper.stop()
    assert not psutil.pid_exists(status.pid)
    assert sleeper.status().state is ServiceState.STOPPED
    assert not sleeper.stop(), "there was none"


def test_a_service_that_runs_without_answering_is_starting(sleeper: Sleeper) -> None:
    sleeper.awake = False
    sleeper.start()
    assert sleeper.status().state is ServiceState.STARTING
    with pytest.raises(Fatal, match=r"gave no answer in 0\.3 s"):
        sleeper.wait_until_ready()


def test_a_service_that_ends_at_once_is_reported_with_the_end_of_its_log(sleeper: Sleeper) -> None:
    sleeper.awake = False
    sleeper.line = ("sh", "-c", "echo the disk is full; exit 4")
    sleeper.start()
    with pytest.raises(Fatal, match="the disk is full"):
        sleeper.wait_until_ready()


def test_a_service_that_ignores_the_request_to_end_is_killed(sleeper: Sleeper) -> None:
    sleeper.line = ("sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 0.05; done")
    sleeper.start()
    while "deaf" not in sleeper.log_file.read_text():
        pass
    sleeper.stop_patience_secs = 0.2  # type: ignore[misc]  # shorter for this one
    assert sleeper.stop()
    assert not sleeper.running()


def test_the_log_of_the_run_before_is_kept_beside_the_new_one(sleeper: Sleeper) -> None:
    sleeper.line = ("sh", "-c", "echo first")
    sleeper.start()
    while sleeper.running():
        pass
    sleeper.line = ("sleep", "60")
    sleeper.start()
    assert sleeper.log_file.with_suffix(".previous.log").read_text() == "first\n"


def test_a_pid_that_is_a_strangers_by_now_is_neither_found_nor_ended(tmp_path: Path) -> None:
    pid_file = tmp_path / "service.pid"
    pid_file.write_text(f"{os.getpid()}\n")
    assert process.find(pid_file) is None
    assert not process.stop(pid_file, patience_secs=0)


def test_a_taken_port_is_named_before_anything_starts(sleeper: Sleeper) -> None:
    port = sleeper.settings.kafka_port
    taken = pytest.raises(ConfigError, match=f"port {port}.*KVARN_KAFKA_PORT")
    with socket.create_server(("127.0.0.1", port)), taken:
        sleeper.start()
    assert not sleeper.running()


def test_free_ports_are_different_and_can_be_bound() -> None:
    chosen = ports.free_ports(8)
    assert len(set(chosen)) == 8
    for port in chosen:
        socket.create_server(("127.0.0.1", port)).close()


# ------------------------------------------------------------------------------------------- what is missing


def test_everything_missing_is_named_at_once_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(mosquitto, "_SEARCH", str(tmp_path))
    settings = ServiceSettings.load(data=tmp_path, jars=tmp_path / "jars", java=tmp_path / "java")
    with pytest.raises(exits.MissingRequirement) as caught:
        stack.up(settings)
    assert len(caught.value.lacking) == 3
    for needed in ("`maven`", "KVARN_JAVA", "`mosquitto`"):
        assert needed in caught.value.what
    assert output.exit_code(caught.value) == output.MISSING


def test_a_changed_pin_makes_the_jars_incomplete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pom = tmp_path / "pom.xml"
    pom.write_text("<project/>")
    monkeypatch.setattr(jars, "POM", pom)
    monkeypatch.setattr(jars, "_run_maven", lambda folder: None)
    jars.fetch(tmp_path / "jars", lambda line: None)
    assert jars.are_complete(tmp_path / "jars")
    pom.write_text("<project><version>2</version></project>")
    assert not jars.are_complete(tmp_path / "jars")


# ------------------------------------------------------------------------------------------- commands


def test_status_reports_stopped_services_as_json_and_ends_with_1(run: Run, tmp_path: Path) -> None:
    code, report, _ = run("status", "--data", str(tmp_path))
    assert code == output.FAILED
    assert {row["name"]: row["state"] for row in report["services"]} == dict.fromkeys(stack.ALL, "stopped")


def test_down_with_nothing_running_is_no_error(run: Run, tmp_path: Path) -> None:
    assert run("down", "--data", str(tmp_path))[:2] == (output.OK, {"ended": []})


def test_an_unknown_service_is_a_usage_error_that_names_the_known_ones(run: Run, tmp_path: Path) -> None:
    code, report, told = run("up", "mosquito", "--data", str(tmp_path))
    assert code == output.USAGE
    assert report["error"]["code"] == "UNKNOWN_SERVICE"
    assert "kafka, schema-registry, mosquitto" in told


def test_what_may_go_well_later_ends_with_the_code_that_says_so(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(*_given: object) -> None:
        raise Transient("MAVEN_FAILED", where="pom.xml", what="no answer", do="try again")

    monkeypatch.setattr(stack, "up", fetch)
    code, report, _ = run("up", "--data", str(tmp_path))
    assert (code, report["error"]["code"]) == (output.NOT_NOW, "MAVEN_FAILED")
