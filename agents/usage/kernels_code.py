"""Figures as codes of 16 bits: 12 significant bits and an exponent, so that larger figures have larger codes.

Code 0 is no figure. Figures below 4096 are exact, others within one in 8192; the largest is nearly 2^42.
"""

from __future__ import annotations

import numpy as np

from pipeline.jit import kernel

MANTISSA_BITS = 11
LARGEST_CODE = 65_535


@kernel
def code_of(figure):  # type: ignore[no-untyped-def]
    """The code of a figure i64, not below zero, rounded half up."""
    exponent, rest = np.int64(0), figure >> (MANTISSA_BITS + 1)
    while rest > 0:
        rest >>= 1
        exponent += 1
    if exponent > 0:
        figure = (figure + (np.int64(1) << (exponent - 1))) >> exponent
    return min((exponent << MANTISSA_BITS) + figure + 1, np.int64(LARGEST_CODE))


@kernel
def figure_of(code):  # type: ignore[no-untyped-def]
    """The figure i64 of a code i64; 0 of no figure."""
    if code <= 1:
        return np.int64(0)
    bits = code - 1
    exponent = max((bits >> MANTISSA_BITS) - 1, np.int64(0))
    return (bits - (exponent << MANTISSA_BITS)) << exponent
