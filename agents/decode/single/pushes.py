"""Indian pushes (IS 15959): device, logical name of the push setup, clock, columns; or the rows of a profile.

Templates of the hot path (`pipeline.templates`) are asked first, then those that only this decoder has (`profiles`).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from agents.decode.generic import scaled, whole_rows
from agents.decode.single.clock import clock_octets, local_time, status_names
from agents.decode.single.described import Described
from agents.decode.single.lists import is_obis
from agents.decode.single.names import EVENT_CODES
from agents.decode.single.octets import FrameError, dotted, malformed
from agents.decode.single.profiles import NAMEPLATE, PUSHES, SCALES, VERSION, Column, ProfileTemplate, fitting
from agents.decode.single.texts import number_of, text_of
from agents.decode.single.word import told_word, word_of
from pipeline.axdr import ARRAY, COMPACT, FLOATS, NOTHING, NUMBERS, STRUCTURE, Datum
from pipeline.axdr_compact import unpacked
from pipeline.channels import CHANNELS, SNAPSHOT
from pipeline.codes import Kind
from pipeline.templates import BIT_STRING, BOOLEAN, HEAD, PUSH_NAMES, TEMPLATES, TIMES, WORD, PushColumn, Template

HOT_PROFILES = {
    "1.0.99.1.0.255": Kind.BLOCK, "1.0.99.2.0.255": Kind.DAILY, "1.0.94.91.0.255": Kind.INSTANT,
}  # fmt: skip
_BASE = {"mV": "V", "mA": "A", "mHz": "Hz", "1/1000": "1"}
_QUANTITIES = {channel.name: (channel.unit, channel.scale) for channel in CHANNELS}
_QUANTITIES |= {field.name: (field.unit, field.scale) for field in SNAPSHOT}
_HOT_PUSHES = {dotted(bytes(name)): kind for kind, name in PUSH_NAMES.items()}
_EVENT_CODE = "0.0.96.11."


def push_name(items: Sequence[Datum]) -> str | None:
    """The logical name of a push setup in the second place (x.25.9.0.255)."""
    found = dotted(items[1].value) if len(items) > 1 and is_obis(items[1]) else ""
    return found if found.endswith(".25.9.0.255") else None


def is_known(name: str | None) -> bool:
    """A push of IS 15959."""
    return name in _HOT_PUSHES or name in PUSHES


def read_push(items: list[Datum], name: str, found: Described, offset_secs: int) -> None:
    """The values of a push; raises FrameError where no template fits, or the clock cannot be used."""
    if found.device is None:
        found.device = str(text_of(items[0].value)) if isinstance(items[0].value, bytes) else None
    found.details["push"] = name
    found.profile = PUSHES.get(name, "")
    if len(items) == 2:
        return
    rows = _rows(items[2]) if len(items) == HEAD and name != "0.4.25.9.0.255" else None
    if rows is not None:
        read_rows(rows, PUSHES[name], found, offset_secs)
        return
    if PUSHES.get(name) == NAMEPLATE and clock_octets(items[2]) is None:
        _read_columns(PUSHES[name], items[2:], found, offset_secs)
        return
    octets = clock_octets(items[2])
    found.time = local_time(octets, offset_secs) if octets is not None else None
    if octets is None or found.time is None:
        raise FrameError("CLOCK_UNUSABLE", "the stamp is not a time")
    _note_status(octets, found)
    found.clock = octets
    profile = PUSHES.get(name, "")
    try:
        _read_columns(profile, items[HEAD:], found, offset_secs, _HOT_PUSHES.get(name))
    except FrameError:
        # A billing push may count its date among the columns.
        if not profile.startswith("1.0.98."):
            raise
        found.values.clear()
        found.measured.clear()
        found.stamps.clear()
        _read_columns(profile, items[2:], found, offset_secs)


def _note_status(octets: bytes, found: Described) -> None:
    names = status_names(octets[11])
    if names:
        found.details["clock_status"] = names


def _rows(datum: Datum) -> list[Datum] | None:
    """Rows of a profile's buffer."""
    if datum.tag == COMPACT:
        datum = unpacked(datum)
    return datum.value if datum.tag == ARRAY else None


def read_rows(rows: list[Datum], profile: str, found: Described, offset_secs: int) -> None:
    """The buffer of a profile, a dictionary a row under its logical name; raises FrameError.

    How long the meter's intervals are the frame does not say: a row whose clock is null-data has no time.
    """
    told: list[dict[str, Any]] = []
    found.profile = profile
    for data in whole_rows(rows):
        row = Described(found.framing)
        found.rows.append(row)
        if profile == NAMEPLATE or profile.startswith("1.0.98."):
            _read_columns(profile, data, row, offset_secs)
            told.append(row.values)
        else:
            octets = clock_octets(data[0])
            row.time = None if octets is None else local_time(octets, offset_secs)
            row.clock = octets or b""
            _read_columns(profile, data[1:], row, offset_secs, HOT_PROFILES.get(profile))
            told.append({"time": row.time, **row.values})
        if "event" in row.details:
            told[-1]["event"] = row.details["event"]
        found.units.update(row.units)
        found.places.update(row.places)
        found.template = row.template
    if not told:
        raise FrameError("TEMPLATE_UNKNOWN", "a profile without rows")
    found.time = found.time or told[0].get("time") or told[0].get("0.0.0.1.2.255")
    found.values[profile] = told
    if found.time is None and profile != NAMEPLATE:
        raise FrameError("CLOCK_UNUSABLE", "the first row has no time")


