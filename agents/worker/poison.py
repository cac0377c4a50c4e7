"""Poison frames: those at which a step fails. Found by halves on copies of the state, then rejected one by one.

Pure: what is tried, and what comes of it, depends on the record and the state before it only, so a replay rejects the
same frames.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

import numpy as np

from pipeline.batch import FrameBatch
from pipeline.errors import Fatal, KvarnError
from pipeline.rejects import RAW_LIMIT
from pipeline.retry import marked
from pipeline.runtime.chain import Chain, Output, OutputRun, Outputs, RejectRun
from pipeline.step import Parcel

OF_THE_MACHINE = (MemoryError, OSError)
NOT_POISON = (KvarnError, *OF_THE_MACHINE)
"""Errors of a step that do not lie in the record: the process ends by them, and the next start tries it again."""

CODE = "POISON"

FIRST_INDEX = 1 << 20
"""`source_index` of poison frames starts here, behind the rejects of the steps."""


def take_without_poison(chain: Chain, parcel: Parcel, error: Exception) -> tuple[Chain, Outputs]:
    """Apply a parcel at which a step failed with `error`, without the frames that it fails at.

    `chain` is as before the parcel, and stays so. Returns the chain after it, and the outputs: those of the steps, then
    a reject for each poison frame. Raises Fatal when no frame is to blame.
    """
    batch = parcel.batch
    if not isinstance(batch, FrameBatch):
        raise _unclear(chain, parcel, error, "the record holds no frames") from error
    bad = by_halves(list(range(len(batch.length))), lambda frames: _try(chain, parcel, frames)[2] is not None)
    if not bad:
        raise _unclear(chain, parcel, error, "no frame fails by itself") from error
    after, outputs, second = _try(chain, parcel, others(batch, bad))
    if second is not None:
        raise _unclear(chain, parcel, second, f"it fails without the frames {bad} as well") from second
    # The message of an error may hold what was decrypted; its kind does not.
    return after, reported(chain, parcel, outputs, bad, f"a step failed with {type(error).__name__}")


def by_halves(frames: list[int], fails: Callable[[list[int]], bool]) -> list[int]:
    """Of `frames` those that fail by themselves; `fails` tries some without all others."""
    if not frames or not fails(frames):
        return []
    if len(frames) == 1:
        return frames
    middle = len(frames) // 2
    return by_halves(frames[:middle], fails) + by_halves(frames[middle:], fails)


def others(batch: FrameBatch, bad: Collection[int]) -> list[int]:
    """The frames of a batch but those in `bad`."""
    chosen = set(bad)
    return [frame for frame in range(len(batch.length)) if frame not in chosen]


def only(parcel: Parcel, frames: list[int]) -> Parcel:
    """The parcel with its other frames emptied: numbers of frames stay as they are in the log."""
    batch = parcel.batch
    if not isinstance(batch, FrameBatch):
        return parcel
    keep = np.zeros(len(batch.length), np.bool_)
    keep[frames] = True
    # The lengths of a broken record may reach beyond its octets.
    octets = np.flatnonzero(np.repeat(keep, batch.length)[: len(batch.payload)])
    length = np.where(keep, batch.length, 0).astype(batch.length.dtype)
    return replace(parcel, batch=replace(batch, length=length, payload=batch.payload[octets]))


def reported(chain: Chain, parcel: Parcel, outputs: Outputs, bad: Collection[int], detail: str) -> Outputs:
    """What the steps made of a parcel whose frames `bad` were emptied for them, and a reject for each of these."""
    # A step rejects the frames that were emptied for it; what is wrong with them is said once.
    kept = [kept for output in outputs for kept in _without(output, bad)]
    # Frames may be found in two ways. Sinks drop what comes behind a larger index of the same origin as a copy.
    return sorted(kept + _rejects(chain, parcel, bad, detail), key=_index_of_poison)


def _without(output: Output | OutputRun, bad: Collection[int]) -> Outputs:
    """An output without the rejects of the frames `bad`."""
    if isinstance(output, RejectRun):
        run = output.without(bad)
        return [run] if len(run.values) else []
    if isinstance(output, OutputRun):
        return [output]
    return [] if output.code and output.frame in bad else [output]


def _index_of_poison(output: Output | OutputRun) -> int:
    return output.index if isinstance(output, Output) and output.code == CODE else 0


def reject_topic(chain: Chain) -> str | None:
    """Where rejects of the chain's stages go; None when they are not kept."""
    names = [topic.name for stage in chain.plan.stages for name, topic in stage.emits.items() if name == "rejects"]
    return names[0] if names else None


def _try(chain: Chain, parcel: Parcel, frames: list[int]) -> tuple[Chain, Outputs, Exception | None]:
    twin = chain.twin()
    try:
        return twin, twin.advance(only(parcel, frames)), None
    except NOT_POISON:
        raise
    except Exception as error:  # noqa: BLE001  a step may fail in any way: that is what is looked for
        return twin, [], error


def _rejects(chain: Chain, parcel: Parcel, bad: Collection[int], detail: str) -> Outputs:
    batch = parcel.batch
    assert isinstance(batch, FrameBatch)
    topic = reject_topic(chain)
    if topic is None:
        return []
    ends = np.cumsum(batch.length)
    origin = parcel.origin
    identity = f"{chain.plan.topology}/worker/{origin.topic_id}/{origin.partition}/{origin.offset}/rejects"
    made: Outputs = []
    for frame in bad:
        end = int(ends[frame])
        octets = batch.payload[end - int(batch.length[frame]) : end].tobytes()
        record = _record(chain, parcel, batch, frame, octets, detail)
        value, index = chain.encode("Reject", record), FIRST_INDEX + frame
        key = record["device"].encode()
        made.append(Output(topic, key, value, None, index, f"{identity}/{index}", record["code"], frame))
    return made


def _record(chain: Chain, parcel: Parcel, batch: FrameBatch, frame: int, octets: bytes, detail: str) -> dict[str, Any]:
    origin = parcel.origin
    return {
        "stage": "worker",
        "code": CODE,
        "parked": False,
        "topic": chain.plan.source.name,
        "partition": origin.partition,
        "offset": origin.offset,
        "frame": frame,
        "service_point": int(batch.service_point[frame]),
        "device": f"{int(batch.device[frame]):016X}",
        "received_at": int(batch.received_at[frame]),
        "time": None,
        "detail": detail + (marked(int(parcel.requeued[frame])) if parcel.requeued is not None else ""),
        "raw": octets[:RAW_LIMIT],
        "source_topic_id": origin.topic_id,
        "source_partition": origin.partition,
        "source_offset": origin.offset,
        "source_index": FIRST_INDEX + frame,
    }


def _unclear(chain: Chain, parcel: Parcel, error: Exception, what: str) -> Fatal:
    return Fatal(
        "STEP_FAILED",
        where=f"{chain.plan.name}, partition {parcel.origin.partition}, offset {parcel.origin.offset}",
        what=f"{type(error).__name__}: {error}; {what}",
        do="report it; the version before goes on from the checkpoint",
    )
