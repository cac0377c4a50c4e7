"""What head-ends say of a value, once: their codes and words, and what each is here.

Sources: IEC 61968-9 (ReadingQualityType system.category.index), AEMO Meter Data File Format (quality flag and method),
ESPI (quality of reading), EDI@Energy MSCONS (qualifier of a quantity), and the words of the field.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pipeline.codes import Flag

QualityClass = Literal["actual", "estimated", "edited", "suspect", "missing"]

FLAGS: dict[QualityClass, Flag] = {
    "actual": Flag(0),
    "estimated": Flag.HEAD_END_ESTIMATED,
    "edited": Flag.HEAD_END_EDITED,
    "suspect": Flag.HEAD_END_SUSPECT,
}
"""Class -> flag of the row; a value that is missing is no row."""

WORST: tuple[QualityClass, ...] = ("suspect", "missing", "edited", "estimated", "actual")
"""Of several qualities of one value the first in this order counts."""

MEANING: dict[QualityClass, str] = {
    "actual": "as the meter measured it",
    "estimated": "a substitute until the meter's own value comes: method HEAD_END, quality ESTIMATED",
    "edited": "written by a person; as an estimate, with a flag of its own",
    "suspect": "rule V37: not billed as it stands",
    "missing": "no reading: the row is counted and left out",
}


@dataclass(frozen=True)
class Code:
    """A code of one vocabulary; `pattern`: what of a text it stands for, whole and without regard to case."""

    vocabulary: Literal["cim", "mdff", "espi", "mscons", "words"]
    pattern: str
    means: QualityClass
    doc: str


CODES: tuple[Code, ...] = (
    Code("cim", r"\d+\.0\.\d+", "actual", "x.0.y valid: data valid, validated"),
    Code(
        "cim", r"\d+\.[1-4]\.\d+", "actual", "x.1-4.y diagnostics, power quality, tamper, collection: told, not doubted"
    ),
    Code("cim", r"\d+\.5\.\d+", "suspect", "x.5.y a check of reasonability failed"),
    Code("cim", r"\d+\.6\.\d+", "suspect", "x.6.y a rule of validation failed"),
    Code("cim", r"\d+\.7\.\d+", "edited", "x.7.y edited"),
    Code("cim", r"\d+\.8\.\d+", "estimated", "x.8.y estimated"),
    Code("cim", r"\d+\.10\.\d+", "suspect", "x.10.y questionable"),
    Code("cim", r"\d+\.11\.\d+", "actual", "x.11.y derived from other values of the meter"),
    Code("cim", r"\d+\.12\.\d+", "estimated", "x.12.y projected"),
    Code("mdff", r"A", "actual", "A actual"),
    Code("mdff", r"E(\d\d)?", "estimated", "E and a method: forward estimate"),
    Code("mdff", r"S(16|18|55|64|67)", "edited", "S16, S18, S55, S64, S67: substitute that was agreed or written"),
    Code("mdff", r"S(12)", "actual", "S12 calculated from other values of the meter"),
    Code("mdff", r"S(\d\d)?", "estimated", "S and another method: substitute"),
    Code("mdff", r"F(16|18|55|64|67)", "edited", "the same as a final substitute"),
    Code("mdff", r"F(\d\d)?", "estimated", "F and a method: final substitute"),
    Code("mdff", r"N", "missing", "N null data"),
    Code("espi", r"0|14|17|18|19", "actual", "0 valid, 14 raw, 17 validated, 18 verified, 19 revenue quality"),
    Code("espi", r"7", "edited", "7 manually edited"),
    Code("espi", r"8|9", "estimated", "8 by a reference day, 9 linear"),
    Code("espi", r"10|13", "suspect", "10 questionable, 13 mixed"),
    Code("espi", r"11", "actual", "11 derived"),
    Code("espi", r"12", "estimated", "12 projected"),
    Code("mscons", r"220|46", "actual", "220 true value, 46 delivered quantity"),
    Code("mscons", r"79", "actual", "79 sum of energies"),
    Code("mscons", r"67|201", "estimated", "67 substitute, 201 proposed"),
    Code("mscons", r"187|Z18", "estimated", "187 forecast, Z18 provisional"),
    Code("mscons", r"20", "suspect", "20 not to be used"),
    Code("mscons", r"Z30", "missing", "Z30 missing"),
    Code("words", r"actual|valid|validated|good|ok|measured|raw|normal|true", "actual", "words for a sound value"),
    Code("words", r"est|estimate|estimated|substitute|substituted|interpolated", "estimated", "words for a substitute"),
    Code("words", r"manual|edited|manually edited|corrected", "edited", "words for an edit"),
    Code("words", r"suspect|questionable|invalid|bad|doubtful|failed|false", "suspect", "words for a doubt"),
    Code("words", r"missing|null|none|absent|no data|not available", "missing", "words for nothing"),
)
"""Within a vocabulary the first that fits counts. V of MDFF says that the flags vary within a day: it is none."""

VOCABULARIES = ("cim", "mdff", "espi", "mscons", "words")

REMARK = " #"
"""What stands behind this in a text (a reason, a status) is kept and not looked up."""


def class_of(text: str, own: Mapping[str, QualityClass]) -> QualityClass | None:
    """What a text says; `own`: codes of this head-end, which come first. Nothing said is actual; None: not known."""
    stripped = text.strip()
    if not stripped:
        return "actual"
    if stripped in own:
        return own[stripped]
    found = {part: _single(part, own) for part in re.split(r"[;|,]\s*", stripped)}
    classes = [found[part] for part in found]
    if any(one is None for one in classes):
        return None
    return next(one for one in WORST if one in classes)


def with_remark(code: str, *remarks: str) -> str:
    """A code with what a file says beside it, as one text of which the code is looked up."""
    if not any(remarks):
        return code.strip()
    said = " ".join(re.sub(r"[;|,#\s]+", " ", remark).strip() for remark in remarks if remark.strip())
    return f"{code.strip()}{REMARK}{said}" if said.strip() else code.strip()


def _single(text: str, own: Mapping[str, QualityClass]) -> QualityClass | None:
    text = text if text in own else text.partition(REMARK)[0].strip()
    if text in own:
        return own[text]
    return next((code.means for code in CODES if re.fullmatch(code.pattern, text, re.IGNORECASE)), None)
