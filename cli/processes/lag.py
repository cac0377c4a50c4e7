"""How far readers are behind: committed positions of groups against the ends of topics."""

from __future__ import annotations

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient

ADMIN_SECS = 30.0


class Lag:
    """Asks one broker."""

    def __init__(self, bootstrap: str) -> None:
        self._admin = AdminClient({"bootstrap.servers": bootstrap})
        self._consumer = Consumer(
            {"bootstrap.servers": bootstrap, "group.id": "kvarn-lag", "enable.auto.commit": False}
        )

    def ends(self, topic: str, partitions: int) -> dict[int, int]:
        """Partition -> offset behind its last record."""
        return {
            number: self._consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=ADMIN_SECS)[1]
            for number in range(partitions)
        }

    def committed(self, group: str, topic: str, partitions: int) -> dict[int, int]:
        """Partition -> committed position; -1 where there is none."""
        asked = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, number) for number in range(partitions)])
        future = self._admin.list_consumer_group_offsets([asked], request_timeout=ADMIN_SECS)[group]
        return {row.partition: max(row.offset, -1) for row in future.result(ADMIN_SECS).topic_partitions}

    def of(self, group: str, topic: str, partitions: int) -> int:
        """Records that the group has not committed."""
        ends, done = self.ends(topic, partitions), self.committed(group, topic, partitions)
        return sum(end - max(0, done.get(number, 0)) for number, end in ends.items())

    def close(self) -> None:
        """Give the connections back."""
        self._consumer.close()
