"""GHASH (NIST SP 800-38D, 6.4) by the processor's carry-less multiplication.

Octets are reversed, so that bits stand as the instruction takes them; the hash key is multiplied by x once, and
products are then reduced as in POLYVAL (RFC 8452, appendix A): modulo x^128 + x^127 + x^126 + x^121 + 1, each times
x^-128.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from pipeline.aes_block import AS_WORDS, BYTE, HALF, block, declared, of_one

_FOLD = 0xC200_0000_0000_0000
"""x^127 + x^126 + x^121 over x^64."""

product_type = types.UniTuple(block, 3)  # type: ignore[no-untyped-call]


def _times(builder: Any, one: Any, other: Any, halves: int) -> Any:
    """Carry-less product of a word of each: halves 0x00 low, 0x11 high, 0x10 low of `one` and high of `other`."""
    multiply = declared(builder, "llvm.x86.pclmulqdq", AS_WORDS, [AS_WORDS, AS_WORDS, BYTE])
    return builder.call(multiply, [one, other, BYTE(halves)])


def _words(builder: Any, one: Any, other: Any, first: int, second: int) -> Any:
    order = ir.Constant(ir.VectorType(HALF, 2), [first, second])
    return builder.shuffle_vector(one, other, order)


def _hash_key(builder: Any, value: Any) -> Any:
    """Times x, which makes up for the reversed bits."""
    zeros = ir.Constant(AS_WORDS, None)
    carries = builder.lshr(value, ir.Constant(AS_WORDS, [63, 63]))
    doubled = builder.or_(builder.shl(value, ir.Constant(AS_WORDS, [1, 1])), _words(builder, zeros, carries, 0, 2))
    over = builder.sub(zeros, _words(builder, carries, carries, 1, 1))
    return builder.xor(doubled, builder.and_(over, ir.Constant(AS_WORDS, [1, _FOLD])))


def _product(_typing: Any, _value: Any, _key: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        value, key = arguments
        middle = builder.xor(_times(builder, value, key, 0x10), _times(builder, value, key, 0x01))
        parts = [_times(builder, value, key, 0x00), middle, _times(builder, value, key, 0x11)]
        return context.make_tuple(builder, signature.return_type, parts)

    return product_type(block, block), generate


def _add(_typing: Any, _one: Any, _other: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        parts = [builder.xor(*(builder.extract_value(product, place) for product in arguments)) for place in range(3)]
        return context.make_tuple(builder, signature.return_type, parts)

    return product_type(product_type, product_type), generate


def _reduce(_typing: Any, _product: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        low, middle, high = (builder.extract_value(arguments[0], place) for place in range(3))
        zeros, fold = ir.Constant(AS_WORDS, None), ir.Constant(AS_WORDS, [_FOLD, _FOLD])
        low = builder.xor(low, _words(builder, zeros, middle, 0, 2))
        high = builder.xor(high, _words(builder, middle, zeros, 1, 2))
        for _ in range(2):
            low = builder.xor(_words(builder, low, low, 1, 0), _times(builder, low, fold, 0x00))
        return builder.xor(low, high)

    return block(product_type), generate


hash_key: Any = of_one(_hash_key)
"""`hash_key(enciphered zeros, octets reversed)`: what blocks are multiplied by."""

product: Any = intrinsic(_product)
"""`product(value, key)`: 256 bits, in three blocks whose halves overlap."""

add: Any = intrinsic(_add)
"""`add(product, product)`: sums are reduced once."""

reduce: Any = intrinsic(_reduce)
"""`reduce(product)`: the block it stands for."""
