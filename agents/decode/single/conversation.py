"""What frames of one call teach about those that come after: what was asked, object lists, scalers, titles.

A response does not say which attribute it holds; the request before it does. A meter's own object list (attribute 3 of
a profile, attribute 2 of a push setup) and scaler_unit come before any template.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from agents.decode.single.lists import is_scaler, object_definitions
from agents.decode.single.messages import Attribute, Message
from pipeline.axdr import Datum

Key = TypeVar("Key")
Value = TypeVar("Value")

MOST = 4096
"""Entries of each kind; the oldest gives way."""

PROFILE_CLASS, PUSH_CLASS = 7, 40
_SCALER_ATTRIBUTE = {3: 3, 4: 3, 5: 4}
"""Class -> its attribute scaler_unit."""

_ANSWERS = {"get-response": "get-request", "set-response": "set-request", "action-response": "action-request"}


@dataclass
class Conversation:
    """Learned so far. `columns`: logical name of a profile or push setup -> its objects; `scalers`: by OBIS code."""

    columns: dict[str, list[Attribute]] = field(default_factory=dict)
    scalers: dict[str, Datum] = field(default_factory=dict)
    _asked: dict[tuple[str, int], list[Attribute]] = field(default_factory=dict)

    def hear(self, message: Message) -> list[Attribute]:
        """Remember a request, or give the attributes that a response answers (empty: nobody asked)."""
        service = "-".join(message.name.split("-")[:2])
        invoke = message.details.get("invoke", 0)
        if service in _ANSWERS.values():
            attributes = [answer.attribute for answer in message.answers if answer.attribute is not None]
            if attributes:
                _keep(self._asked, (service, invoke), attributes)
            return []
        asked = _ANSWERS.get(service)
        if asked is None:
            return []
        return self._asked.pop((asked, invoke), [])

    def learn(self, attribute: Attribute, datum: Datum) -> None:
        """An attribute was read: object lists and scalers are kept."""
        if (attribute.class_id, attribute.number) in ((PROFILE_CLASS, 3), (PUSH_CLASS, 2)):
            objects = object_definitions(datum)
            if objects:
                _keep(self.columns, attribute.obis, objects)
        elif _SCALER_ATTRIBUTE.get(attribute.class_id) == attribute.number and is_scaler(datum):
            _keep(self.scalers, attribute.obis, datum)


def _keep(kept: dict[Key, Value], key: Key, value: Value) -> None:
    if key not in kept and len(kept) >= MOST:
        del kept[next(iter(kept))]
    kept[key] = value
