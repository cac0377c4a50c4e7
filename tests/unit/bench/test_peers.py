"""Peers: what they are built from, what they are given, and the clock over them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaError

from bench.case import Case, Load, PeerLoad, PeerWay
from bench.experiments import peers as experiments
from bench.experiments.table import experiment
from bench.naive import measure as shared
from bench.naive.measure import Look, Topics, Watch
from bench.peers import check as checking
from bench.peers import measure as measuring
from bench.peers.environment import make_once, need, run
from bench.peers.kafka_streams.peer import PEER as KAFKA_STREAMS
from bench.peers.kafka_streams.peer import POM
from bench.peers.measure import PeerResult
from bench.peers.peer import Peer, Told
from bench.peers.quix.peer import LOCK
from bench.peers.quix.peer import PEER as QUIX
from cli.services.exits import MissingRequirement
from cli.services.jars import POM as BROKER_POM
from cli.services.settings import PROJECT_ROOT
from connectors.simulator.burst import BurstPlan
from connectors.simulator.burst_truth import burst_frames
from pipeline.errors import Fatal, Transient
from tests.unit.bench.peers import INTERVALS, PLAN, fed

TOPICS = Topics.of("some", 4)
WAY = PeerWay(cipher="some")


def test_what_peers_are_built_from_names_no_place_to_get_it_from() -> None:
    pom = POM.read_text(encoding="utf-8")
    assert "<repositories>" not in pom
    assert "<pluginRepositories>" not in pom
    folder = POM.parent.parent
    texts = [path for path in folder.rglob("*") if path.suffix in {".xml", ".java", ".in", ".lock", ".properties"}]
    assert len(texts) >= 10
    for path in texts:
        assert not re.search(r"https?://|--(extra-)?index-url|--find-links", path.read_text(encoding="utf-8")), path


def test_every_pin_of_the_lock_has_a_hash_and_every_requirement_a_pin() -> None:
    lock = LOCK.read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=[a-z0-9])", lock.strip())
    assert len(blocks) > 20
    for block in blocks:
        assert re.match(r"[a-z0-9-]+==\S+ \\\n    --hash=sha256:[0-9a-f]{64}", block), block[:60]
    for line in (LOCK.parent / "requirements.in").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            assert f"{line} \\\n" in lock


def test_peers_use_the_versions_that_they_are_compared_with() -> None:
    kafka = re.search(r"<kafka\.version>(.+)<", BROKER_POM.read_text(encoding="utf-8"))
    assert kafka is not None
    assert KAFKA_STREAMS.versions()["kafka-streams"] == kafka.group(1)
    ours = (PROJECT_ROOT / "requirements.lock").read_text() + (PROJECT_ROOT / "requirements-dev.lock").read_text()
    for name in ("cryptography", "gurux-dlms"):
        assert f"{name}=={QUIX.versions()[name]} " in ours


def test_each_frame_is_a_message_of_its_own_keyed_by_its_title(monkeypatch: pytest.MonkeyPatch) -> None:
    frames, sent = fed(monkeypatch, keyed=True)
    assert frames == len(sent) == sum(burst_frames(PLAN, interval) for interval in INTERVALS)
    assert all(key == frame[2:10] for _, frame, key, _ in sent)
    where: dict[bytes | None, set[int]] = {}
    for _, _, key, partition in sent:
        where.setdefault(key, set()).add(partition)
    assert all(len(partitions) == 1 for partitions in where.values())
    assert {key for _, _, key, _ in fed(monkeypatch, keyed=False)[1]} == {None}


class Scripted:
    """Looks at a run that was thought up."""

    def __init__(self, done: list[int]) -> None:
        self._done = iter(done)
        self.now = 0.0

    def look(self) -> Look:
        self.now += 1.0
        return Look(self.now, next(self._done), 10 * self.now, 20 * self.now)


class Running:
    """Processes that do not end."""

    def check(self) -> None:
        return None

    def tail(self, _name: str) -> str:
        return "the last line"


def watch(monkeypatch: pytest.MonkeyPatch, done: list[int], silent_secs: float = 100.0) -> Watch:
    monkeypatch.setattr(shared, "LOOK_SECS", 0)
    ends: Any = None
    processes: Any = Running()
    broker: Any = None
    found = Watch(ends, processes, "some", broker, silent_secs)
    monkeypatch.setattr(found, "look", Scripted(done).look)
    return found


def nothing(_what: str, _done: int, _total: int) -> None:
    """Nobody looks on."""


def test_the_clock_starts_behind_the_warm_up_and_ends_when_all_is_committed(monkeypatch: pytest.MonkeyPatch) -> None:
    committed = iter([False, True])
    begin, end = watch(monkeypatch, [0, 0, 20, 50, 70, 100, 100]).go(
        100, nothing, warm_up=50, finished=lambda: next(committed)
    )
    assert (begin.at, begin.done) == (4.0, 50)
    assert (end.at, end.done) == (7.0, 100)


def test_without_a_warm_up_the_clock_starts_at_the_last_look_with_nothing_done(monkeypatch: pytest.MonkeyPatch) -> None:
    begin, end = watch(monkeypatch, [0, 0, 0, 5, 8, 9, 9]).go(100, nothing, most_secs=3.0)
    assert (begin.at, begin.done) == (3.0, 0)
    assert (end.at, end.done) == (6.0, 9)


@pytest.mark.parametrize("done", [[0] * 20, [0, 1, 60, *[80] * 20]], ids=["never begins", "stops midway"])
def test_a_peer_that_does_not_go_on_is_an_error(monkeypatch: pytest.MonkeyPatch, done: list[int]) -> None:
    with pytest.raises(Fatal, match=r"PEER_SILENT.*the last line"):
        watch(monkeypatch, done, silent_secs=5.0).go(100, nothing, warm_up=50)


def test_an_environment_is_made_once_and_again_when_its_pins_change(tmp_path: Path) -> None:
    pins, made = tmp_path / "pins", []
    pins.write_text("one")
    for text in ("one", "one", "other"):
        pins.write_text(text)
        make_once(tmp_path, [pins], lambda: made.append(pins.read_text()))
    assert made == ["one", "other"]


def test_an_environment_that_could_not_be_made_is_made_the_next_time(tmp_path: Path) -> None:
    pins, made = tmp_path / "pins", []
    pins.write_text("one")

    def fail() -> None:
        raise Transient("PEER_NOT_MADE", where="here", what="no answer", do="try again")

    with pytest.raises(Transient):
        make_once(tmp_path, [pins], fail)
    make_once(tmp_path, [pins], lambda: made.append(1))
    assert made == [1]


def test_what_is_not_installed_is_named_all_at_once() -> None:
    with pytest.raises(MissingRequirement, match=r"no-such-maven.*install maven.*no-such-javac.*a JDK"):
        need([("no-such-maven", "maven"), ("no-such-javac", "a JDK")])


def test_a_step_that_fails_says_what_it_said(tmp_path: Path) -> None:
    script = tmp_path / "step"
    script.write_text("echo the registry did not answer >&2; exit 3")
    with pytest.raises(Transient, match="PEER_NOT_MADE at some step: the registry did not answer"):
        run(["sh", str(script)], "some step")


def test_kafka_streams_is_told_its_settings_and_where_it_runs(tmp_path: Path) -> None:
    told = Told("here:9", "group", TOPICS, tmp_path / "keys", tmp_path / "state", PeerWay(cipher="javax", threads=1))
    command = KAFKA_STREAMS.command(tmp_path / "place", told)
    assert command[-2:] == ["kvarn.peer.Worker", str(tmp_path / "streams.properties")]
    said = dict(line.split("=", 1) for line in (tmp_path / "streams.properties").read_text().splitlines())
    assert said["bootstrap.servers"] == "here:9"
    assert said["peer.cipher"] == "javax"
    assert said["peer.readings"] == TOPICS.readings
    assert said["num.stream.threads"] == "1"
    kept = {
        name: value for name, value in KAFKA_STREAMS.settings().items() if name not in {"jvm", "num.stream.threads"}
    }
    assert len(kept) > 10
    assert kept.items() <= said.items()


def result(frames_per_cpu_s: int, way: PeerWay = WAY, seconds: float = 30.0, different: int = 0) -> PeerResult:
    return PeerResult(way, 10 * frames_per_cpu_s, seconds, 8.0, 2.0, 1 << 30, {"different": different})


def runs(results: Iterator[PeerResult], asked: list[int]) -> Any:
    class Run:
        def __init__(self, _peer: Peer, _place: Path, own: PeerLoad, *_more: Any) -> None:
            asked.append(own.frames)

        def go(self, _plan: BurstPlan) -> PeerResult:
            return next(results)

    return Run


def test_a_run_that_was_too_short_is_repeated_with_more_frames(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[int] = []
    monkeypatch.setattr(measuring, "_Run", runs(iter([result(1000, seconds=10.0), result(2000)]), asked))
    peer = replace(QUIX, make=lambda _place, _report: None)
    own = PeerLoad(frames=11_000, warm_up=1_000, least_secs=25, ways=(WAY,))
    monkeypatch.setattr(measuring, "environment", lambda _peer, _report: tmp_path)
    found = measuring.measure(peer, Load(meters=10, frames=10), own, tmp_path, nothing)
    assert [one.frames for one in found] == [20_000]
    assert asked == [11_000, 1_000 + 32_500]


def test_a_run_that_stays_too_short_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(measuring, "_Run", runs(iter([result(1000, seconds=1.0)] * 3), []))
    monkeypatch.setattr(measuring, "environment", lambda _peer, _report: tmp_path)
    with pytest.raises(Fatal, match="PEER_SHORT"):
        measuring.measure(QUIX, Load(meters=10, frames=10), PeerLoad(ways=(WAY,)), tmp_path, nothing)


def test_the_value_is_over_the_best_way_and_rows_of_both_sides_count(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ours:
        frames_per_cpu_s = 150_000.0

    cpu = {"sink": 2.0, "worker": 3.0, "broker": 1.0}
    said = {"correct": {"rows": 5, "different": 2}, "machine": {"cpus": 2}, "cpu_us_per_frame": cpu, "ratio": None,
            "naive": [], "case": "quix", "gate": 1, "goal": 10}  # fmt: skip
    monkeypatch.setattr(experiments, "environment", lambda _peer, _report: Path("nowhere"))
    monkeypatch.setattr(experiments, "figures", lambda _outcome: said)
    slow, quick = result(10_000, PeerWay(cipher="a", threads=2)), result(30_000, PeerWay(cipher="b"), different=3)
    monkeypatch.setattr(experiments, "measure", lambda *_given: [slow, quick])
    case = experiment("quix").case
    ours: Any = Ours()
    measured = experiments.times(QUIX).behind(case, ours, Path("nowhere"), nothing)
    assert measured.value == 5.0
    assert measured.correct["different"] == 5
    assert set(measured.details) == {"cpu_us_per_frame", "peer", "times_worker_and_broker"}
    assert measured.details["times_worker_and_broker"] == round(1e6 / 30_000 / 4.0, 2)
    assert measured.details["peer"]["best"] == "b"
    assert measured.details["peer"]["by_way"][0]["cpu_us_per_frame"] == {
        "process": 80.0, "broker": 20.0, "together": 100.0
    }  # fmt: skip


@pytest.mark.parametrize("name", ["quix", "kafka-streams"])
def test_peers_are_measured_beside_the_same_drain(name: str) -> None:
    case: Case = experiment(name).case
    assert (case.gate, case.goal, case.unit, case.runs) == (1, 10, "times", 5)
    assert case.load == experiment("throughput").case.load
    assert case.peer is not None
    assert case.peer.meters <= case.peer.warm_up < case.peer.frames
    assert case.peer.least_secs >= 25


class Log:
    """A consumer of two partitions: records, then the marks of their ends; or an error instead."""

    def __init__(self, last: int) -> None:
        end = KafkaError._PARTITION_EOF
        self._batches = [
            [Said(0, b"a", b"1"), Said(1, b"b", b"2"), Said(1, b"", b"", end)],
            [],
            [Said(0, b"c", b"3"), Said(0, b"", b"", last)],
        ]

    def assign(self, places: list[Any]) -> None:
        assert [place.partition for place in places] == [0, 1]

    def consume(self, _most: int, _secs: float) -> list[Said]:
        return self._batches.pop(0)

    def close(self) -> None:
        return None


class Said:
    """A message."""

    def __init__(self, partition: int, key: bytes, value: bytes, code: int | None = None) -> None:
        self._partition, self._key, self._value = partition, key, value
        self._error = None if code is None else KafkaError(code)

    def partition(self) -> int:
        return self._partition

    def key(self) -> bytes:
        return self._key

    def value(self) -> bytes:
        return self._value

    def error(self) -> KafkaError | None:
        return self._error


def test_a_topic_is_read_to_the_end_of_each_partition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "Consumer", lambda _settings: Log(KafkaError._PARTITION_EOF))
    found = list(checking.records("nowhere:1", "some", 2))
    assert found == [(b"a", b"1"), (b"b", b"2"), (b"c", b"3")]
    monkeypatch.setattr(checking, "Consumer", lambda _settings: Log(KafkaError._ALL_BROKERS_DOWN))
    with pytest.raises(Fatal, match="PEER_UNREAD"):
        list(checking.records("nowhere:1", "some", 2))
