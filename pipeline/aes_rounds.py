"""AES-128 by the processor's instructions (FIPS 197): the keys of the rounds, and blocks under them.

No value of a key or a text decides a branch or an address.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from pipeline.aes_block import AS_HALVES, AS_WORDS, HALF, block, constant, declared, shuffled

ROUNDS = 10
_ROUND_CONSTANTS = (0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0x1B, 0x36)
_ROTATED_LAST_WORD = [13, 14, 15, 12] * 4

keys_type = types.UniTuple(block, ROUNDS + 1)  # type: ignore[no-untyped-call]


def _round(builder: Any, value: Any, key: Any, last: bool) -> Any:
    name = "llvm.x86.aesni.aesenclast" if last else "llvm.x86.aesni.aesenc"
    return builder.call(declared(builder, name, AS_WORDS, [AS_WORDS, AS_WORDS]), [value, key])


def _moved_up(builder: Any, value: Any, words: int) -> Any:
    """A block shifted by 32-bit words, zeros coming in."""
    zeros = ir.Constant(AS_HALVES, None)
    order = ir.Constant(ir.VectorType(HALF, 4), [4] * words + list(range(4 - words)))
    return builder.bitcast(builder.shuffle_vector(builder.bitcast(value, AS_HALVES), zeros, order), AS_WORDS)


def _next_key(builder: Any, key: Any, number: int) -> Any:
    """SubWord by the last round's instruction: in a block of four equal words it moves no octet out of its word."""
    turned = shuffled(builder, key, _ROTATED_LAST_WORD)
    turned = _round(builder, turned, constant(bytes((number, 0, 0, 0)) * 4), last=True)
    for words in (1, 2):
        key = builder.xor(key, _moved_up(builder, key, words))
    return builder.xor(key, turned)


def _expand(_typing: Any, _key: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        keys = [arguments[0]]
        for number in _ROUND_CONSTANTS:
            keys.append(_next_key(builder, keys[-1], number))
        return context.make_tuple(builder, signature.return_type, keys)

    return keys_type(block), generate


def _encrypt(_typing: Any, _keys: Any, blocks: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        keys = [builder.extract_value(arguments[0], place) for place in range(ROUNDS + 1)]
        values = [builder.extract_value(arguments[1], place) for place in range(signature.args[1].count)]
        values = [builder.xor(value, keys[0]) for value in values]
        for number in range(1, ROUNDS + 1):
            values = [_round(builder, value, keys[number], number == ROUNDS) for value in values]
        return context.make_tuple(builder, signature.return_type, values)

    return blocks(keys_type, blocks), generate


def _counter_block(_typing: Any, _start: Any, _number: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        number = builder.bswap(builder.trunc(arguments[1], HALF))
        halves = builder.insert_element(builder.bitcast(arguments[0], AS_HALVES), number, HALF(3))
        return builder.bitcast(halves, AS_WORDS)

    return block(block, types.int64), generate


expand: Any = intrinsic(_expand)
"""`expand(key)`: the keys of the rounds, a tuple of eleven blocks."""

encrypt: Any = intrinsic(_encrypt)
"""`encrypt(keys, blocks)`: a tuple of blocks, enciphered side by side so that none waits for another."""

counter_block: Any = intrinsic(_counter_block)
"""`counter_block(start, number)`: a block with `number` as its last four octets, big-endian."""
