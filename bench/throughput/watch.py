"""How far all parts of a topology have come, and what they have used, at one moment and the next."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from confluent_kafka import OFFSET_END, Consumer, KafkaException, TopicPartition

from pipeline.errors import Transient
from pipeline.topology.plan import Plan, TopicPlan

ADMIN_SECS = 30.0
RETRY_SECS = 0.2

Place = tuple[str, int]
"""Topic and partition."""


@dataclass(frozen=True)
class Moment:
    """`lag` of each reader in records; `written`: records that the parts have written; `cpu` seconds of each part.

    `machine` are the seconds that all of the machine's CPUs were busy, whoever kept them so. `made`: what each
    reader has to show: records that a worker has written, records that a sink has committed. `done`: committed
    positions of each reader, summed. `memory`: resident bytes of each part.
    """

    at: float
    lag: Mapping[str, int]
    written: int
    cpu: Mapping[str, float]
    machine: float
    state_bytes: int
    made: Mapping[str, int]
    done: Mapping[str, int]
    memory: Mapping[str, int] = field(default_factory=dict)

    @property
    def idle(self) -> bool:
        """Everything that was written has been read, and is committed."""
        return not any(self.lag.values())


class Watch:
    """Asks one broker. Positions are read against the flow, ends of topics after them.

    A chain commits a position after its outputs are acknowledged, a sink after its rows are in. So when all positions
    equal the ends that are read after them, nothing was under way.
    """

    def __init__(self, bootstrap: str, plan: Plan, pids: Mapping[str, int], logs: Path) -> None:
        self._readers: dict[str, tuple[str, tuple[TopicPlan, ...]]] = {
            **{f"worker.{chain.name}": (chain.group, (chain.source,)) for chain in plan.chains},
            **{f"sink.{name}": (sink.group, sink.topics) for name, sink in plan.sinks.items()},
        }
        # Asking under a group's name does not make one its member. (An AdminClient of confluent-kafka 2.16 ends the
        # process when a group's coordinator is not there yet.)
        self._consumers = {
            group: Consumer({"bootstrap.servers": bootstrap, "group.id": group, "enable.auto.commit": False})
            for group, _ in self._readers.values()
        }
        topics = {topic.name: topic for _, read in self._readers.values() for topic in read}
        self._topics = tuple(topics.values())
        self._outputs = {f"worker.{chain.name}": {topic.name for topic in chain.written} for chain in plan.chains}
        self._written = set().union(*self._outputs.values())
        self._processes: dict[str, list[psutil.Process]] = {}
        for name, pid in pids.items():  # a worker may be several processes, `worker.metering#1` and so on
            self._processes.setdefault(name.partition("#")[0], []).append(psutil.Process(pid))
        self._segments = Segments(logs, [chain.state.name for chain in plan.chains])

    def look(self, patience_secs: float = ADMIN_SECS) -> Moment:
        """As of now; raises Transient when the broker does not say each thing asked for in so many seconds."""
        done = {name: self._committed(group, topics, patience_secs) for name, (group, topics) in self._readers.items()}
        ends = self._ends(patience_secs)
        lag = {name: sum(ends[place] - at for place, at in positions.items()) for name, positions in done.items()}
        written = sum(end for (topic, _), end in ends.items() if topic in self._written)
        cpu = {name: sum(_secs(one) for one in some) for name, some in self._processes.items()}
        memory = {name: sum(one.memory_info().rss for one in some) for name, some in self._processes.items()}
        sums = {name: sum(positions.values()) for name, positions in done.items()}
        made = dict(sums)
        for name, topics in self._outputs.items():
            made[name] = sum(end for (topic, _), end in ends.items() if topic in topics)
        return Moment(time.perf_counter(), lag, written, cpu, machine_secs(), self._segments.look(), made, sums, memory)

    def _ends(self, patience_secs: float) -> dict[Place, int]:
        asked = [TopicPartition(topic.name, number, OFFSET_END) for topic in self._topics
                 for number in range(topic.partitions)]  # fmt: skip
        consumer = next(iter(self._consumers.values()))
        found = _asked(lambda: consumer.offsets_for_times(asked, timeout=patience_secs), patience_secs)
        return {(place.topic, place.partition): place.offset for place in found}

    def _committed(self, group: str, topics: tuple[TopicPlan, ...], patience_secs: float) -> dict[Place, int]:
        places = [TopicPartition(topic.name, number) for topic in topics for number in range(topic.partitions)]
        found = _asked(lambda: self._consumers[group].committed(places, timeout=patience_secs), patience_secs)
        return {(row.topic, row.partition): max(row.offset, 0) for row in found}

    def close(self) -> None:
        """Give the connections back."""
        for consumer in self._consumers.values():
            consumer.close()


def _asked(ask: Callable[[], list[TopicPartition]], patience_secs: float) -> list[TopicPartition]:
    """The answer; a broker that has just been started is still loading its groups."""
    deadline = time.monotonic() + patience_secs
    while True:
        try:
            found = ask()
            errors = [str(place.error) for place in found if place.error is not None]
            if not errors:
                return found
        except KafkaException as error:
            errors = [str(error)]
        if time.monotonic() > deadline:
            raise Transient("LAG_UNKNOWN", where="positions", what=errors[0], do="check the broker")
        time.sleep(RETRY_SECS)


def machine_secs() -> float:
    """Seconds that the machine's CPUs were busy since it was started."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0))


def _secs(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


class Segments:
    """Bytes that were ever in the files of topics: the cleaner makes files smaller, and that is not taken back."""

    def __init__(self, logs: Path, topics: list[str]) -> None:
        self._logs, self._topics = logs, topics
        self._sizes: dict[str, int] = {}

    def look(self) -> int:
        """Bytes written so far, as far as looks were often enough."""
        for topic in self._topics:
            for folder in self._logs.glob(f"{topic}-[0-9]*"):
                for file in folder.glob("*.log"):
                    try:
                        size = file.stat().st_size
                    except OSError:  # the cleaner has just replaced it
                        continue
                    name = f"{folder.name}/{file.name}"
                    self._sizes[name] = max(self._sizes.get(name, 0), size)
        return sum(self._sizes.values())
