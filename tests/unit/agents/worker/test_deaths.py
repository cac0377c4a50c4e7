"""What a worker knows of its deaths is in a file that outlives them."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agents.worker import deaths
from agents.worker.deaths import MOST_RECORDS, Deaths, deaths_of
from agents.worker.settings import WorkerSettings
from pipeline.errors import ConfigError
from tests.faults.toy import toy_plan

ROOT = Path(__file__).resolve().parents[4]

DIE = """
import os, signal, sys
from pathlib import Path
from agents.worker.deaths import Deaths
deaths = Deaths(Path(sys.argv[1]))
deaths.enter(2, 6)
deaths.leave()
deaths.enter(int(sys.argv[2]), int(sys.argv[3]))
if sys.argv[4] == "left":
    deaths.leave()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "toy.deaths"


def die(path: Path, partition: int, offset: int, how: str = "under way") -> None:
    arguments = [sys.executable, "-c", DIE, str(path), str(partition), str(offset), how]
    assert subprocess.run(arguments, cwd=ROOT, check=False, timeout=60).returncode == -signal.SIGKILL


def test_a_record_is_suspected_after_two_deaths_at_it(path: Path) -> None:
    die(path, 2, 7)
    assert not Deaths(path).suspected(2, 7)
    die(path, 2, 7)
    known = Deaths(path)
    assert known.suspected(2, 7)
    assert not known.suspected(2, 6)
    assert not known.suspected(1, 7)


def test_deaths_at_two_records_suspect_neither(path: Path) -> None:
    die(path, 2, 7)
    die(path, 2, 8)
    known = Deaths(path)
    assert not known.suspected(2, 7)
    assert not known.suspected(2, 8)


def test_a_death_between_two_records_counts_for_none(path: Path) -> None:
    for _ in range(2):
        die(path, 2, 7, "left")
    assert not Deaths(path).suspected(2, 7)


def dead(path: Path, *records: tuple[int, int]) -> Deaths:
    """As after a death at each of the records."""
    known = Deaths(path)
    for record in records:
        known.enter(*record)
        known = Deaths(path)
    return known


def test_what_was_worked_on_without_harm_is_forgotten(path: Path) -> None:
    dead(path, (0, 1), (0, 1)).forget(0, 1)
    assert not dead(path, (0, 1)).suspected(0, 1)


def test_what_the_checkpoint_has_is_forgotten(path: Path) -> None:
    known = dead(path, (0, 1), (0, 1), (0, 2), (0, 2), (1, 1), (1, 1))
    known.passed(0, 1)
    for after in (known, Deaths(path)):
        assert [after.suspected(*record) for record in ((0, 1), (0, 2), (1, 1))] == [False, True, True]


def test_the_newest_records_are_remembered(path: Path) -> None:
    records = [(0, offset) for offset in range(MOST_RECORDS + 5) for _ in range(2)]
    known = dead(path, *records)
    assert known.suspected(0, MOST_RECORDS + 4)
    assert not Deaths(path).suspected(0, 0)


def test_a_file_of_another_kind_is_begun_anew(path: Path) -> None:
    path.write_bytes(b"something else")
    assert dead(path, (0, 1), (0, 1)).suspected(0, 1)


def test_a_clean_stop_leaves_a_file_only_when_there_is_something_to_remember(path: Path) -> None:
    Deaths(path).close()
    assert not path.exists()
    dead(path, (0, 1)).close()
    assert dead(path, (0, 1)).suspected(0, 1)


def settings(scratch: str | None, instance: str = "1") -> WorkerSettings:
    return WorkerSettings(scratch=scratch, instance=instance)


def test_topics_and_instances_have_files_of_their_own(tmp_path: Path) -> None:
    plan = toy_plan("app", "source", 1)
    for instance, topic in (("1", "a"), ("2", "a"), ("1", "b/+c")):
        deaths_of(plan, settings(str(tmp_path), instance), topic)
    assert len(list(tmp_path.iterdir())) == 3


def test_a_folder_that_was_set_must_be_usable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="SCRATCH_UNUSABLE"):
        deaths_of(toy_plan("app", "source", 1), settings(str(tmp_path / "file")), "id")


def test_a_temporary_folder_of_somebody_else_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    deaths_of(toy_plan("app", "source", 1), settings(None), "id").enter(0, 1)
    own = deaths.own_folder()
    assert len(list(own.iterdir())) == 1
    own.chmod(0o777)
    deaths_of(toy_plan("app", "source", 1), settings(None, "2"), "id").enter(0, 1)
    assert len(list(own.iterdir())) == 1


def test_nothing_is_noted_without_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    deaths_of(toy_plan("app", "source", 1), settings(""), "id").enter(0, 1)
    assert not list(tmp_path.iterdir())
