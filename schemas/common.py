"""Fields that several plain records have: where a record comes from, the device, flags, whether it can still change."""

from __future__ import annotations

from pipeline.codes import Flag
from schemas.fields import Field

ORIGIN = (
    Field("source_topic_id", "string", "Id of the log that this record was made from; empty when it came from no log."),
    Field("source_partition", "int", "Partition of that log; -1 when none."),
    Field("source_offset", "long", "Offset of the record in that log which gave rise to this one; -1 when none."),
    Field(
        "source_index",
        "int",
        "Place among the records that this offset gave rise to in the same output, from 0. Two records with the same "
        "topic id, partition, offset and index are copies.",
    ),
)

STATE = (
    ("PROVISIONAL", "may still change as late readings arrive"),
    ("FINAL", "the hot window is closed; only a correction changes it"),
)

DEVICE_DOC = "DLMS system title as 16 hexadecimal digits, upper case"
REPORTER = Field("device", "string", f"Device that reported it: {DEVICE_DOC}.")
FLAGS = Field(
    "flags",
    "int",
    # DISCARDED and SHADOW are said of readings alone.
    "Bits of pipeline.codes.Flag: "
    + ", ".join(f"{int(flag)} {(flag.name or '').lower()}" for flag in Flag if flag < Flag.DISCARDED)
    + ".",
)
