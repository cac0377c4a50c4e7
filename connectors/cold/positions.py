"""How far workers and the sink are, asked of the broker. Blocks: call it in a thread."""

from __future__ import annotations

from collections.abc import Mapping

from confluent_kafka import Consumer, KafkaException, TopicPartition

from pipeline.errors import Transient
from pipeline.runtime.kafka_from_start import ANSWER_SECS


class Positions:
    """Ends of topics, and what groups have committed. Asking under a group's name does not make one its member."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._consumers: dict[str, Consumer] = {}

    def ends(self, topics: Mapping[str, int]) -> dict[tuple[str, int], int]:
        """(topic, partition) -> offset behind its last record, of topics with so many partitions."""
        consumer, found = self._of("kvarn-cold-ends"), {}
        for topic, count in topics.items():
            for partition in range(count):
                place = TopicPartition(topic, partition)
                try:
                    _, found[topic, partition] = consumer.get_watermark_offsets(place, timeout=ANSWER_SECS)
                except KafkaException as error:
                    raise _away(topic, error) from error
        return found

    def passed(self, group: str, wanted: Mapping[tuple[str, int], int]) -> bool:
        """Whether a group has committed these offsets, or later ones; a partition without records counts as passed."""
        asked = [TopicPartition(topic, partition) for (topic, partition), offset in wanted.items() if offset > 0]
        if not asked:
            return True
        try:
            found = self._of(group).committed(asked, timeout=ANSWER_SECS)
        except KafkaException as error:
            raise _away(group, error) from error
        return all(one.error is None and one.offset >= wanted[one.topic, one.partition] for one in found)

    def close(self) -> None:
        """Give the connections back."""
        for consumer in self._consumers.values():
            consumer.close()

    def _of(self, group: str) -> Consumer:
        if group not in self._consumers:
            self._consumers[group] = Consumer(
                {"bootstrap.servers": self._bootstrap, "group.id": group, "enable.auto.commit": False}
            )
        return self._consumers[group]


def _away(where: str, error: KafkaException) -> Transient:
    return Transient("POSITIONS_UNKNOWN", where=where, what=str(error), do="check the broker")
