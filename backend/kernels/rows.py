"""Sums of chosen rows: the inner loop of every product with a sparse operand.

    out[0:width] += sum over k, ascending, of scale[k] * row[offsets[k]][0:width]

Accumulators stay in vector registers for the whole list. Each output cell is a chain of
single additions (or fused multiply-adds) in the order of the list, so that the result does not
depend on the width of the tile, nor on who computes it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from spikeloom.backend.kernels.compile import extending, helper, types
from spikeloom.backend.kernels.llvm import (
    BIT,
    DOUBLE_WORD,
    LANES,
    SINGLE,
    VECTOR,
    WORD,
    constant,
    declare,
    ir,
)

_LANE_NUMBERS: Any = ir.Constant(ir.VectorType(WORD, LANES), list(range(LANES)))
_TO_ALL_LANES: Any = ir.Constant(ir.VectorType(WORD, LANES), [0] * LANES)
_VECTOR_BYTES = LANES * 4


def _splat(builder: Any, value: Any, vector: Any) -> Any:
    undefined = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undefined, value, ir.Constant(WORD, 0))
    return builder.shuffle_vector(first, undefined, _TO_ALL_LANES)


def _load_vector(builder: Any, address: Any, position: int) -> Any:
    place = builder.add(address, constant(position * _VECTOR_BYTES))
    value = builder.load(builder.inttoptr(place, VECTOR.as_pointer()), typ=VECTOR)
    value.align = 4
    return value


def _store_lanes(builder: Any, value: Any, address: Any, lanes: Any) -> None:
    """Stores the lowest `lanes` lanes and leaves the memory behind them alone."""
    pointer = builder.inttoptr(address, VECTOR.as_pointer())
    count = _splat(builder, builder.trunc(lanes, WORD), ir.VectorType(WORD, LANES))
    mask = builder.icmp_signed("<", _LANE_NUMBERS, count)
    parameters = [VECTOR, pointer.type, WORD, ir.VectorType(BIT, LANES)]
    function = declare(builder, "llvm.masked.store.v16f32.p0", ir.VoidType(), parameters)
    builder.call(function, [value, pointer, ir.Constant(WORD, 4), mask])


def _cell(builder: Any, address: Any, index: Any, cell: Any) -> Any:
    pointer = builder.inttoptr(address, cell.as_pointer())
    return builder.load(builder.gep(pointer, [index], source_etype=cell), typ=cell)


def _add_rows(vectors: int, scaled: bool) -> Any:
    """An intrinsic `(out, base, offsets, scales, count, lanes)` for a tile of 16 x `vectors`.

    `offsets` are 32-bit byte distances from `base`. Only the last vector may be partial:
    `lanes` of it are stored (all of it is read: rows are padded to whole vectors).
    """

    def body(builder: Any, base: Any, offsets: Any, scales: Any, k: Any, sums: list[Any]) -> Any:
        offset = builder.zext(_cell(builder, offsets, k, WORD), DOUBLE_WORD)
        row = builder.add(base, offset)
        cells = [_load_vector(builder, row, v) for v in range(vectors)]
        if not scaled:
            return [builder.fadd(a, cell) for a, cell in zip(sums, cells, strict=True)]
        scale = _splat(builder, _cell(builder, scales, k, SINGLE), VECTOR)
        fma = declare(builder, "llvm.fma.v16f32", VECTOR, [VECTOR] * 3)
        return [builder.call(fma, [scale, x, a]) for a, x in zip(sums, cells, strict=True)]

    def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        out, base, offsets, scales, count, lanes = arguments
        first = [_load_vector(builder, out, v) for v in range(vectors)]
        before, loop = builder.block, builder.append_basic_block("rows")
        after = builder.append_basic_block("rows.end")
        builder.cbranch(builder.icmp_signed(">", count, constant(0)), loop, after)
        builder.position_at_end(loop)
        k = builder.phi(DOUBLE_WORD)
        sums = [builder.phi(VECTOR) for _ in range(vectors)]
        new = body(builder, base, offsets, scales, k, sums)
        following = builder.add(k, constant(1))
        for phi, start, step in zip(
            [k, *sums], [constant(0), *first], [following, *new], strict=True
        ):
            phi.add_incoming(start, before)
            phi.add_incoming(step, loop)
        builder.cbranch(builder.icmp_signed("<", following, count), loop, after)
        builder.position_at_end(after)
        results: list[Any] = []
        for start, step in zip(first, new, strict=True):
            phi = builder.phi(VECTOR)
            phi.add_incoming(start, before)
            phi.add_incoming(step, loop)
            results.append(phi)
        for v, value in enumerate(results):
            rest = lanes if v == vectors - 1 else constant(LANES)
            place = builder.add(out, constant(v * _VECTOR_BYTES))
            _store_lanes(builder, value, place, rest)
        return target.get_dummy_value()

    def definition(
        context: Any, out: Any, base: Any, offsets: Any, scales: Any, count: Any, lanes: Any
    ) -> Any:
        return types.void(*[types.intp] * 6), generate

    return extending.intrinsic(definition)


_Tile = Callable[[int, int, int, int, int, int], None]
_add_128: _Tile = _add_rows(8, False)
_add_32: _Tile = _add_rows(2, False)
_add_16: _Tile = _add_rows(1, False)
_add_scaled_128: _Tile = _add_rows(8, True)
_add_scaled_32: _Tile = _add_rows(2, True)
_add_scaled_16: _Tile = _add_rows(1, True)


@helper
def add_rows(out: int, base: int, offsets: int, count: int, width: int) -> None:
    """Adds the listed rows to `width` cells at `out`; `out` and rows are padded to 16 cells."""
    column = 0
    while column + 112 < width:
        lanes = min(16, width - column - 112)
        _add_128(out + 4 * column, base + 4 * column, offsets, 0, count, lanes)
        column += 128
    while column + 16 < width:
        lanes = min(16, width - column - 16)
        _add_32(out + 4 * column, base + 4 * column, offsets, 0, count, lanes)
        column += 32
    if column < width:
        _add_16(out + 4 * column, base + 4 * column, offsets, 0, count, width - column)


@helper
def add_scaled_rows(out: int, base: int, offsets: int, scales: int, count: int, width: int) -> None:
    """As `add_rows`, each row multiplied with its single-precision scale, fused."""
    column = 0
    while column + 112 < width:
        lanes = min(16, width - column - 112)
        _add_scaled_128(out + 4 * column, base + 4 * column, offsets, scales, count, lanes)
        column += 128
    while column + 16 < width:
        lanes = min(16, width - column - 16)
        _add_scaled_32(out + 4 * column, base + 4 * column, offsets, scales, count, lanes)
        column += 32
    if column < width:
        _add_scaled_16(out + 4 * column, base + 4 * column, offsets, scales, count, width - column)
