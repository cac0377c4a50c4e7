"""Cells of a CSV file: what separates them, where the names stand, and how numbers are written."""

from __future__ import annotations

import csv
import re
from collections import Counter
from itertools import pairwise

ABSENT = frozenset(("", "na", "n/a", "nan", "null", "none", "-", "--", "missing", "#n/a"))
"""Texts of a cell that hold no value, in small letters."""

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{2,3})*,\d{3}(\.\d+)?", re.ASCII)
"""Groups of three digits, or of two as in lakhs."""
COMMA = re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d*),\d+", re.ASCII)
DECIMAL, GROUPS = "decimal", "groups"
LEAST_STEPS = 40
RISES_ABOVE = 10


def delimiter_of(lines: list[str]) -> str:
    """What separates the cells: the sign by which most lines have equally many of them."""

    def likely(sign: str) -> tuple[int, int, bool]:
        widths = Counter(len(row) for row in csv.reader(lines, delimiter=sign) if row)
        width, count = max(widths.items(), key=lambda one: (one[0] > 1, one[1], one[0]))
        return (count if width > 1 else 0, width, sign == ",")

    signs = {sign: likely(sign) for sign in ";\t|,"}
    # A comma may be a decimal sign; the others stand in no number.
    for sign in ";\t|":
        if signs[sign][0] * 2 > len([line for line in lines if line.strip()]):
            return sign
    return max(signs, key=lambda sign: signs[sign])


def head_of(rows: list[list[str]]) -> int:
    """Place of the row of names, or of the first row of values: above it may stand a title and other facts."""
    width = Counter(len(row) for row in rows).most_common(1)[0][0]
    first = next(place for place, row in enumerate(rows) if len(row) == width)
    near = first - 1
    # Rows may have an empty cell at their end that the names do not have.
    if near >= 0 and abs(len(rows[near]) - width) == 1 and len(rows[near]) > 1:
        return near
    return first


def marks_of(cells: list[str], delimiter: str) -> str:
    """What a comma in numbers is: DECIMAL, GROUPS, or "" when none has one."""
    commas = [cell for cell in cells if "," in cell and (COMMA.fullmatch(cell) or THOUSANDS.fullmatch(cell))]
    if not commas:
        return ""
    if not all(THOUSANDS.fullmatch(cell) for cell in commas):
        return DECIMAL
    # One reads either way: files with semicolons come from where the comma is the decimal sign.
    fractions = any("." in cell for cell in commas)
    return DECIMAL if delimiter == ";" and not fractions else GROUPS


def plain(text: str, marks: str) -> str:
    """A number with a point, without marks of thousands; what is none of the kind stays as it is."""
    if marks == DECIMAL and COMMA.fullmatch(text):
        return text.replace(".", "").replace(",", ".")
    if marks == GROUPS and THOUSANDS.fullmatch(text):
        return text.replace(",", "")
    return text


def seconds_of(text: str, step: int, first: int) -> int:
    """Second of the day of a time of day (of a range: its begin), or of a numbered hour or block; raises ValueError."""
    if step:
        place = int(text) - first
        if not 0 <= place < 86_400 // step:
            raise ValueError(f"{text[:20]!r} is beyond the day")
        return place * step
    found = re.match(r"(\d{1,2})[:.](\d{2})(?::(\d{2}))?\s*(?:([ap])\.?m)?", text, re.IGNORECASE)
    if found is None:
        raise ValueError(f"{text[:20]!r} is no time of day")
    hour, minute, second = int(found[1]), int(found[2]), int(found[3] or 0)
    if found[4]:
        hour = hour % 12 + (12 if found[4] in "pP" else 0)
    if hour * 60 + minute > 1440 or minute > 59:
        raise ValueError(f"{text[:20]!r} is no time of day")
    return hour * 3600 + minute * 60 + second


def rises(numbers: list[list[float]], said: bool) -> bool:
    """Values of meters, each in order of time, are readings of a register, not energy: they do not fall.

    said: the name of their column says so. Else they must rise for long, and be far above every step between them.
    """
    steps = [after - before for one in numbers for before, after in pairwise(one)]
    if said:
        return bool(steps) and 10 * sum(step >= 0 for step in steps) >= 9 * len(steps)
    if len(steps) < LEAST_STEPS or min(steps) < 0 or 2 * sum(step > 0 for step in steps) < len(steps):
        return False
    return max(steps) * RISES_ABOVE < min(number for one in numbers for number in one)
