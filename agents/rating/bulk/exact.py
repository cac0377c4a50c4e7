"""Whole numbers of 128 and 256 bits, as kernels need them: products, comparisons, one rounding. Nothing wraps.

Factors are int64 from 0 on where nothing else is said. What does not fit sets `bill.too_large`, and the bill is given
back as such. The long way is taken where 64 bits do not hold it, which is seldom.
"""

from __future__ import annotations

import numpy as np

from pipeline.jit import inlined, kernel

LARGEST_MONEY = 10**16
"""Paise of a line: as many as a bill may have fit 64 bits together."""

_LOW, _HALF, _ONE, _NONE = np.uint64(0xFFFFFFFF), np.uint64(32), np.uint64(1), np.uint64(0)
_TOP = np.uint64(63)


@inlined
def product(one, other):  # type: ignore[no-untyped-def]
    """(high, low) u64 of u64 x u64, by halves (Knuth, The Art of Computer Programming, 4.3.1 M)."""
    one_high, one_low, other_high, other_low = one >> _HALF, one & _LOW, other >> _HALF, other & _LOW
    low, cross = one_low * other_low, one_low * other_high
    middle = one_high * other_low + (low >> _HALF) + (cross & _LOW)
    return one_high * other_high + (middle >> _HALF) + (cross >> _HALF), (middle << _HALF) | (low & _LOW)


@inlined
def order(one, one_in, other, other_in):  # type: ignore[no-untyped-def]
    """-1, 0 or 1: how one / one_in stands to other / other_in."""
    high, low = product(np.uint64(one), np.uint64(other_in))
    high_other, low_other = product(np.uint64(other), np.uint64(one_in))
    if high != high_other:
        return np.int64(1) if high > high_other else np.int64(-1)
    if low != low_other:
        return np.int64(1) if low > low_other else np.int64(-1)
    return np.int64(0)


@inlined
def times(one, other, bill):  # type: ignore[no-untyped-def]
    """one x other where it fits int64, else 1 with bill.too_large."""
    high, low = product(np.uint64(one), np.uint64(other))
    if high != _NONE or (low >> _TOP) != _NONE:
        bill.too_large = 1
        return np.int64(1)
    return np.int64(low)


@kernel
def _divided(high, low, below, bill):  # type: ignore[no-untyped-def]
    """((high, low) / below, remainder) u64; below is less than 2^63."""
    if high == _NONE:
        whole = low // below
        return whole, low - whole * below
    if high >= below:
        bill.too_large = 1
        return _NONE, _NONE
    whole, rest = _NONE, high
    for place in range(63, -1, -1):
        rest = (rest << _ONE) | ((low >> np.uint64(place)) & _ONE)
        whole = whole << _ONE
        if rest >= below:
            rest -= below
            whole |= _ONE
    return whole, rest


@kernel
def share(amount, rate, below, bill):  # type: ignore[no-untyped-def]
    """amount x rate / below, a half away from zero; amount and rate may be negative, below is above 0."""
    high, low = product(np.uint64(abs(amount)), np.uint64(abs(rate)))
    whole, rest = _divided(high, low, np.uint64(below), bill)
    if rest >= np.uint64(below) - rest:
        whole += _ONE
    if whole > np.uint64(LARGEST_MONEY):
        bill.too_large = 1
        return np.int64(0)
    found = np.int64(whole)
    return found if (amount < 0) == (rate < 0) else -found


@kernel
def floored(amount, rate, below, bill):  # type: ignore[no-untyped-def]
    """The whole of amount x rate / below, none of them negative."""
    high, low = product(np.uint64(amount), np.uint64(rate))
    whole, _ = _divided(high, low, np.uint64(below), bill)
    if (whole >> _TOP) != _NONE:
        bill.too_large = 1
        return np.int64(0)
    return np.int64(whole)


@inlined
def _wider(first, second, third, factor):  # type: ignore[no-untyped-def]
    """Words from the lowest, u64 (4), of a number of three words x u64."""
    high_first, low_first = product(first, factor)
    high_second, low_second = product(second, factor)
    high_third, low_third = product(third, factor)
    second_word = high_first + low_second
    third_word = high_second + low_third
    carried = _ONE if second_word < low_second else _NONE
    overflow = _ONE if third_word < low_third else _NONE
    third_word += carried
    if third_word < carried:
        overflow += _ONE
    return low_first, second_word, third_word, high_third + overflow


