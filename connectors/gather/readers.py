"""Ask the broker how far the readers of the topic of frames are, once a second, beside the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog
from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaException, TopicPartition

from connectors.gather.brake import Brake, Standing, Written

LOOK_SECS = 1.0
ANSWER_SECS = 5.0
SAMPLE_RECORDS = 24
SAMPLE_LOOKS = 30
FOREIGN_RECORDS = 100
"""Records are sampled anew after so many looks, when others have written so many meanwhile."""
SAMPLE_OCTETS = 1 << 17
"""Of a fetch; the first record comes whole, however large."""

log = structlog.get_logger()


class Readers:
    """Positions of groups against the ends of a topic. Blocks: call it in a thread, one call at a time."""

    def __init__(self, bootstrap: str, topic: str, partitions: int, groups: tuple[str, ...]) -> None:
        self._bootstrap, self._topic, self._partitions = bootstrap, topic, range(partitions)
        # Asking under a group's name does not make one its member.
        self._consumers = {group: Consumer(self._settings(group)) for group in groups}
        self._sampler: Consumer | None = None
        self._unread: list[TopicPartition] = []
        self._waiting = 0

    def look(self) -> Standing:
        """As of now; raises KafkaException when the broker does not answer."""
        done = {group: self._committed(group) for group in self._consumers}
        begins, ends = self._bounds(OFFSET_BEGINNING), self._bounds(OFFSET_END)
        # What is no longer in the log is not waiting in it; a group that has committed nothing begins where it begins.
        unread = {
            group: {number: max(begins[number], positions.get(number, -1)) for number in self._partitions}
            for group, positions in done.items()
        }
        behind = {
            group: sum(max(0, ends[number] - at) for number, at in positions.items())
            for group, positions in unread.items()
        }
        worst = max(behind, key=lambda group: behind[group])
        self._unread = [
            TopicPartition(self._topic, number, at) for number, at in unread[worst].items() if at < ends[number]
        ]
        self._waiting = behind[worst]
        return Standing(sum(ends.values()), behind[worst])

    def sample(self) -> float:
        """Mean octets of some of the records that were unread at the last look; 0 when there were none.

        Not of the newest: while connectors stop reading those are ticks, which are small.
        """
        if not self._unread:
            return 0.0
        if self._sampler is None:
            # One for good: each new one has threads whose memory the allocator keeps.
            self._sampler = Consumer({**self._settings("kvarn-brake"), "fetch.message.max.bytes": SAMPLE_OCTETS,
                                      "queued.max.messages.kbytes": SAMPLE_OCTETS >> 10})  # fmt: skip
        self._sampler.assign(self._unread)
        try:
            found = self._sampler.consume(min(SAMPLE_RECORDS, self._waiting), ANSWER_SECS)
        finally:
            self._sampler.unassign()
        sizes = [len(message.value() or b"") for message in found if message.error() is None]
        return sum(sizes) / len(sizes) if sizes else 0.0

    def close(self) -> None:
        """Give the connections back."""
        for consumer in (*self._consumers.values(), *([self._sampler] if self._sampler is not None else [])):
            consumer.close()

    def _settings(self, group: str) -> dict[str, str | int | bool]:
        return {"bootstrap.servers": self._bootstrap, "group.id": group, "enable.auto.commit": False,
                "auto.offset.reset": "earliest"}  # fmt: skip

    def _committed(self, group: str) -> dict[int, int]:
        asked = [TopicPartition(self._topic, number) for number in self._partitions]
        return _offsets(self._consumers[group].committed(asked, timeout=ANSWER_SECS))

    def _bounds(self, which: int) -> dict[int, int]:
        asked = [TopicPartition(self._topic, number, which) for number in self._partitions]
        return _offsets(next(iter(self._consumers.values())).offsets_for_times(asked, timeout=ANSWER_SECS))


def _offsets(places: list[TopicPartition]) -> dict[int, int]:
    for place in places:
        if place.error is not None:
            raise KafkaException(place.error)
    return {place.partition: place.offset for place in places}


async def watch(brake: Brake, readers: Readers, written: Callable[[], Written], stop: asyncio.Event) -> None:
    """Let the brake judge once a second until `stop`; a broker that does not answer changes nothing."""
    silent, looks = False, 0
    try:
        while not stop.is_set():
            try:
                standing = await asyncio.to_thread(readers.look)
                others = brake.ledger.foreign >= FOREIGN_RECORDS and looks >= SAMPLE_LOOKS
                if brake.behind_octets is None or others:
                    brake.ledger.sample(await asyncio.to_thread(readers.sample))
                    looks = 0
                brake.judge(standing, written())
                silent, looks = False, looks + 1
            except KafkaException as error:
                if not silent:
                    log.warning("positions of readers are not known", error=str(error))
                silent = True
            try:
                await asyncio.wait_for(stop.wait(), LOOK_SECS)
            except TimeoutError:
                continue
    finally:
        await asyncio.to_thread(readers.close)
