"""Masks of results: cells whose bit is zero stay as they are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.kernels.compile import helper
from spikeloom.backend.kernels.memory import load_bits, load_f32, store_f32

Singles = NDArray[np.float32]

MASK = 3
"""The role of `backpropagate`'s mask."""


@helper
def keep_cells(row: int, kept: Singles) -> None:
    """Copies the first cells of a row, as many as there is room for."""
    for cell in range(len(kept)):
        kept[cell] = load_f32(row, cell)


@helper
def put_back_masked(row: int, mask: int, kept: Singles) -> None:
    """Gives the cells that the mask leaves out what they held."""
    for first in range(0, len(kept), 64):
        cells = min(64, len(kept) - first)
        bits = load_bits(mask, first >> 6, cells)
        for cell in range(cells):
            if (bits >> cell) & 1 == 0:
                store_f32(row, first + cell, kept[first + cell])