def _read_columns(
    profile: str, data: list[Datum], found: Described, offset_secs: int, kind: Kind | None = None
) -> None:
    hot, others = fitting_template(kind, data)
    if hot is not None and kind is not None:
        push = hot.push(kind)
        assert push is not None
        found.template = {
            "name": hot.name, "version": VERSION, "category": hot.category, "verified": hot.verified,
            **({"fits_too": others} if others else {}),
        }  # fmt: skip
        for column, datum in zip(push.columns, data, strict=False):
            found.place(datum, column.obis)
            _put_hot(column, datum, found, offset_secs)
        return
    billed = profile.startswith("1.0.98.") and data and clock_octets(data[0]) is not None
    template, others = fitting(profile, data[1:] if billed else data)
    if template is None:
        raise FrameError(
            "TEMPLATE_UNKNOWN", f"no template for {len(data)} columns of {profile or found.details['push']}"
        )
    found.template = _told_template(template, others)
    if billed:
        octets = clock_octets(data[0])
        found.stamps["0.0.0.1.2.255"] = octets or b""
        found.values["0.0.0.1.2.255"] = None if octets is None else local_time(octets, offset_secs)
        data = data[1:]
    for put, datum in zip(template.columns, data, strict=False):
        found.place(datum, put.name)
        _put(put, datum, found, offset_secs)


def _told_template(template: ProfileTemplate, others: list[str]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "name": template.name, "version": template.version, "category": template.category,
        "verified": template.verified, "source": template.source,
    }  # fmt: skip
    return told | {"fits_too": others} if others else told


def fits(column: PushColumn, datum: Datum) -> bool:
    """The datum is of the kind that the column takes."""
    if datum.tag in NOTHING or not column.target:
        return True
    if column.target == WORD:
        return datum.tag == BIT_STRING and datum.value[0] == 128
    if column.target in TIMES:
        return clock_octets(datum) is not None
    return datum.tag in NUMBERS or datum.tag in FLOATS


def fitting_template(kind: Kind | None, columns: list[Datum]) -> tuple[Template | None, list[str]]:
    """(the model whose push fits best, names of those that fit too and would call the columns otherwise).

    Best: most tags as that model sends them, then the lower template number.
    """
    found: list[tuple[int, Template, list[str]]] = []
    for template in TEMPLATES:
        push = None if kind is None else template.push(kind)
        if push is None or not push.required <= len(columns) <= len(push.columns):
            continue
        pairs = list(zip(push.columns, columns, strict=False))
        if all(fits(column, datum) for column, datum in pairs):
            same = sum(column.tag == datum.tag for column, datum in pairs)
            found.append((-same, template, [column.obis for column, _ in pairs]))
    found.sort(key=lambda item: item[0])
    if not found:
        return None, []
    return found[0][1], [template.name for _, template, names in found[1:] if names != found[0][2]]


def _put_hot(column: PushColumn, datum: Datum, found: Described, offset_secs: int) -> None:
    unit, scale = _QUANTITIES.get(column.target, ("", 0))
    obis = f"{column.obis}/5" if column.target in TIMES and column.target != "billing_time" else column.obis
    value: Any = None
    if column.target == WORD and datum.tag == BIT_STRING:
        value = told_word(word_of(datum), found)
    elif column.target in TIMES:
        octets = clock_octets(datum)
        value = None if octets is None else local_time(octets, offset_secs)
    elif datum.tag in NUMBERS or datum.tag in FLOATS:
        number = scaled(datum, column)
        value = number if number is None or scale == 0 else number / 10**scale
    found.values[obis] = value
    if unit and column.target not in TIMES:
        found.units[obis] = _BASE.get(unit, unit)


def _put(column: Column, datum: Datum, found: Described, offset_secs: int) -> None:
    value: Any = None
    if datum.tag in NOTHING:
        pass
    elif column.quantity == "time":
        octets = clock_octets(datum)
        found.stamps[column.name] = octets or b""
        value = None if octets is None else local_time(octets, offset_secs)
    elif column.quantity == "text":
        value = text_of(datum.value)
    elif column.quantity == "bits":
        value = told_word(word_of(datum), found)
    else:
        unit, integer, floating = SCALES[column.quantity]
        value = number_of(datum)
        if isinstance(value, str):
            raise malformed(f"{value} in {column.obis}")
        power = floating if datum.tag in FLOATS else integer
        shifted = Decimal(str(int(value) if datum.tag == BOOLEAN else value)).scaleb(power)
        found.measured[column.name] = (shifted, unit)
        if power:
            value = int(shifted) if shifted == shifted.to_integral_value() else float(shifted)
        if unit:
            found.units[column.name] = unit
    found.values[column.name] = value
    if column.obis.startswith(_EVENT_CODE) and isinstance(value, int):
        found.details["event"] = EVENT_CODES.get(value, "a maker's own")


def is_buffer(datum: Datum) -> bool:
    """An array of structures that begin with a date-time: rows of some profile."""
    rows = _rows(datum)
    return bool(rows) and all(row.tag == STRUCTURE and row.value for row in rows or []) and (
        clock_octets((rows or [])[0].value[0]) is not None
    )  # fmt: skip
