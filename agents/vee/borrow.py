"""Arrays as kernels' arguments without reference counts.

numba counts references to every array that one compiled function hands to another, and each count is an atomic
operation that waits for the loads before it: four fifths of a frame's time. A kernel's caller keeps its arrays alive
for the whole call, so its inner functions may as well borrow them.
"""

from __future__ import annotations

from typing import Any

from numba.core import types
from numba.extending import intrinsic


def _borrow(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    if isinstance(kind, types.Array):
        array = context.make_array(kind)(context, builder, value=value)
        for owner in ("meminfo", "parent"):
            pointer = getattr(array, owner)
            setattr(array, owner, pointer.type(None))
        return array._getvalue()
    if isinstance(kind, types.BaseTuple):
        members: Any = kind
        items = [_borrow(context, builder, one, builder.extract_value(value, at)) for at, one in enumerate(members)]
        return context.make_tuple(builder, kind, items)
    return value


def _borrowed(_typing: Any, value: Any) -> Any:
    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return _borrow(context, builder, value, arguments[0])

    return value(value), generate


borrowed: Any = intrinsic(_borrowed)
"""borrowed(x): the same array, or (named) tuple of arrays and numbers, good while the kernel's caller holds it."""
