"""Runs one kernel on numpy arrays, with rubbish in all padding that has to survive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from spikeloom.backend.kernels.dispatch import kernel_of
from spikeloom.backend.kernels.operands import (
    BOX_COLUMNS,
    COUNTS,
    OUTPUT_LANES,
    QUEUE_ROWS,
    RATES,
    scratch_bytes,
)
from spikeloom.dialects.instruction_set import (
    DIMENSIONS,
    MAX_AXES,
    MAX_IMMEDIATES,
    ONE,
    SPECS,
    Element,
    row_bytes,
)

SIZES = (1, 15, 16, 17, 63, 64, 65, 130)
T, B = 3, 2
THREADS = (1, 2, 3)
SINGLE = ("positions", "input_positions", "taps")
"""Axes that may be left out where they have one cell."""

ELEMENT_OF = {"uint8": Element.BIT, "float32": Element.F32, "int32": Element.I32}


class PaddedBuffer:
    """An array as the machine stores it, rows padded with random bytes."""

    def __init__(self, values: NDArray[np.generic]):
        self.element = ELEMENT_OF[values.dtype.name]
        self.shape, self.dtype = values.shape, values.dtype
        self.stride = row_bytes(self.element, values.shape[-1])
        size = int(np.prod(values.shape[:-1])) * self.stride
        block = np.random.default_rng(size).integers(0, 256, size + 64, dtype=np.uint8)
        start = -block.ctypes.data % 64
        self.bytes = block[start : start + size].reshape(*values.shape[:-1], self.stride)
        self._cells()[..., : self.shape[-1]] = values
        self._store_bits()
        self.padding = self._cells()[..., self.shape[-1] :].copy()

    def _cells(self) -> NDArray[np.generic]:
        if self.element is Element.BIT:
            self._bits = np.unpackbits(self.bytes, axis=-1, bitorder="little")
            return self._bits
        return self.bytes.view(self.dtype)

    def _store_bits(self) -> None:
        if self.element is Element.BIT:
            self.bytes[...] = np.packbits(self._bits, axis=-1, bitorder="little")

    def values(self) -> NDArray[np.generic]:
        cells = self._cells()
        assert cells[..., self.shape[-1] :].tobytes() == self.padding.tobytes(), "padding changed"
        return cells[..., : self.shape[-1]].copy()


@dataclass
class Outcome:
    """Every operand after the instruction, and what was counted, all threads together."""

    arrays: dict[str, NDArray]
    counts: NDArray[np.int64]


def execute(
    name: str,
    operands: Mapping[str, NDArray],
    extents: Sequence[int],
    immediates: Sequence[float] = (),
    threads: int = 1,
    lanes: int = 64,
    output_lanes: int = 64,
    queue_rows: int = 64,
) -> Outcome:
    """Executes instruction `name`; `operands` by role: uint8 bits, float32 or int32, 4 axes.

    A single position may be left out of arrays, which then have 3 axes (weights leave out their
    unused one), and single rows of positions and taps of the extents; a window then has one
    tap. Arrays come back as they were given.
    """
    spec = SPECS[name]
    buffers: dict[str, PaddedBuffer] = {}
    boxes = np.zeros((RATES + 1, BOX_COLUMNS), np.int64)
    boxes[RATES, [OUTPUT_LANES, QUEUE_ROWS]] = output_lanes, queue_rows
    for index, role in enumerate(spec.roles):
        if role.name not in operands:
            continue
        values = operands[role.name]
        if values.ndim == DIMENSIONS - 1:
            values = np.expand_dims(values, 1 if role.dims[1] == ONE else 2)
        buffer = buffers[role.name] = PaddedBuffer(values)
        sample = buffer.stride * buffer.shape[2]
        step = sample * buffer.shape[1]
        bits = 1 if buffer.element is Element.BIT else 32
        boxes[index, :5] = buffer.bytes.ctypes.data, step, sample, buffer.stride, bits
    if len(extents) < len(spec.axes):
        left_out = ("rows",) if "planes" in spec.axes else SINGLE
        given = iter(extents)
        extents = [1 if axis in left_out else next(given) for axis in spec.axes]
        assert next(given, None) is None
    if not immediates and "taps" in spec.axes:
        immediates = (1, 1, 1, 1, 0, 0)[: len(spec.immediates)]
    assert len(extents) == len(spec.axes)
    lengths, numbers = np.zeros(MAX_AXES, np.int64), np.zeros(MAX_IMMEDIATES)
    lengths[: len(extents)], numbers[: len(immediates)] = extents, immediates
    cells = max(b.shape[2] * b.shape[3] for b in buffers.values())
    scratch = np.zeros(scratch_bytes(max(b.shape[3] for b in buffers.values()), cells), np.uint8)
    counts = np.zeros((threads, COUNTS), np.int64)
    kernel = kernel_of(name, list(buffers.values())[-1].element)
    for thread in range(threads):
        arguments = (boxes, lengths, numbers, lanes, counts[thread])
        kernel(*arguments, scratch.ctypes.data, thread, threads)
    arrays = {role: buffers[role].values().reshape(v.shape) for role, v in operands.items()}
    return Outcome(arrays, counts.sum(axis=0))


def generator(size: int) -> np.random.Generator:
    """Random numbers that depend on the size alone."""
    return np.random.default_rng(size)


def spikes(rng: np.random.Generator, *shape: int, density: float = 0.3) -> NDArray[np.uint8]:
    """Random bits."""
    return (rng.random(shape) < density).astype(np.uint8)


def floats(rng: np.random.Generator, *shape: int) -> NDArray[np.float32]:
    """Random numbers, none of them zero."""
    return rng.standard_normal(shape, dtype=np.float32)


def sparse_floats(rng: np.random.Generator, *shape: int) -> NDArray[np.float32]:
    """Random numbers, most of them zero."""
    return floats(rng, *shape) * spikes(rng, *shape)


def same_for_all_threads(name, operands, extents, immediates=()) -> Outcome:
    """The outcome, after checking that 1, 2 and 3 threads give the same bits and counts."""
    outcomes = [execute(name, operands, extents, immediates, threads) for threads in THREADS]
    for outcome in outcomes[1:]:
        for role, values in outcomes[0].arrays.items():
            assert outcome.arrays[role].tobytes() == values.tobytes(), role
        assert outcome.counts.tolist() == outcomes[0].counts.tolist()
    return outcomes[0]


def close(found: NDArray, expected: NDArray) -> bool:
    """Equal but for single precision's rounding of sums."""
    scale = max(1.0, float(np.abs(expected).max()))
    return bool(np.allclose(found, expected, rtol=1e-5, atol=1e-5 * scale))


pairs = pytest.mark.parametrize(
    ("inputs", "outputs"),
    [(n, SIZES[-1 - i]) for i, n in enumerate(SIZES)] + [(n, n) for n in SIZES],
)
sizes = pytest.mark.parametrize("units", SIZES)
