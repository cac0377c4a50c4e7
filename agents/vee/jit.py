"""How VEE's kernels are compiled, in one place.

Division follows numpy: a check for zero in every division would keep loops from being vectorised, and no divisor here
can be zero. What runs for every frame or every slot is inlined before types are inferred: a call would hand whole
tables over by value.
"""

from __future__ import annotations

from numba import njit

kernel = njit(nogil=True, cache=True, error_model="numpy")
inlined = njit(nogil=True, cache=True, error_model="numpy", inline="always")
