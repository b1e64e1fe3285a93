"""Typed access to raw memory, and operations on 64-bit words: the vocabulary of all kernels.

Addresses are bytes as 64-bit integers; an index counts cells. No access is checked: the
validator has proved every box to lie inside its buffer. A word is a signed 64-bit integer of
which only the bits matter; bit i of word w is feature 64 * w + i.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from spikeloom.backend.kernels.compile import extending, helper, types
from spikeloom.backend.kernels.llvm import DOUBLE, DOUBLE_WORD, FALSE, SINGLE, WORD, declare

WORD_BITS = 64


def _load(cell: Any, stored: Any) -> Any:
    """An intrinsic that reads a `stored` cell and widens integers to 64 bits."""

    def definition(context: Any, address: Any, index: Any) -> Any:
        def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            value = builder.load(_cell(builder, arguments, stored))
            return builder.sext(value, DOUBLE_WORD) if stored is WORD else value

        return cell(types.intp, types.intp), generate

    return extending.intrinsic(definition)


def _store(cell: Any, stored: Any) -> Any:
    """An intrinsic that writes a `stored` cell, narrowing integers from 64 bits."""

    def definition(context: Any, address: Any, index: Any, value: Any) -> Any:
        def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            *place, content = arguments
            content = builder.trunc(content, WORD) if stored is WORD else content
            builder.store(content, _cell(builder, place, stored))
            return target.get_dummy_value()

        return types.void(types.intp, types.intp, cell), generate

    return extending.intrinsic(definition)


def _cell(builder: Any, place: Any, stored: Any) -> Any:
    pointer = builder.inttoptr(place[0], stored.as_pointer())
    return builder.gep(pointer, [place[1]], source_etype=stored)


def _count_bits(name: str, *constants: Any) -> Any:
    """An intrinsic for one of LLVM's bit counting functions on a word."""

    def definition(context: Any, word: Any) -> Any:
        def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            parameters = [DOUBLE_WORD, *(constant.type for constant in constants)]
            function = declare(builder, name, DOUBLE_WORD, parameters)
            return builder.call(function, [*arguments, *constants])

        return types.int64(types.int64), generate

    return extending.intrinsic(definition)


load_f32: Callable[[int, int], np.float32] = _load(types.float32, SINGLE)
load_f64: Callable[[int, int], float] = _load(types.float64, DOUBLE)
load_i32: Callable[[int, int], int] = _load(types.int64, WORD)
load_word: Callable[[int, int], int] = _load(types.int64, DOUBLE_WORD)
store_f64: Callable[[int, int, float], None] = _store(types.float64, DOUBLE)
store_f32: Callable[[int, int, np.float32], None] = _store(types.float32, SINGLE)
store_i32: Callable[[int, int, int], None] = _store(types.int64, WORD)
store_word: Callable[[int, int, int], None] = _store(types.int64, DOUBLE_WORD)
population_count: Callable[[int], int] = _count_bits("llvm.ctpop.i64")
trailing_zeros: Callable[[int], int] = _count_bits("llvm.cttz.i64", FALSE)


@helper
def low_bits(count: int) -> int:
    """A word whose lowest `count` bits are one; all of them from 64 on."""
    return -1 if count >= 64 else (1 << count) - 1


@helper
def load_bits(address: int, index: int, count: int) -> int:
    """Word `index` with everything but its lowest `count` bits cleared."""
    return load_word(address, index) & low_bits(count)


@helper
def load_bit(address: int, index: int) -> int:
    """Bit `index` of a row of bits."""
    return (load_word(address, index >> 6) >> (index & 63)) & 1


@helper
def store_bits(address: int, index: int, count: int, word: int) -> None:
    """Writes the lowest `count` bits of word `index` and leaves the others as they are."""
    if count >= 64:
        store_word(address, index, word)
    else:
        keep = ~low_bits(count)
        store_word(address, index, (load_word(address, index) & keep) | (word & ~keep))
