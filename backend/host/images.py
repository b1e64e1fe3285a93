"""Samples between the language's shapes and the machine's buffers.

The language has a sample as [channels, ...pixels] or [cells]; a buffer holds it as positions by
features, the pixels of a channel being positions. Above and below an image a buffer may have rows
of zeros, as many on either side; before the first step it may have steps of zeros.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spikeloom.dialects.instruction_set import Shape

Cells = NDArray[Any]


def pixels_and_features(shape: tuple[int, ...]) -> tuple[int, int]:
    """Positions and features of one sample of this shape."""
    return math.prod(shape[1:]), shape[0] if shape else 1


def to_positions(signal: Cells, shape: tuple[int, ...]) -> Cells:
    """`signal` [steps, samples, cells] as [steps, samples, positions, features]."""
    pixels, features = pixels_and_features(shape)
    channels_first = signal.reshape(*signal.shape[:2], features, pixels)
    return channels_first.swapaxes(2, 3)


def fill(buffer: Shape, signal: Cells, shape: tuple[int, ...]) -> Cells:
    """The cells of a buffer that holds `signal` [steps, samples, cells], zeros around it."""
    cells = np.zeros(buffer, signal.dtype)
    inner = to_positions(signal, shape)
    margin = (buffer[2] - inner.shape[2]) // 2
    cells[len(cells) - len(signal) :, :, margin : margin + inner.shape[2]] = inner
    return cells


def extract(cells: Cells, steps: int, shape: tuple[int, ...]) -> Cells:
    """The samples in the cells of a buffer: [steps, samples, ...shape]."""
    pixels, _ = pixels_and_features(shape)
    margin = (cells.shape[2] - pixels) // 2
    inner = cells[len(cells) - steps :, :, margin : margin + pixels]
    return np.ascontiguousarray(inner.swapaxes(2, 3)).reshape(*inner.shape[:2], *shape)


def expected_shape(found: Shape, steps: int, samples: int, shape: tuple[int, ...]) -> Shape:
    """The buffer of a signal of this shape with the zeros around it that `found` has."""
    pixels, features = pixels_and_features(shape)
    lead = max(0, found[0] - steps)
    around = 2 * (shape[-1] if len(shape) > 1 else 1)
    rows = max(0, found[2] - pixels) // around if len(shape) > 1 else 0
    return (lead + steps, samples, pixels + rows * around, features)
