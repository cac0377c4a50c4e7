"""Decimal numbers as they are written to whole numbers of the stored unit: exact, whole columns at a time, no floats.

What is finer than the stored unit is rounded half up, as decode does with what a meter sends.
"""

from __future__ import annotations

import decimal
import re
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.columns import Array
from pipeline.reading_frames import LARGEST

DIGITS = 9
"""Decimal places that the quick way keeps."""
QUICK_EXPONENT = 6
"""Nine digits before the point, times ten to this, are below LARGEST."""
USUAL = r"^[+-]?\d{1,9}(\.\d{0,9})?$"
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?", re.ASCII)
CONTEXT = decimal.Context(prec=400, rounding=decimal.ROUND_FLOOR)
_HALF = decimal.Decimal("0.5")


def whole(text: str, exponent: int) -> int:
    """One number times ten to the `exponent`, rounded half up; raises ValueError."""
    text = text.strip()
    if not NUMBER.fullmatch(text) or len(text) > 60:
        raise ValueError(f"{text[:40]!r} is no number")
    value = CONTEXT.create_decimal(text).scaleb(exponent, CONTEXT)
    rounded = int(CONTEXT.add(value, _HALF).to_integral_value(decimal.ROUND_FLOOR))
    if abs(rounded) > LARGEST:
        raise ValueError(f"{text[:40]!r} is too large")
    return rounded


def whole_column(texts: Any, exponent: int, point: str = ".") -> tuple[Array, Array, dict[int, str]]:
    """A column of texts (pyarrow strings, n): values i64, there bool (n,), and row -> why a number cannot be read.

    Empty and null are not there. `point`: the decimal sign.
    """
    texts = pc.utf8_trim_whitespace(pc.fill_null(texts, ""))
    if point != ".":
        texts = pc.replace_substring(pc.replace_substring(texts, ".", "?"), point, ".")
    there = _bools(pc.not_equal(texts, ""))
    usual = _bools(pc.match_substring_regex(texts, USUAL)) & (exponent <= QUICK_EXPONENT)
    values = _quick(pc.if_else(pa.array(usual), texts, "0"), exponent)
    faults: dict[int, str] = {}
    for row in np.flatnonzero(there & ~usual).tolist():
        try:
            values[row] = whole(texts[row].as_py(), exponent)
        except ValueError as error:
            faults[row] = str(error)
    return values, there, faults


def _quick(texts: Any, exponent: int) -> Array:
    """Numbers of at most nine digits before the point and nine behind it."""
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    decimals = pc.cast(texts, pa.decimal128(18, DIGITS))
    # A decimal128 is 16 octets, little-endian; 18 digits stand in the lower eight.
    low = np.frombuffer(decimals.buffers()[1], "<i8")[2 * decimals.offset :: 2][: len(decimals)].copy()
    divisor = np.int64(10 ** (DIGITS - min(exponent, QUICK_EXPONENT)))
    return (low + divisor // 2) // divisor


def _bools(mask: Any) -> Array:
    found: Array = np.asarray(mask.to_numpy(zero_copy_only=False), np.bool_)
    return found
