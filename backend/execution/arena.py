"""The memory of one executor: every memory of the machine in one aligned block of bytes."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.stream.stream import ELEMENTS, Stream
from spikeloom.diagnostics import error
from spikeloom.dialects.instruction_set import BUFFER_ALIGNMENT, MEMORIES, Element, row_bytes

_WORD_TYPES = {Element.F32: np.dtype("<f4"), Element.I32: np.dtype("<i4")}


class Arena:
    """Memory for the buffers of a stream, zero at first.

    A memory takes as much as the stream's buffers in it need; DRAM as well. Rows are padded as
    `row_bytes` says; what padding holds never matters.

    Raises:
        DiagnosticError: E0302 when this computer has not that much memory.
    """

    def __init__(self, stream: Stream):
        self._stream = stream
        ends = [BUFFER_ALIGNMENT] + [0] * (len(MEMORIES) - 1)
        for buffer in stream.buffers:
            memory = int(buffer["memory"])
            ends[memory] = max(ends[memory], int(buffer["offset"]) + int(buffer["bytes"]))
        starts = np.concatenate([[0], np.cumsum(ends)[:-1]]).astype(np.int64)
        try:
            block: NDArray[np.uint8] = np.zeros(sum(ends) + BUFFER_ALIGNMENT, np.uint8)
        except (MemoryError, ValueError):
            message = f"the program's buffers need {sum(ends)} bytes of this computer's memory"
            raise error("E0302", message) from None
        skipped = -block.ctypes.data % BUFFER_ALIGNMENT
        self._bytes = block[skipped : skipped + sum(ends)]
        self._starts = starts[stream.buffers["memory"]] + stream.buffers["offset"]

    @property
    def addresses(self) -> NDArray[np.int64]:
        """Where each buffer lies in this process; valid as long as the arena is."""
        return self._starts + self._bytes.ctypes.data

    def read(self, buffer: int) -> NDArray[np.generic]:
        """A copy of a buffer without its padding; bits as 0 and 1 of type uint8."""
        element, features, rows = self._rows(buffer)
        if element is Element.BIT:
            return np.unpackbits(rows, axis=-1, count=features, bitorder="little")
        return rows.view(_WORD_TYPES[element])[..., :features].copy()

    def write(self, buffer: int, values: NDArray[np.generic]) -> None:
        """Fills a whole buffer; `values` has its shape, and its element's type or one that fits.

        Raises:
            ValueError: the shape is another one, or the type cannot be converted.
        """
        element, features, rows = self._rows(buffer)
        shape = (*rows.shape[:-1], features)
        if values.shape != shape:
            name = self._stream.buffer_names[buffer]
            raise ValueError(f"buffer {name} has the shape {shape}, not {values.shape}")
        if element is Element.BIT:
            packed = np.packbits(values != 0, axis=-1, bitorder="little")
            rows[..., : packed.shape[-1]] = packed
        else:
            rows.view(_WORD_TYPES[element])[..., :features] = values

    def _rows(self, buffer: int) -> tuple[Element, int, NDArray[np.uint8]]:
        """Element, features, and the bytes as [steps, samples, positions, bytes of a row]."""
        entry = self._stream.buffers[buffer]
        element = ELEMENTS[int(entry["element"])]
        *outer, features = (int(length) for length in entry["shape"])
        stride = row_bytes(element, features)
        start = int(self._starts[buffer])
        flat = self._bytes[start : start + math.prod(outer) * stride]
        return element, features, flat.reshape(*outer, stride)
