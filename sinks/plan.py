"""Plans of blocks, as metadata of an offset commit: what a sink is about to write, before it writes it.

A commit at offset n says: everything below n is in the warehouse. Its metadata has the origins seen by then and, while
a block is being written, the last offset of the block's part of this partition. After a crash the next owner reads the
same ranges with the same origins, and so makes the same block with the same token.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import zlib
from dataclasses import dataclass

from pipeline.errors import Fatal
from sinks.origins import Origins
from sinks.records import Block

MAX_METADATA = 4_000
"""Bytes; Kafka's `offset.metadata.max.bytes` is 4,096 unless someone made it smaller."""

PACKED = "z:"


@dataclass(frozen=True)
class Mark:
    """What a sink knows at the offset that it commits; `log` is the id of the topic.

    `planned` ends the part of a planned block, and `block` is a checksum of that block's token: with it a plan of which
    not all partitions are there any more is noticed. `place` stands for where the blocks below the offset were written.
    """

    log: str
    origins: Origins
    planned: int | None = None
    block: str = ""
    place: str = ""


def write_mark(mark: Mark) -> str:
    """At most MAX_METADATA bytes; raises Fatal when the origins do not fit."""
    value = {"log": mark.log, "origins": mark.origins.packed(), "to": mark.planned, "block": mark.block}
    if mark.place:
        value["at"] = mark.place
    text = json.dumps(value, separators=(",", ":"))
    if len(text) > MAX_METADATA:
        # One topic that thousands of partitions write to: rare, so plain JSON stays the form that a person can read.
        text = PACKED + base64.b64encode(zlib.compress(text.encode(), 9)).decode()
    if len(text) > MAX_METADATA:
        raise Fatal(
            "PLAN_TOO_LONG",
            where=f"topic {mark.log}",
            what=f"the origins of {len(mark.origins.seen)} source partitions need {len(text)} bytes",
            do="spread the topic over more partitions, so that each has fewer sources",
        )
    return text


def read_mark(text: str, where: str) -> Mark | None:
    """The inverse; None for a commit without metadata. Raises Fatal for metadata of someone else."""
    if not text:
        return None
    try:
        plain = zlib.decompress(base64.b64decode(text.removeprefix(PACKED))).decode() if text[:2] == PACKED else text
        value = json.loads(plain)
        return Mark(value["log"], Origins.unpacked(value["origins"]), value["to"], value["block"], value.get("at", ""))
    except (ValueError, KeyError, TypeError, zlib.error, binascii.Error) as error:
        raise Fatal(
            "PLAN_UNREADABLE",
            where=where,
            what="the committed metadata is not a sink's",
            do="give this sink a consumer group of its own",
        ) from error


@dataclass(frozen=True)
class Position:
    """One offset to commit, with its metadata."""

    topic: str
    partition: int
    offset: int
    metadata: str


def checksum(token: str) -> str:
    """16 hexadecimal digits that stand for a token in a mark."""
    return hashlib.sha256(token.encode()).hexdigest()[:16]


def before(block: Block, place: str = "") -> list[Position]:
    """The commits that announce a block."""
    name = checksum(block.token)
    return [
        Position(
            block.topic, part.partition, part.first, write_mark(Mark(block.log, part.before, part.last, name, place))
        )
        for part in block.parts
    ]


def after(block: Block, place: str = "") -> list[Position]:
    """The commits that say that a block is written."""
    return [
        Position(block.topic, part.partition, part.last + 1, write_mark(Mark(block.log, part.after, place=place)))
        for part in block.parts
    ]
