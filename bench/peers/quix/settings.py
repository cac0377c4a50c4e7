"""How the Quix Streams peer is set, by its documentation; plain values, readable without Quix Streams.

- State is in its own store, RocksDB with a changelog, by the message's key (Stateful Applications); as octets that are
  packed here, since that page offers `get_bytes` and `set_bytes` beside JSON, and JSON is slower.
- A checkpoint every 5 s, its default, and as often as Kvarn's in the case; at least once, its default and, as it says,
  the faster guarantee.
- Batching is librdkafka's (Advanced Kafka Configuration): large and compressed batches to the broker, large fetches.
"""

from __future__ import annotations

from typing import Any

APPLICATION: dict[str, Any] = {
    "auto_offset_reset": "earliest",
    "commit_interval": 5.0,
    "processing_guarantee": "at-least-once",
    "use_changelog_topics": True,
    "loglevel": "WARNING",
}
CONSUMER: dict[str, Any] = {
    "fetch.min.bytes": 65_536,
    "fetch.wait.max.ms": 100,
    "queued.min.messages": 100_000,
    "queued.max.messages.kbytes": 65_536,
}
PRODUCER: dict[str, Any] = {
    "linger.ms": 100,
    "batch.size": 1_048_576,
    "batch.num.messages": 10_000,
    "compression.type": "lz4",
    "queue.buffering.max.messages": 1_000_000,
}


def all_settings() -> dict[str, Any]:
    """For the report."""
    return {"application": APPLICATION, "consumer": CONSUMER, "producer": PRODUCER, "processes": 1}
