"""The command line: exit codes, JSON alone on standard output, help that stays quick."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog

from cli import main as command_line
from cli.commands import COMMANDS, Command
from cli.main import EPILOG, loaded, main
from cli.output import EXIT_CODES, exit_code
from cli.services.exits import MissingRequirement
from pipeline.errors import Backpressure, ConfigError, ContractError, Fatal, KvarnError, Transient

ROOT = Path(__file__).parents[3]
WHOLE = str(ROOT / "topologies.yaml")


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level

    def run_(*arguments: str) -> Ended:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        captured = capsys.readouterr()
        return Ended(int(ended.value.code or 0), captured.out, captured.err)

    yield run_
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


@pytest.fixture
def broken(tmp_path: Path) -> str:
    """A topology with an output to a topic that is not there; so nothing writes the topic that the sink reads."""
    file = tmp_path / "broken.yaml"
    file.write_text(Path(WHOLE).read_text(encoding="utf-8").replace("events: events", "events: event"))
    return str(file)


def test_lint_of_a_right_file_ends_with_0(run: Run) -> None:
    ended = run("lint", WHOLE)
    assert (ended.code, ended.err) == (0, "")


def test_lint_of_a_broken_file_ends_with_2_and_prints_every_finding_with_a_hint(run: Run, broken: str) -> None:
    line = Path(broken).read_text(encoding="utf-8").splitlines().index("      events: event") + 1
    ended = run("lint", broken)
    assert ended.code == 2
    assert f"{broken}:{line}:15: error TOPIC_UNKNOWN: there is no topic `event`" in ended.out
    assert "did you mean `events`?" in ended.out
    assert "1 error, 1 warning" in ended.out


def test_lint_as_json_is_one_object_and_nothing_else(run: Run, broken: str) -> None:
    ended = run("lint", WHOLE, broken, "--json")
    report = json.loads(ended.out)
    assert (report["errors"], report["warnings"], len(report["findings"])) == (1, 1, 2)
    assert report["findings"][0]["code"] == "TOPIC_UNKNOWN"
    assert ended.code == 2


def test_strict_lint_fails_on_a_warning(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "file.yaml"
    file.write_text(Path(WHOLE).read_text().replace("topics:\n", "topics:\n  spare: {partitions: 1}\n", 1))
    assert run("lint", str(file)).code == 0
    assert run("lint", str(file), "--strict").code == 2


def test_a_file_that_is_not_there_is_a_sentence_on_standard_error(run: Run) -> None:
    ended = run("lint", "nowhere.yaml")
    assert (ended.code, ended.out) == (2, "")
    assert "TOPOLOGY_UNREADABLE at nowhere.yaml" in ended.err
    assert "Traceback" not in ended.err


def test_with_json_an_error_is_json_too(run: Run) -> None:
    ended = run("graph", "--file", "nowhere.yaml", "--json")
    assert json.loads(ended.out)["error"]["code"] == "TOPOLOGY_UNREADABLE"
    assert ended.code == 2


def test_a_file_that_is_no_text_is_a_sentence(run: Run, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"\xff\xfe\x00")
    assert "it is no UTF-8 text" in run("lint", str(tmp_path / "x.yaml")).err


def test_graph_prints_mermaid(run: Run) -> None:
    ended = run("graph", "-f", WHOLE)
    assert ended.out.startswith("flowchart LR\n")
    assert ended.code == 0


def test_graph_writes_svg_by_the_name_of_the_file(run: Run, tmp_path: Path) -> None:
    ended = run("graph", "-f", WHOLE, "-o", str(tmp_path / "picture.svg"))
    assert ended.out == ""
    assert (tmp_path / "picture.svg").read_text(encoding="utf-8").startswith("<svg ")


def test_graph_as_json_has_nodes_and_edges(run: Run) -> None:
    drawn = json.loads(run("graph", "-f", WHOLE, "--json").out)
    ids = {node["id"] for node in drawn["nodes"]}
    assert "worker_metering" in ids
    assert all({edge["source"], edge["target"]} <= ids for edge in drawn["edges"])


def test_graph_of_a_broken_file_names_the_fault(run: Run, broken: str) -> None:
    ended = run("graph", "-f", broken)
    assert ended.code == 2
    assert "TOPIC_UNKNOWN line" in ended.err


def test_an_unknown_command_is_answered_with_the_nearest(run: Run) -> None:
    ended = run("lnit")
    assert ended.code == 2
    assert "'lint'" in ended.err


def test_help_lists_every_command_with_its_summary(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    ended = run("--help")
    for command in COMMANDS:
        assert command.summary in ended.out
    assert ended.code == 0


def test_help_tells_the_exit_codes() -> None:
    for row in EXIT_CODES:
        assert f"{row.number} {row.meaning}" in EPILOG


def test_version_is_said(run: Run) -> None:
    assert run("--version").out.startswith("kvarn ")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_of_the_table_can_be_loaded_and_explains_itself(command: Command, run: Run) -> None:
    assert loaded(command) is not None
    ended = run(command.name, "--help")
    assert ended.code == 0
    assert f"kvarn {command.name}" in ended.out


def test_a_command_whose_package_is_missing_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    row = Command("lint", "a_package_that_is_not_there.part:lint", "x", "y")
    with pytest.raises(MissingRequirement, match="`kvarn lint` needs the Python package `a_package_that_is_not_there`"):
        loaded(row)
    monkeypatch.setitem(command_line.BY_NAME, "lint", row)
    with pytest.raises(SystemExit) as ended:
        main(["lint"])
    assert ended.value.code == 3


WORDS: dict[str, Any] = {"where": "w", "what": "x", "do": "y"}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("A", **WORDS), 2),
        (MissingRequirement(["a"]), 3),
        (Transient("A", **WORDS), 4),
        (Backpressure("A", retry_after_secs=1.0, **WORDS), 4),
        (ContractError("A", **WORDS), 5),
        (Fatal("A", **WORDS), 1),
        (KvarnError("A", **WORDS), 1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_exit_codes_follow_the_reaction(error: KvarnError, code: int) -> None:
    assert exit_code(error) == code
    assert code in [row.number for row in EXIT_CODES]


def test_help_imports_neither_kernels_nor_clients() -> None:
    heavy = ["numba", "numpy", "pydantic", "confluent_kafka", "chdb", "faust", "ruamel.yaml"]
    check = f"import sys, cli.main; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_logs_go_to_standard_error_as_json_lines_when_no_one_looks_on(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    run("lint", WHOLE)
    structlog.get_logger("kvarn.test").info("hello", answer=42)
    logging.getLogger("library").warning("from a library")
    captured = capsys.readouterr()
    ours, theirs = (json.loads(line) for line in captured.err.splitlines())
    assert captured.out == ""
    assert (ours["event"], ours["answer"], ours["level"], ours["logger"]) == ("hello", 42, "info", "kvarn.test")
    assert (theirs["event"], theirs["level"]) == ("from a library", "warning")


def test_the_log_level_leaves_out_what_is_below(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run("--log-level", "warning", "--log-format", "console", "lint", WHOLE)
    structlog.get_logger("kvarn.test").info("quiet")
    structlog.get_logger("kvarn.test").warning("loud")
    err = capsys.readouterr().err
    assert "loud" in err
    assert "quiet" not in err
