"""Exact numbers: fractions in, integers and decimal text out. Money is rounded here and nowhere else."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction

PAISE = 100
"""Paise of a rupee."""
WH = 1000
"""Wh of a unit."""
SHOWN_DIGITS = 6
"""Decimal places of a number whose decimals do not end."""


def half_away(value: Fraction) -> int:
    """The nearest integer, a half away from zero: 0.5 is 1, -0.5 is -1."""
    size = abs(value)
    whole = (2 * size.numerator + size.denominator) // (2 * size.denominator)
    return whole if value >= 0 else -whole


def rounded(value: Fraction, digits: int) -> Fraction:
    """`value` with `digits` decimal places, a half away from zero."""
    return Fraction(half_away(value * 10**digits), 10**digits)


def exact_text(value: Fraction) -> str:
    """Decimal text: exact where the decimals end, else six places."""
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest != 1:
        value = rounded(value, SHOWN_DIGITS)
    digits = 0
    while (value * 10**digits).denominator != 1:
        digits += 1
    number = int(value * 10**digits)
    if not digits:
        return str(number)
    text = f"{abs(number):0{digits + 1}d}"
    return f"{'-' if number < 0 else ''}{text[:-digits]}.{text[-digits:]}"


def square_root(value: Fraction, digits: int) -> Fraction:
    """The root of `value` with `digits` decimal places, half up."""
    context = Context(prec=60)
    root = context.divide(Decimal(value.numerator), Decimal(value.denominator)).sqrt(context)
    return Fraction(root.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP, context))


def rupees(paise: int) -> str:
    """Paise as rupees with two decimals."""
    sign = "-" if paise < 0 else ""
    return f"{sign}{abs(paise) // PAISE}.{abs(paise) % PAISE:02d}"
