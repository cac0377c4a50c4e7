"""Messages to values: whatever names its quantities, by itself, by an object list, or by a template."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from agents.decode.generic import whole_rows
from agents.decode.single import pushes
from agents.decode.single.clock import clock_octets, local_time, own_time
from agents.decode.single.conversation import Conversation
from agents.decode.single.described import Described
from agents.decode.single.lists import (
    note_stamp,
    object_definitions,
    put,
    put_attributes,
    read_by_objects,
    read_list,
)
from agents.decode.single.makers import read_maker, read_positional
from agents.decode.single.messages import Answer, Attribute, Message
from agents.decode.single.texts import value_of, whole
from agents.decode.single.word import word_of
from pipeline.axdr import ARRAY, BIT_STRING, COMPACT, CONTAINERS, STRUCTURE, Datum
from pipeline.axdr_compact import unpacked
from pipeline.events import ESW_BITS
from pipeline.templates import ALERT

BUFFER = "buffer"
"""Key of the rows of a profile that nothing names."""

_SERIALS = ("0.0.96.1.0.255", "0.0.42.0.0.255", "1.1.0.0.5.255", "0.0.96.1.2.255", "1.0.0.0.0.255")
"""Codes that hold the name of the meter; the first that is there."""

PROFILE_CLASS = 7
WORD_NAME = ALERT.columns[0].obis


@dataclass
class Content:
    """How values are named: `columns` and `period_secs` of profile rows as the caller knows them."""

    offset_secs: int
    columns: list[Attribute] = field(default_factory=list)
    period_secs: int = 0
    conversation: Conversation = field(default_factory=Conversation)

    def fill(self, message: Message, found: Described) -> None:
        """Put what `message` says into `found`; raises FrameError where only a part could be named."""
        if message.time:
            found.time, found.clock = own_time(message.time), message.time
        asked = self.conversation.hear(message)
        for number, answer in enumerate(message.answers):
            self._answer(message, answer, asked[number] if number < len(asked) else None, found)
        if found.device is None:
            found.device = next((str(found.values[code]) for code in _SERIALS if found.values.get(code)), None)

    def _answer(self, message: Message, answer: Answer, asked: Attribute | None, found: Described) -> None:
        attribute = answer.attribute or asked
        if answer.result is not None:
            found.details.setdefault("results", []).append(answer.result)
        if attribute is not None:
            found.details.setdefault("about", []).append(str(attribute))
        if answer.datum is None:
            return
        if attribute is not None:
            self._attribute(message, attribute, answer.datum, found)
            return
        if answer.datum.tag not in (*CONTAINERS, COMPACT):
            found.details.setdefault("value", value_of(answer.datum))
        before = len(found.values)
        try:
            self._unnamed(answer.datum, found)
        finally:
            if len(found.values) == before or (found.template is None and _is_push(answer.datum)):
                _keep_whole(found, answer.datum)

    def _attribute(self, message: Message, attribute: Attribute, datum: Datum, found: Described) -> None:
        if "request" not in message.name:
            self.conversation.learn(attribute, datum)
            if attribute.class_id == PROFILE_CLASS and attribute.number == 2 and datum.tag in (ARRAY, COMPACT):
                self._profile(attribute.obis, datum, found)
                return
        objects = object_definitions(datum)
        found.place(datum, str(attribute))
        note_stamp(found, attribute.obis, datum)
        if attribute.obis == WORD_NAME and datum.tag == BIT_STRING and datum.value[0] == ESW_BITS:
            found.word = word_of(datum)
        obis = attribute.obis if attribute.number == 2 else f"{attribute.obis}/{attribute.number}"
        value: Any = [str(item) for item in objects] if objects else value_of(datum)
        put(found, obis, value, self.conversation.scalers.get(attribute.obis) if attribute.number == 2 else None)

    def _profile(self, obis: str, datum: Datum, found: Described) -> None:
        columns = self.conversation.columns.get(obis) or self.columns
        rows = (unpacked(datum) if datum.tag == COMPACT else datum).value
        if columns:
            found.values[obis] = self._rows(rows, columns, found)
            return
        try:
            pushes.read_rows(rows, obis, found, self.offset_secs)
        finally:
            if not found.values:
                _keep_whole(found, datum)

    def _unnamed(self, datum: Datum, found: Described) -> None:
        """A Data of which nobody says what it is."""
        items = datum.value if datum.tag in CONTAINERS else []
        name = pushes.push_name(items)
        objects = self.conversation.columns.get(name or "")
        if name is not None and objects is not None and len(objects) == len(items):
            found.details["push"] = name
            self._by_learned(objects, items, found)
            found.device = found.device or str(value_of(items[0]))
        elif name is not None and pushes.is_known(name) and datum.tag == STRUCTURE and not self._names_itself(items):
            pushes.read_push(items, name, found, self.offset_secs)
        elif pushes.is_buffer(datum):
            rows = (unpacked(datum) if datum.tag == COMPACT else datum).value
            found.details["rows"] = len(rows)
            found.values[BUFFER] = self._rows(rows, self.columns, found)
        elif not read_by_objects(items, found) and not read_positional(items, found):
            read_list([datum], found)
            read_maker(items, found)
            if name is not None:
                found.details["push"] = name

    def _names_itself(self, items: list[Datum]) -> bool:
        trial = Described("")
        return read_by_objects(items, trial)

    def _by_learned(self, objects: list[Attribute], items: list[Datum], found: Described) -> None:
        found.template = {"name": "the meter's own object list", "version": 1, "verified": True}
        for attribute, datum in zip(objects, items, strict=True):
            octets = clock_octets(datum)
            if attribute.obis == "0.0.1.0.0.255" and octets is not None:
                indian = pushes.is_known(found.details["push"])
                found.time = local_time(octets, self.offset_secs) if indian else own_time(octets)
            self._attribute(Message("learned"), attribute, datum, found)

    def _rows(self, rows: list[Datum], columns: list[Attribute], found: Described) -> list[dict[str, Any]]:
        """Rows with what null-data stands for; columns are named by `columns`, or by their number."""
        told: list[dict[str, Any]] = []
        before: datetime | None = None
        for data in whole_rows(rows):
            octets = clock_octets(data[0])
            text = own_time(octets) if octets is not None else None
            if text is None and data[0].tag == 0 and before is not None:
                text = self._next(before)
            before = None if text is None else datetime.fromisoformat(text)
            row = Described(found.framing)
            if columns and len(columns) == len(data):
                pairs = [pair for pair in zip(columns, data, strict=True) if pair[0].obis != "0.0.1.0.0.255"]
                put_attributes(pairs, row)
                self._scale(row)
            else:
                row.values = {f"column {number}": value_of(item) for number, item in enumerate(data[1:], 2)}
            told.append({"time": text, **row.values})
            found.units.update(row.units)
            found.places.update(row.places)
        found.time = found.time or (told[0]["time"] if told else None)
        return told

    def _next(self, before: datetime) -> str | None:
        """The stamp a capture period later, where that is known."""
        try:
            return (before + timedelta(seconds=self.period_secs)).isoformat() if self.period_secs else None
        except OverflowError:
            return None

    def _scale(self, row: Described) -> None:
        for obis in list(row.values):
            scaler = self.conversation.scalers.get(obis)
            if scaler is not None:
                put(row, obis, row.values.pop(obis), scaler)


def _is_push(datum: Datum) -> bool:
    return datum.tag in (ARRAY, STRUCTURE) and pushes.push_name(datum.value) is not None


def _keep_whole(found: Described, datum: Datum) -> None:
    """The generic decode of what has no name; of several values a list."""
    told = whole(datum)
    if found.data is None:
        found.data = told
    elif isinstance(found.data, list):
        found.data.append(told)
    else:
        found.data = [found.data, told]
