"""Options of messages that carry frames."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Form = Literal["octets", "hex", "base64", "json", "auto"]
DeviceForm = Literal["auto", "title", "number", "name"]

USUAL_FRAME_FIELDS = (
    "payload", "frame", "frames", "apdu", "pdu", "hex", "raw", "raw_data", "frm_payload", "base64", "dlms", "telegram",
    "message", "content", "body", "bytes", "data", "value",
)  # fmt: skip
USUAL_DEVICE_FIELDS = (
    "system_title", "device", "device_id", "meter", "meter_id", "meter_no", "meter_number", "meter_serial", "serial",
    "serial_number",
)  # fmt: skip


class Envelope(BaseModel):
    """Where JSON has frames, and the meter's name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    frames: tuple[str, ...] = Field(
        USUAL_FRAME_FIELDS, min_length=1, description="JSON: fields that hold a frame as text or list of octets, or a "
        "list of frames; the first that is there counts. In any case, with or without - and _; a field in another one "
        "as a.b; objects are searched from the outside in"
    )  # fmt: skip
    devices: tuple[str, ...] = Field(
        USUAL_DEVICE_FIELDS, description="JSON: fields that name the meter, for frames that do not, unless topic, key "
        "or header names it"
    )  # fmt: skip
    text: Literal["auto", "hex", "base64"] = Field("auto", description="JSON: what the text of a frame is")


class FrameMessages(BaseModel):
    """The options that say what messages look like that carry frames."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    payload: Form = Field(
        "octets", description="what a message is: the frame's octets, hex or base64 text of them, json, or auto: what "
        "it looks like. What is not of its form goes to `rejects`"
    )  # fmt: skip
    envelope: Envelope = Field(default_factory=lambda: Envelope(), description="fields of JSON")
    device: DeviceForm = Field(
        "auto", description="what names a meter where its frame does not: its system title (16 hexadecimal digits), "
        "the registry's number, a name of the file `names`, or auto: the first that fits, names first"
    )  # fmt: skip
    names: Path | None = Field(None, description="CSV file with columns name, device: others' names of meters")

    @model_validator(mode="after")
    def _named(self) -> FrameMessages:
        if self.device == "name" and self.names is None:
            raise ValueError("names: give the file, when devices have names")
        return self
