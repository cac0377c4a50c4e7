"""How kernels are compiled, and what they may ask of the processor."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

# `_nrt` is an option of numba's that its types do not list.
kernel: Any = njit(nogil=True, cache=True, _nrt=False)  # type: ignore[call-overload]
"""Decorator of a kernel that allocates nothing: arrays come from the caller.

Without numba's run time no array is reference counted. Counting is atomic and happens at each call that passes an
array; in kernels made of small functions it took two thirds of the time. An allocation inside does not compile.
"""


def _prefetch(_typing: Any, array: Any, _item: Any) -> Any:
    signature = types.void(array, types.intp)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        view = context.make_array(signature.args[0])(context, builder, arguments[0])
        address = builder.bitcast(builder.gep(view.data, [arguments[1]]), cgutils.voidptr_t)
        word = ir.IntType(32)
        hint = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, word, word, word])
        declare: Any = cgutils.get_or_insert_function
        function = declare(builder.module, hint, "llvm.prefetch.p0")
        builder.call(function, [address, word(1), word(3), word(1)])
        return context.get_dummy_value()

    return signature, generate


prefetch: Any = intrinsic(_prefetch)
"""`prefetch(array, item)`: fetch an item of a C-contiguous array into the cache; `item` counts through all axes.

A hint without effect on results. Devices come in random order, so what a frame needs lies nowhere near what the frame
before needed; a kernel that asks for it some frames ahead does not wait for memory at each.
"""
