"""A frame put aside, as a record of the topics `rejects` and `parked`."""

from __future__ import annotations

from typing import Any

from connectors.gather.gatherer import Aside
from pipeline.codes import REJECT_BY_NUMBER

RAW_OCTETS = 65_536


def reject_record(aside: Aside, connector: str, index: int = 0) -> dict[str, Any]:
    """The record of schema Reject; it comes from no log, so its origin is empty."""
    row = REJECT_BY_NUMBER[aside.number]
    topic, partition, offset = aside.source or (connector, -1, -1)
    return {
        "stage": "connector",
        "code": row.code,
        "parked": row.parked,
        "topic": topic,
        "partition": partition,
        "offset": offset,
        "frame": -1,
        "service_point": 0,
        "device": f"{aside.device:016X}" if aside.device else "",
        "received_at": aside.received_at,
        "time": None,
        "detail": aside.detail or row.meaning,
        "raw": aside.raw[:RAW_OCTETS],
        "source_topic_id": "",
        "source_partition": -1,
        "source_offset": -1,
        "source_index": index,
    }
