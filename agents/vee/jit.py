"""How VEE's kernels are compiled, in one place.

Division follows numpy: a check for zero in every division would keep loops from being vectorised, and no divisor here
can be zero. What runs for every frame or every slot is inlined before types are inferred: a call would hand whole
tables over by value.
"""

from __future__ import annotations

from typing import Any

from numba import njit

from pipeline.jit import Function, stamped


def kernel(function: Function) -> Any:
    """Decorator of a kernel."""
    return stamped(njit(nogil=True, cache=True, error_model="numpy")(function), function)


def inlined(function: Function) -> Any:
    """Decorator of a function whose body is put into its callers."""
    return stamped(njit(nogil=True, cache=True, error_model="numpy", inline="always")(function), function)
