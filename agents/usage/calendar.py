"""Which month a local day is in, as tables for kernels: the days that a state can name, 1970 to 2149."""

from __future__ import annotations

import numpy as np

from pipeline.columns import Array

DAYS = 65_536


def _months() -> Array:
    return np.arange(DAYS).astype("M8[D]").astype("M8[M]").astype(np.int64)


MONTH_OF_DAY: Array = _months().astype(np.int32)
"""i32 (DAYS,): months since January 1970, by local day since 1970-01-01."""

FIRST_DAY: Array = np.arange(MONTH_OF_DAY[-1] + 2).astype("M8[M]").astype("M8[D]").astype(np.int64).astype(np.int32)
"""i32 (months + 1,): first local day of each month."""
