"""APDUs to messages: by their first octet to the module that reads their kind."""

from __future__ import annotations

from collections.abc import Callable

from agents.decode.single.association import (
    read_association,
    read_initiate_request,
    read_initiate_response,
    read_release,
)
from agents.decode.single.messages import Message
from agents.decode.single.names import APDU_NAMES
from agents.decode.single.notifications import read_data_notification, read_event_notification
from agents.decode.single.octets import MOST_APDU, FrameError, Reader, Section
from agents.decode.single.requests import read_action_request, read_get_request, read_set_request
from agents.decode.single.responses import (
    read_action_response,
    read_confirmed_service_error,
    read_exception,
    read_get_response,
    read_set_response,
)
from agents.decode.single.wrappings import read_block_transfer, read_gateway, read_signing

_READERS: dict[int, Callable[[Reader, Message], None]] = {
    0x01: read_initiate_request,
    0x08: read_initiate_response,
    0x0E: read_confirmed_service_error,
    0x0F: read_data_notification,
    0x60: read_association,
    0x61: read_association,
    0x62: read_release,
    0x63: read_release,
    0xC0: read_get_request,
    0xC1: read_set_request,
    0xC2: read_event_notification,
    0xC3: read_action_request,
    0xC4: read_get_response,
    0xC5: read_set_response,
    0xC7: read_action_response,
    0xD8: read_exception,
    0xDF: read_signing,
    0xE0: read_block_transfer,
    0xE6: read_gateway,
    0xE7: read_gateway,
}


def read_apdu(section: Section) -> Message:
    """The message of an APDU that is not ciphered; `fault` says what is wrong with it. Never raises."""
    tag = section.octets[0]
    message = Message(APDU_NAMES.get(tag, f"apdu {tag:02X}"))
    try:
        if len(section.octets) > MOST_APDU:
            raise FrameError("FRAME_TOO_LONG", f"{len(section.octets)} octets in one APDU")
        reader = Reader(section)
        reader.number(1, "APDU", APDU_NAMES)
        read = _READERS.get(tag)
        if read is None:
            known = f", {APDU_NAMES[tag]}, is not read" if tag in APDU_NAMES else ""
            raise FrameError("APDU_UNKNOWN", f"APDU {tag:02X}{known}")
        read(reader, message)
        reader.finish()
    except FrameError as error:
        message.fault = error
    return message
