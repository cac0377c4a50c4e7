"""The plain record of rows that are older than the hot window."""

from __future__ import annotations

from pipeline.channels import CHANNELS
from schemas.common import DEVICE_DOC, ORIGIN
from schemas.fields import Field, Record, array, record

_COLD_ROW = record(
    "ColdRow",
    "A row of a profile as it was decoded, in the meter's own quantities: before the multiplying factor.",
    (
        Field("time", "long", "[s] Its stamp; a block's closes its interval; epoch seconds UTC."),
        Field("kind", "int", "pipeline.codes.Kind: 1 block load, 2 registers at a midnight."),
        Field("flags", "int", "Bits of pipeline.codes.Flag."),
        Field("counter", "long", "Invocation counter; 0 for plain frames."),
        Field("present", "long", "Bit n set: channel n of pipeline.channels is there."),
        *(
            Field(channel.name, "long", f"[{channel.unit}] {channel.doc}; 0 where it is not there.")
            for channel in CHANNELS
        ),
    ),
)

COLD_REQUEST = Record(
    "ColdRequest",
    "Rows of one service point, device and local day that came when the day had left the hot window. They change "
    "nothing until an answer comes, which is a record in the partition of frames that they came from. Copies do no "
    "harm.",
    (
        Field("service_point", "long", "Service point as of the rows' time; a positive id of the registry."),
        Field("device", "string", f"Device that sent them: {DEVICE_DOC}."),
        Field("day_start", "long", "[s] Local midnight that their day begins at, epoch seconds UTC."),
        Field("tick_time", "long", "[s] Time of the log at which they came, epoch seconds UTC."),
        Field("rows", array(_COLD_ROW), "The rows, in the order in which they came."),
        *ORIGIN,
    ),
)
