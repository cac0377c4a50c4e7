"""Quality codes of NEM12, ESPI and IES, out and in.

What comes in from other systems is a substitute of theirs (method HEAD_END) in a reading; `*_in` says which of our
methods it corresponds to. Sources: AEMO Meter Data File Format (quality flag, method), NAESB ESPI (quality of reading),
IES MeterData v0.6 (validationStatus, source, changeMethod).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from agents.vee.estimate.methods import BY_METHOD, TABLE
from pipeline.codes import Method, Quality

NEM12_TYPES: dict[int, tuple[Quality, Method]] = {
    11: (Quality.ESTIMATED, Method.CHECK_METER),
    12: (Quality.DERIVED, Method.NONE),
    13: (Quality.ESTIMATED, Method.HEAD_END),
    14: (Quality.ESTIMATED, Method.NEAR_DAY),
    15: (Quality.ESTIMATED, Method.LIKE_DAY),
    16: (Quality.MANUAL, Method.AGREED),
    17: (Quality.ESTIMATED, Method.LINEAR),
    18: (Quality.MANUAL, Method.HEAD_END),
    19: (Quality.ESTIMATED, Method.OUTAGE),
    51: (Quality.ESTIMATED, Method.PREVIOUS_PERIOD),
    52: (Quality.ESTIMATED, Method.PREVIOUS_PERIOD),
    54: (Quality.ESTIMATED, Method.LINEAR),
    55: (Quality.MANUAL, Method.AGREED),
    57: (Quality.ESTIMATED, Method.CLASS_PROFILE),
    58: (Quality.ESTIMATED, Method.OUTAGE),
    61: (Quality.ESTIMATED, Method.PREVIOUS_PERIOD),
    62: (Quality.ESTIMATED, Method.PREVIOUS_PERIOD),
    63: (Quality.ESTIMATED, Method.CLASS_PROFILE),
    64: (Quality.MANUAL, Method.AGREED),
    65: (Quality.ESTIMATED, Method.REGISTER),
    67: (Quality.MANUAL, Method.HEAD_END),
    68: (Quality.ESTIMATED, Method.OUTAGE),
}
"""Substitution type -> what it is here; another one (53, 56, 66, 71 to 75 ...) is an estimate of its sender."""

ESPI_IN: dict[int, tuple[Quality, Method]] = {
    0: (Quality.ACTUAL, Method.NONE),
    7: (Quality.MANUAL, Method.AGREED),
    8: (Quality.ESTIMATED, Method.LIKE_DAY),
    9: (Quality.ESTIMATED, Method.LINEAR),
    10: (Quality.SUSPECT, Method.NONE),
    11: (Quality.DERIVED, Method.NONE),
    12: (Quality.ESTIMATED, Method.HEAD_END),
    13: (Quality.SUSPECT, Method.NONE),
    14: (Quality.ACTUAL, Method.NONE),
    15: (Quality.ESTIMATED, Method.HEAD_END),
    16: (Quality.ESTIMATED, Method.HEAD_END),
    17: (Quality.ACTUAL, Method.NONE),
    18: (Quality.ACTUAL, Method.NONE),
    19: (Quality.ACTUAL, Method.NONE),
}
"""Quality of reading -> what it is here; 1 to 6 are reserved."""

NEM12_CODE = re.compile(r"(?P<flag>[ASFEN])(?P<type>\d\d)?", re.IGNORECASE)


class IesQuality(NamedTuple):
    """Of one interval: validationStatus, source, changeMethod (empty: not changed)."""

    validation_status: str
    source: str
    change_method: str = ""


def nem12_out(quality: Quality, method: Method = Method.NONE, final: bool = False) -> str:
    """QualityMethod of an interval: A, N, or S (F when final) and the substitution type."""
    if quality is Quality.ACTUAL:
        return "A"
    if quality in (Quality.MISSING, Quality.ABSENT, Quality.SUSPECT):
        return "N"
    flag = "F" if final else "S"
    row = BY_METHOD.get(method)
    if row is not None:
        return f"{flag}{row.nem12}"
    return f"{flag}{12 if quality is Quality.DERIVED else 16 if quality is Quality.MANUAL else 18}"


def nem12_in(code: str) -> tuple[Quality, Method] | None:
    """What a QualityMethod says; None: no such code (V, which varies, is none)."""
    found = NEM12_CODE.fullmatch(code.strip())
    if found is None:
        return None
    flag = found["flag"].upper()
    if flag in "AN":
        return (Quality.ACTUAL if flag == "A" else Quality.MISSING, Method.NONE) if found["type"] is None else None
    if flag == "E" or found["type"] is None:
        return Quality.ESTIMATED, NEM12_TYPES.get(int(found["type"] or 0), (Quality.ESTIMATED, Method.HEAD_END))[1]
    return NEM12_TYPES.get(int(found["type"]), (Quality.ESTIMATED, Method.HEAD_END))


def espi_out(quality: Quality, method: Method = Method.NONE, billed: bool = False) -> int | None:
    """Quality of reading; None: there is nothing to send. `billed`: of revenue quality."""
    if quality is Quality.ACTUAL:
        return 19 if billed else 17
    if quality is Quality.SUSPECT:
        return 10
    if quality in (Quality.MISSING, Quality.ABSENT):
        return None
    row = BY_METHOD.get(method)
    if row is not None:
        return row.espi
    return {Quality.MANUAL: 7, Quality.DERIVED: 11}.get(quality, 16)


def espi_in(code: int) -> tuple[Quality, Method] | None:
    """What a quality of reading says; None: reserved or unknown."""
    return ESPI_IN.get(code)


def ies_out(quality: Quality, method: Method = Method.NONE) -> IesQuality | None:
    """Status, source and change method of an interval; None: there is nothing to send."""
    if quality in (Quality.MISSING, Quality.ABSENT):
        return None
    row = BY_METHOD.get(method)
    change = row.ies if row is not None else ""
    if quality is Quality.ACTUAL:
        return IesQuality("VALID", "METER")
    if quality is Quality.SUSPECT:
        return IesQuality("SUSPECT", "METER")
    if quality is Quality.MANUAL:
        return IesQuality("MANUAL", "MANUAL", change or "manual")
    if quality is Quality.DERIVED:
        return IesQuality("VALID", "MDM_COMPUTED", change)
    return IesQuality("ESTIMATED", "ESTIMATED", change)


IES_CHANGES: dict[str, Method] = {row.ies: row.method for row in TABLE}


def ies_in(validation_status: str, source: str = "METER", change_method: str = "") -> tuple[Quality, Method] | None:
    """What status, source and change method say; None: no such status. REJECTED is a value that is not used."""
    if validation_status == "VALID":
        computed = source in ("MDM_COMPUTED", "CIS_COMPUTED")
        method = IES_CHANGES.get(change_method, Method.NONE)
        return (Quality.DERIVED, method) if computed else (Quality.ACTUAL, Method.NONE)
    if validation_status == "ESTIMATED":
        return Quality.ESTIMATED, IES_CHANGES.get(change_method, Method.HEAD_END)
    if validation_status == "MANUAL":
        return Quality.MANUAL, IES_CHANGES.get(change_method, Method.HEAD_END)
    return {"SUSPECT": (Quality.SUSPECT, Method.NONE), "REJECTED": (Quality.MISSING, Method.NONE)}.get(
        validation_status
    )
