"""Blocks of 16 octets in the processor's vector registers, for kernels: the type, its loads and stores.

Numba has no such type. Two 64-bit words in its place would be carried in general registers, and moved to and fro at
each instruction; a `Block` is a vector to the compiler from its load to its store.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

from pipeline.jit import check_span

OCTETS = 16

BYTE, HALF, WORD = (ir.IntType(bits) for bits in (8, 32, 64))
AS_BYTES, AS_HALVES, AS_WORDS = ir.VectorType(BYTE, 16), ir.VectorType(HALF, 4), ir.VectorType(WORD, 2)
_BITS = ir.VectorType(ir.IntType(1), OCTETS)


class Block(types.Type):
    """16 octets; the first one in memory is the lowest of the first word."""

    def __init__(self) -> None:
        super().__init__("pipeline.aes_block.Block")


@register_model(Block)
class _BlockModel(models.PrimitiveModel):
    def __init__(self, manager: Any, typed: Any) -> None:
        super().__init__(manager, typed, AS_WORDS)  # type: ignore[no-untyped-call]


block = Block()

two_words = types.UniTuple(types.uint64, 2)  # type: ignore[no-untyped-call]


def constant(octets: bytes) -> Any:
    """A block that is known."""
    return ir.Constant(AS_WORDS, [int.from_bytes(octets[place : place + 8], "little") for place in (0, 8)])


def shuffled(builder: Any, value: Any, order: list[int]) -> Any:
    """The octets of a block in another order."""
    octets = builder.bitcast(value, AS_BYTES)
    mask = ir.Constant(ir.VectorType(HALF, OCTETS), order)
    return builder.bitcast(builder.shuffle_vector(octets, octets, mask), AS_WORDS)


def declared(builder: Any, name: str, result: Any, arguments: list[Any]) -> Any:
    """An intrinsic function of LLVM by its name."""
    declare: Any = cgutils.get_or_insert_function
    return declare(builder.module, ir.FunctionType(result, arguments), name)


def of_one(emit: Callable[..., Any]) -> Any:
    """A kernels' function from a block to a block; `emit(builder, value)` writes its instructions."""

    def typed(_typing: Any, _value: Any) -> Any:
        return block(block), lambda _context, builder, _signature, arguments: emit(builder, *arguments)

    return intrinsic(typed)


def of_two(emit: Callable[..., Any]) -> Any:
    """The same of two blocks."""

    def typed(_typing: Any, _one: Any, _other: Any) -> Any:
        return block(block, block), lambda _context, builder, _signature, arguments: emit(builder, *arguments)

    return intrinsic(typed)


def _address(context: Any, builder: Any, signature: Any, arguments: Any, octets: Any = WORD(OCTETS)) -> Any:
    """Of a place in an array, from which on `octets` are read or written."""
    view = context.make_array(signature.args[0])(context, builder, arguments[0])
    check_span(context, builder, view, arguments[1], octets)
    return builder.gep(view.data, [arguments[1]])


def _part(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """Address of the octets that a mask chooses, as that of a vector."""
    pointer = _address(context, builder, signature, arguments, arguments[2])
    return builder.bitcast(pointer, AS_BYTES.as_pointer())


def _first(builder: Any, octets: Any) -> Any:
    """Mask of the first `octets` of a block, 16 at most."""
    places = ir.Constant(AS_BYTES, list(range(OCTETS)))
    none = ir.Constant(AS_BYTES, ir.Undefined)
    one = builder.insert_element(none, builder.trunc(octets, BYTE), HALF(0))
    every = builder.shuffle_vector(one, none, ir.Constant(ir.VectorType(HALF, OCTETS), [0] * OCTETS))
    return builder.icmp_unsigned("<", places, every)


def _load(_typing: Any, array: Any, _place: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = _address(context, builder, signature, arguments)
        return builder.load(builder.bitcast(pointer, AS_WORDS.as_pointer()), align=1)

    return block(array, types.intp), generate


def _load_part(_typing: Any, array: Any, _place: Any, _octets: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = _part(context, builder, signature, arguments)
        load = declared(builder, "llvm.masked.load.v16i8.p0", AS_BYTES, [pointer.type, HALF, _BITS, AS_BYTES])
        zeros = ir.Constant(AS_BYTES, None)
        return builder.bitcast(builder.call(load, [pointer, HALF(1), _first(builder, arguments[2]), zeros]), AS_WORDS)

    return block(array, types.intp, types.intp), generate


def _store(_typing: Any, array: Any, _place: Any, _value: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = _address(context, builder, signature, arguments)
        builder.store(arguments[2], builder.bitcast(pointer, AS_WORDS.as_pointer()), align=1)
        return context.get_dummy_value()

    return types.void(array, types.intp, block), generate


def _store_part(_typing: Any, array: Any, _place: Any, _octets: Any, _value: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = _part(context, builder, signature, arguments)
        store = declared(builder, "llvm.masked.store.v16i8.p0", ir.VoidType(), [AS_BYTES, pointer.type, HALF, _BITS])
        octets = builder.bitcast(arguments[3], AS_BYTES)
        builder.call(store, [octets, pointer, HALF(1), _first(builder, arguments[2])])
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp, block), generate


def _of_words(_typing: Any, _low: Any, _high: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        made = ir.Constant(AS_WORDS, ir.Undefined)
        for place, word in enumerate(arguments):
            made = builder.insert_element(made, word, HALF(place))
        return made

    return block(types.uint64, types.uint64), generate


def _words_of(_typing: Any, _value: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        words = [builder.extract_element(arguments[0], HALF(place)) for place in (0, 1)]
        return context.make_tuple(builder, signature.return_type, words)

    return two_words(block), generate


load: Any = intrinsic(_load)
"""`load(octets, place)`: the block at any address of a C-contiguous u8 array."""

load_part: Any = intrinsic(_load_part)
"""`load_part(octets, place, count)`: its first `count` octets, 0 to 16, then zeros; nothing behind them is touched."""

store: Any = intrinsic(_store)
store_part: Any = intrinsic(_store_part)
"""The same ways back: `store(octets, place, value)`, `store_part(octets, place, count, value)`."""

of_words: Any = intrinsic(_of_words)
"""`of_words(low, high)`: a block of two u64."""

words_of: Any = intrinsic(_words_of)
"""`words_of(value)`: its two u64."""

xor: Any = of_two(lambda builder, one, other: builder.xor(one, other))

reversed_octets: Any = of_one(lambda builder, value: shuffled(builder, value, list(range(OCTETS))[::-1]))
"""A block with its last octet first."""
