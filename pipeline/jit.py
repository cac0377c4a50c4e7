"""How kernels are compiled, and what they may ask of the processor."""

from __future__ import annotations

import hashlib
import inspect
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils, config
from numba.extending import intrinsic

Function = Callable[..., Any]

OURS = Path(__file__).parents[1]
"""Folder that the names of our packages begin at."""

IMPORTS = re.compile(
    r"^[ \t]*(?:from[ \t]+(?P<module>[\w.]+)[ \t]+import[ \t]*(?P<names>\([^)]*\)|.*)|import[ \t]+(?P<modules>.*))$",
    re.M,
)
NAMES = re.compile(r"[\w.]+")

COMPILED = not vars(config)["DISABLE_JIT"]
"""Whether kernels are compiled at all; with NUMBA_DISABLE_JIT=1 they are plain Python, and so are `peek4` and so on."""

CHECKED = bool(vars(config)["BOUNDSCHECK"])
"""NUMBA_BOUNDSCHECK=1: numba checks every index of an array, and what goes by addresses is checked here."""

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
        file = Path(inspect.getfile(function))
        files, stamp = found._cache_file, sources_stamp(file, file.parents[function.__module__.count(".")])
        base = f"{files._index_name.removesuffix('.nbi')}.{stamp[:16]}"
        files._source_stamp = stamp
        files._index_name, files._data_name_pattern = f"{base}.nbi", base + ".{number:d}.nbc"
        files._index_path = str(Path(files._cache_path, files._index_name))
    return dispatcher


@cache
def sources_stamp(file: Path, root: Path) -> str:
    """SHA-256 over a Python file and all of ours that it imports, they import, and so on: what a kernel in it may call.

    root: folder that the names of its modules begin at.
    """
    waiting, found = [file], {file}
    while waiting:
        for other in imported_files(waiting.pop(), root) - found:
            found.add(other)
            waiting.append(other)
    digest = hashlib.sha256()
    for path in sorted(found):
        digest.update(path.name.encode() + b"\0" + _octets_of(path))
    return digest.hexdigest()


@cache
def imported_files(file: Path, root: Path) -> frozenset[Path]:
    """Files below `root`, or beside this package, that a Python file imports itself, also within functions.

    Read from its text, as every start of the program does this for all kernels: a line of a docstring that looks like
    an import only adds a file.
    """
    names = set()
    for found in IMPORTS.finditer(_octets_of(file).decode()):
        if found["module"]:
            names |= {found["module"], *(f"{found['module']}.{name}" for name in NAMES.findall(found["names"]))}
        else:
            names.update(NAMES.findall(found["modules"]))
    paths = (name.replace(".", "/") for name in names)
    places = (place / f"{path}{end}" for path in paths for place in {root, OURS} for end in (".py", "/__init__.py"))
    return frozenset(place for place in places if place.is_file())


@cache
def _octets_of(file: Path) -> bytes:
    return file.read_bytes()


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


def _nothing(_array: Any, _item: Any) -> None:
    """`prefetch` where nothing is compiled."""


prefetch: Any = intrinsic(_prefetch) if COMPILED else _nothing
"""`prefetch(array, item)`: fetch an item of a C-contiguous array into the cache; `item` counts through all axes.

The cache lines of its first and its last octet are fetched. What a kernel reads of an array of octets or words may be
longer than an item: then it asks for the last one too.

A hint without effect on results. Devices come in random order, so what a frame needs lies nowhere near what the frame
before needed; a kernel that asks for it some frames ahead does not wait for memory at each.
"""


def check_span(context: Any, builder: Any, view: Any, place: Any, octets: Any) -> None:
    """With CHECKED: the kernel raises IndexError unless `octets` octets from `place` on lie in the u8 array `view`."""
    if not CHECKED:
        return
    end = builder.add(place, octets)
    outside = builder.or_(
        builder.icmp_signed("<", place, ir.Constant(place.type, 0)), builder.icmp_signed(">", end, view.nitems)
    )
    with builder.if_then(outside, likely=False):
        context.call_conv.return_user_exc(builder, IndexError, ("octets outside of an array",))


def _span(array: Any, place: int, octets: int) -> Any:
    """These octets of a u8 array; raises IndexError where some are outside. For kernels that are not compiled."""
    if place < 0 or place + octets > array.size:
        raise IndexError("octets outside of an array")
    return array.reshape(-1)[place : place + octets]


def _peek(octets: int) -> Any:
    def plain(array: Any, place: int) -> Any:
        return np.int64(int.from_bytes(_span(array, place, octets).tobytes(), "little", signed=octets == 8))

    def typed(_typing: Any, array: Any, _place: Any) -> Any:
        signature = types.int64(array, types.intp)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            pointer = _pointer(context, builder, signature, arguments, octets)
            word = builder.load(pointer, align=1)
            return word if octets == 8 else builder.zext(word, ir.IntType(64))

        return signature, generate

    return intrinsic(typed) if COMPILED else plain


def _poke(octets: int) -> Any:
    def plain(array: Any, place: int, value: int) -> None:
        low = int(value) & ((1 << (8 * octets)) - 1)
        _span(array, place, octets)[:] = np.frombuffer(low.to_bytes(octets, "little"), np.uint8)

    def typed(_typing: Any, array: Any, _place: Any, value: Any) -> Any:
        signature = types.void(array, types.intp, types.int64)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            pointer = _pointer(context, builder, signature, arguments, octets)
            value = arguments[2]
            word = value if octets == 8 else builder.trunc(value, ir.IntType(8 * octets))
            builder.store(word, pointer, align=1)
            return context.get_dummy_value()

        return signature, generate

    return intrinsic(typed) if COMPILED else plain


def _pointer(context: Any, builder: Any, signature: Any, arguments: Any, octets: int) -> Any:
    view = context.make_array(signature.args[0])(context, builder, arguments[0])
    check_span(context, builder, view, arguments[1], ir.Constant(arguments[1].type, octets))
    return builder.bitcast(builder.gep(view.data, [arguments[1]]), ir.IntType(8 * octets).as_pointer())


peek1, peek2, peek4, peek8 = (_peek(octets) for octets in (1, 2, 4, 8))
"""`peek4(raw, place)`: the little-endian number at an octet of a u8 array, at any address, as i64 without sign."""

poke1, poke2, poke4, poke8 = (_poke(octets) for octets in (1, 2, 4, 8))
"""`poke4(out, place, value)`: the lowest octets of an i64 to an octet of a u8 array, at any address."""
