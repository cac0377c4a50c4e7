"""What series of one day are tried with: their days, and room for the kernels."""

from __future__ import annotations

import numpy as np

from agents.vee.estimate.history import MOST_INPUTS
from agents.vee.estimate.kernels_trial import ALONE, Days, Room
from agents.vee.estimate.stream import alone
from pipeline.columns import Array
from pipeline.localtime import DAY_SECS

MONDAY = 3
"""Days from a Monday to 1970-01-01."""


def days_of(first: int, count: int, tried: int, interval: int, hot_days: int, orders: Array) -> Days:
    """`count` local days from day `first` since 1970-01-01 on; `tried` counts from there. No day is a holiday.

    orders: see `Days`.
    """
    places = DAY_SECS // interval
    number = np.arange(count * places, dtype=np.int64)
    return Days(
        place=number % places,
        day=number // places,
        day_type=((first + MONDAY + np.arange(count)) % 7).astype(np.uint8),
        at=number.reshape(count, places),
        week=(first + MONDAY) % 7,
        tried=tried,
        interval=interval,
        hot_days=hot_days,
        orders=orders,
        alone=alone(ALONE),
    )


def room_for(count: int, places: int) -> Room:
    """Scratch for series of `count` days."""
    size = count * places
    return Room(
        complete=np.zeros(count, np.uint8),
        whole=np.zeros(count, np.uint8),
        out=np.zeros(size, np.int64),
        how=np.zeros(size, np.int64),
        used=np.zeros(MOST_INPUTS, np.int64),
        votes=np.zeros((3, MOST_INPUTS), np.int64),
    )
