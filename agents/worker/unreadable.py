"""Records of the source that are none: put aside whole, so that whoever wrote one does not stop a partition for ever.

What a connector writes can be read, so such a record comes from elsewhere, or from another deployment. Its octets stay
in the log, and the reject says where. Many of them are a wrong deployment, not a stray producer: each weighs like a
record's usual frames in the fuse, which ends the process before long.
"""

from __future__ import annotations

from typing import Any

from agents.worker.poison import CODE, reject_topic
from pipeline.errors import ContractError
from pipeline.rejects import RAW_LIMIT
from pipeline.runtime.chain import Chain, Output, Outputs
from pipeline.step import Origin

WHOLE = -1
"""Number of the frame, when it is all of a record."""

RECORD_INDEX = 1 << 20
"""`source_index`; no step has seen the record, so nothing else is rejected of it."""

RECORD_FRAMES = 500
"""Frames that such a record counts for."""


def put_aside(chain: Chain, origin: Origin, raw: bytes, error: Exception) -> Outputs:
    """The reject of a record at which reading failed with `error`; the chain is past it then.

    Raises ContractError where there is nowhere to put it: between stages, where a record that is missing is a loss.
    """
    topic = reject_topic(chain)
    if chain.plan.reads != "FrameBatch" or topic is None:
        raise ContractError(
            "RECORD_UNREADABLE", where=f"{chain.plan.source.name}, partition {origin.partition}, offset "
            f"{origin.offset}", what=f"{type(error).__name__}: {error}", do="look at who writes to this topic",
        ) from error  # fmt: skip
    chain.position.applied = origin.offset
    value = chain.encode("Reject", _record(chain, origin, raw, error))
    identity = f"{chain.plan.topology}/worker/{origin.topic_id}/{origin.partition}/{origin.offset}/rejects"
    return [Output(topic, b"", value, None, RECORD_INDEX, f"{identity}/{RECORD_INDEX}", CODE, WHOLE)]


def _record(chain: Chain, origin: Origin, raw: bytes, error: Exception) -> dict[str, Any]:
    kind = error.code if isinstance(error, ContractError) else type(error).__name__
    return {
        "stage": "worker",
        "code": CODE,
        "parked": False,
        "topic": chain.plan.source.name,
        "partition": origin.partition,
        "offset": origin.offset,
        "frame": WHOLE,
        "service_point": 0,
        "device": "",
        # Of the log's time: nobody knows when it came.
        "received_at": chain.position.tick_time,
        "time": None,
        "detail": f"a record of {len(raw)} bytes that cannot be read: {kind}",
        "raw": raw[:RAW_LIMIT],
        "source_topic_id": origin.topic_id,
        "source_partition": origin.partition,
        "source_offset": origin.offset,
        "source_index": RECORD_INDEX,
    }
