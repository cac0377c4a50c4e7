"""How kernels are compiled, and what they may ask of the processor."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

Function = Callable[..., Any]

AHEAD = 16
"""How many items ahead kernels ask for what they will need (`prefetch`): some hundred nanoseconds of work."""

ALIGNED = 16
"""Numpy's arrays begin at a multiple of it, so items of as many octets, or half of that and so on, lie in one line of
the cache. Others often lie in two."""


def kernel(function: Function) -> Any:
    """Decorator of a kernel that allocates nothing: arrays come from the caller.

    Without numba's run time no array is reference counted. Counting is atomic and happens at each call that passes an
    array; in kernels made of small functions it took two thirds of the time. An allocation inside does not compile.
    """
    # `_nrt` is an option of numba's that its types do not list.
    return stamped(njit(nogil=True, cache=True, _nrt=False)(function), function)  # type: ignore[call-overload]


def inlined(function: Function) -> Any:
    """Decorator of a small function that is called for each value: compiled into its callers, as a `kernel`.

    Left to itself the compiler calls functions that return several values, which takes longer than what they do.
    """
    return stamped(njit(nogil=True, cache=True, forceinline=True, _nrt=False)(function), function)  # type: ignore[call-overload]


def allocating_kernel(function: Function) -> Any:
    """Decorator of a kernel that needs room of its own, once a call."""
    return stamped(njit(nogil=True, cache=True)(function), function)


def expanded(function: Function) -> Any:
    """Decorator of a small function whose body is put into its callers before types are inferred."""
    return stamped(njit(nogil=True, cache=True, inline="always")(function), function)


def stamped(dispatcher: Any, function: Function) -> Any:
    """Let the compiled code on disk be of all the sources that it may contain.

    Numba looks at the file of the function alone. What is called from there is compiled into it, so that after a change
    of a neighbour (or an update) old code would run on. The stamp is in the file names too: an index of other sources
    may hold types that are no more, and would not even load.
    """
    found = getattr(dispatcher, "_cache", None)  # there is none when compiling is switched off
    if found is not None:
        files, stamp = found._cache_file, sources_stamp(Path(inspect.getfile(function)).parent)
        base = f"{files._index_name.removesuffix('.nbi')}.{stamp[:16]}"
        files._source_stamp = stamp
        files._index_name, files._data_name_pattern = f"{base}.nbi", base + ".{number:d}.nbc"
        files._index_path = str(Path(files._cache_path, files._index_name))
    return dispatcher


@cache
def sources_stamp(folder: Path) -> str:
    """SHA-256 over the Python files of `folder` and of `pipeline`: what a kernel there may call."""
    digest = hashlib.sha256()
    for path in sorted({*folder.glob("*.py"), *Path(__file__).parent.glob("*.py")}):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _prefetch(_typing: Any, array: Any, _item: Any) -> Any:
    signature = types.void(array, types.intp)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        view = context.make_array(signature.args[0])(context, builder, arguments[0])
        octets = context.get_abi_sizeof(context.get_data_type(signature.args[0].dtype))
        address = builder.bitcast(builder.gep(view.data, [arguments[1]]), cgutils.voidptr_t)
        word = ir.IntType(32)
        hint = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, word, word, word])
        declare: Any = cgutils.get_or_insert_function
        function = declare(builder.module, hint, "llvm.prefetch.p0")
        for octet in (0, octets - 1) if ALIGNED % octets else (0,):
            end = builder.gep(address, [ir.IntType(64)(octet)])
            builder.call(function, [end, word(1), word(3), word(1)])
        return context.get_dummy_value()

    return signature, generate


prefetch: Any = intrinsic(_prefetch)
"""`prefetch(array, item)`: fetch an item of a C-contiguous array into the cache; `item` counts through all axes.

The cache lines of its first and its last octet are fetched. What a kernel reads of an array of octets or words may be
longer than an item: then it asks for the last one too.

A hint without effect on results. Devices come in random order, so what a frame needs lies nowhere near what the frame
before needed; a kernel that asks for it some frames ahead does not wait for memory at each.
"""


def _peek(octets: int) -> Any:
    def typed(_typing: Any, array: Any, _place: Any) -> Any:
        signature = types.int64(array, types.intp)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            pointer = _pointer(context, builder, signature, arguments, octets)
            word = builder.load(pointer, align=1)
            return word if octets == 8 else builder.zext(word, ir.IntType(64))

        return signature, generate

    return intrinsic(typed)


def _poke(octets: int) -> Any:
    def typed(_typing: Any, array: Any, _place: Any, value: Any) -> Any:
        signature = types.void(array, types.intp, types.int64)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            pointer = _pointer(context, builder, signature, arguments, octets)
            value = arguments[2]
            word = value if octets == 8 else builder.trunc(value, ir.IntType(8 * octets))
            builder.store(word, pointer, align=1)
            return context.get_dummy_value()

        return signature, generate

    return intrinsic(typed)


def _pointer(context: Any, builder: Any, signature: Any, arguments: Any, octets: int) -> Any:
    view = context.make_array(signature.args[0])(context, builder, arguments[0])
    return builder.bitcast(builder.gep(view.data, [arguments[1]]), ir.IntType(8 * octets).as_pointer())


peek1, peek2, peek4, peek8 = (_peek(octets) for octets in (1, 2, 4, 8))
"""`peek4(raw, place)`: the little-endian number at an octet of a u8 array, at any address, as i64 without sign."""

poke1, poke2, poke4, poke8 = (_poke(octets) for octets in (1, 2, 4, 8))
"""`poke4(out, place, value)`: the lowest octets of an i64 to an octet of a u8 array, at any address."""