@kernel
def product_of_four(one, two, three, four):  # type: ignore[no-untyped-def]
    """Words from the lowest, u64 (4), of a product of int64 from 0 on."""
    high, low = product(np.uint64(one), np.uint64(two))
    first, second, third, _ = _wider(low, high, _NONE, np.uint64(three))
    return _wider(first, second, third, np.uint64(four))


@inlined
def _reaches(one, two, three, four, one_, two_, three_, four_):  # type: ignore[no-untyped-def]
    """Whether a number of four words, from the lowest, is at least another."""
    if four != four_:
        return four > four_
    if three != three_:
        return three > three_
    if two != two_:
        return two > two_
    return one >= one_


@kernel
def reaches(one, two, three, four, one_, two_, three_, four_):  # type: ignore[no-untyped-def]
    """Whether a product of four numbers is at least that of four others."""
    a, b, c, d = product_of_four(one, two, three, four)
    e, f, g, h = product_of_four(one_, two_, three_, four_)
    return _reaches(a, b, c, d, e, f, g, h)


@kernel
def ratio(one, two, three, four, one_, two_, three_, four_, bill):  # type: ignore[no-untyped-def]
    """(one x two x three x four) / (one_ x two_ x three_ x four_), a half up, int64; none is negative."""
    n_one, n_two, n_three, n_four = product_of_four(one, two, three, four)
    d_one, d_two, d_three, d_four = product_of_four(one_, two_, three_, four_)
    small = (d_two | d_three | d_four | n_three | n_four) == _NONE
    if small and (d_one >> _TOP) == _NONE and n_two < d_one:
        whole, rest = _divided(n_two, n_one, d_one, bill)
        if rest >= d_one - rest:
            whole += _ONE
    else:
        whole = _long_way(n_one, n_two, n_three, n_four, d_one, d_two, d_three, d_four, bill)
    if whole > np.uint64(LARGEST_MONEY):
        bill.too_large = 1
        return np.int64(0)
    return np.int64(whole)


@kernel
def _long_way(n_one, n_two, n_three, n_four, d_one, d_two, d_three, d_four, bill):  # type: ignore[no-untyped-def]
    """The quotient bit by bit, a half up. Factors have 63 bits, so a product has four to spare."""
    r_one, r_two, r_three, r_four, whole = _NONE, _NONE, _NONE, _NONE, _NONE
    for _ in range(256):
        r_four = (r_four << _ONE) | (r_three >> _TOP)
        r_three = (r_three << _ONE) | (r_two >> _TOP)
        r_two = (r_two << _ONE) | (r_one >> _TOP)
        r_one = (r_one << _ONE) | (n_four >> _TOP)
        n_four = (n_four << _ONE) | (n_three >> _TOP)
        n_three = (n_three << _ONE) | (n_two >> _TOP)
        n_two = (n_two << _ONE) | (n_one >> _TOP)
        n_one = n_one << _ONE
        if (whole >> _TOP) != _NONE:
            bill.too_large = 1
            return _NONE
        whole = whole << _ONE
        if _reaches(r_one, r_two, r_three, r_four, d_one, d_two, d_three, d_four):
            whole |= _ONE
            r_one, r_two, r_three, r_four = _less(r_one, r_two, r_three, r_four, d_one, d_two, d_three, d_four)
    l_one, l_two, l_three, l_four = _less(d_one, d_two, d_three, d_four, r_one, r_two, r_three, r_four)
    if _reaches(r_one, r_two, r_three, r_four, l_one, l_two, l_three, l_four):
        whole += _ONE
    return whole


@inlined
def _less(one, two, three, four, one_, two_, three_, four_):  # type: ignore[no-untyped-def]
    """The difference of two numbers of four words, of which the first is the larger."""
    first = one - one_
    borrowed = _ONE if one < one_ else _NONE
    second = two - two_ - borrowed
    borrowed = _ONE if two < two_ or (two == two_ and borrowed == _ONE) else _NONE
    third = three - three_ - borrowed
    borrowed = _ONE if three < three_ or (three == three_ and borrowed == _ONE) else _NONE
    return first, second, third, four - four_ - borrowed
