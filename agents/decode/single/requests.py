"""Requests of a client: GET, SET, ACTION (normal, list, blocks). They say what a response answers."""

from __future__ import annotations

from agents.decode.single.messages import Answer, Attribute, Message
from agents.decode.single.notifications import take_datum
from agents.decode.single.octets import Reader
from agents.decode.single.responses import take_block, take_count, take_kind

GET, SET, ACTION = 0xC0, 0xC1, 0xC3
_GET_KINDS = {1: "normal", 2: "next", 3: "with-list"}
_SET_KINDS = {
    1: "normal", 2: "with-first-datablock", 3: "with-datablock", 4: "with-list", 5: "with-list-and-first-datablock",
}  # fmt: skip
_ACTION_KINDS = {
    1: "normal", 2: "next-pblock", 3: "with-list", 4: "with-first-pblock", 5: "with-list-and-first-pblock",
    6: "with-pblock",
}  # fmt: skip


def _attribute(reader: Reader, what: str = "attribute") -> Attribute:
    return Attribute(reader.number(2, "class"), reader.name(), reader.number(1, what, signed=True))


def _selected(reader: Reader) -> Answer:
    """An attribute with its selective access, whose parameters are told as its value."""
    attribute = _attribute(reader)
    if not reader.number(1, "access selection", {0: "absent", 1: "present"}):
        return Answer(attribute)
    reader.number(1, "access selector", {1: "range", 2: "entry"})
    return Answer(attribute, take_datum(reader))


def _data(reader: Reader, attributes: list[Answer]) -> list[Answer]:
    """As many Data as there are attributes, in their order."""
    return [Answer(asked.attribute, take_datum(reader)) for asked in attributes[: take_count(reader)]]


def read_get_request(reader: Reader, message: Message) -> None:
    """C0."""
    kind = take_kind(reader, message, _GET_KINDS)
    if kind == 2:
        message.details["block_number"] = reader.number(4, "block number")
        return
    message.answers = [_selected(reader) for _ in range(take_count(reader) if kind == 3 else 1)]


def read_set_request(reader: Reader, message: Message) -> None:
    """C1."""
    kind = take_kind(reader, message, _SET_KINDS)
    asked = []
    if kind != 3:
        asked = [_selected(reader) for _ in range(take_count(reader) if kind in (4, 5) else 1)]
        message.details["attributes"] = [str(answer.attribute) for answer in asked]
    if kind in (2, 3, 5):
        take_block(reader, message, SET, choice=False)
    elif kind == 4:
        message.answers = _data(reader, asked)
    else:
        message.answers = [Answer(asked[0].attribute, take_datum(reader))]


def read_action_request(reader: Reader, message: Message) -> None:
    """C3."""
    kind = take_kind(reader, message, _ACTION_KINDS)
    asked = []
    if kind in (1, 3, 4, 5):
        asked = [Answer(_attribute(reader, "method")) for _ in range(take_count(reader) if kind in (3, 5) else 1)]
        message.details["methods"] = [str(answer.attribute) for answer in asked]
    if kind == 2:
        message.details["block_number"] = reader.number(4, "block number")
    elif kind in (4, 5, 6):
        take_block(reader, message, ACTION, choice=False)
    elif kind == 3:
        message.answers = _data(reader, asked)
    elif reader.number(1, "parameters", {0: "absent", 1: "present"}):
        message.answers = [Answer(asked[0].attribute, take_datum(reader))]
    else:
        message.answers = asked
