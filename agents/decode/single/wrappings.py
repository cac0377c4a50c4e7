"""APDUs around other APDUs without ciphering: general-block-transfer, general-signing, gateways."""

from __future__ import annotations

from agents.decode.single.messages import Block, Message
from agents.decode.single.octets import FrameError, Reader

BLOCK_TRANSFER = 0xE0
LAST_BLOCK, STREAMING, WINDOW = 0x80, 0x40, 0x3F


def read_block_transfer(reader: Reader, message: Message) -> None:
    """E0, control (80 last), number u16, acknowledged u16, length, block."""
    reader.code = "FRAME_TRUNCATED"
    control = reader.number(1, "block control", _control_words)
    number = reader.number(2, "block number")
    acknowledged = reader.number(2, "block number acknowledged")
    length = reader.length("length of the block")
    if length != reader.left:
        raise FrameError("FRAME_TRUNCATED", f"block {number} is not of its length")
    octets = reader.take(length, "block", "see below")
    last = bool(control & LAST_BLOCK)
    message.details |= {
        "block_number": number, "acknowledged": acknowledged, "last": last, "window": control & WINDOW,
        "streaming": bool(control & STREAMING),
    }  # fmt: skip
    message.block = Block(BLOCK_TRANSFER, 0, number, last, octets, apdu=True)


def _control_words(control: int) -> str:
    words = [word for bit, word in ((LAST_BLOCK, "last"), (STREAMING, "streaming")) if control & bit]
    return ", ".join([*words, f"window {control & WINDOW}"])


def read_signing(reader: Reader, message: Message) -> None:
    """DF, five octet strings, content, signature. The signature is not verified; the content is read."""
    fields = {
        name: reader.octet_string(name.replace("_", " ")).hex().upper()
        for name in ("transaction", "originator", "recipient", "date_time", "other")
    }
    length = reader.length("length of the content")
    message.inner = reader.take(length, "content", "see below")
    signature = reader.octet_string("signature")
    curves = {64: "P-256", 96: "P-384"}
    message.details["signing"] = {
        **fields, "signature": signature.hex().upper(), "curve": curves.get(len(signature), "unknown"),
        "verified": False,
    }  # fmt: skip


def read_gateway(reader: Reader, message: Message) -> None:
    """E6, E7, network id, physical device address, then the APDU."""
    message.details["gateway"] = {
        "network": reader.number(1, "network id"),
        "address": reader.octet_string("physical device address").hex().upper(),
    }
    message.inner = reader.take(reader.left, "APDU", "see below")
