"""Parameters and optimizer state between the language's shapes and the machine's buffers.

The language has weights as [out, in], those of convolutions as [out, in, kernel, kernel], and
numbers per unit or channel as [out]; buffers hold them as [taps, 1, in, out], a tap per pixel of
the kernel, row by row, and [1, 1, 1, out]. State is named as in a checkpoint:
`parameter/hidden.weight`, `optimizer/hidden.weight.velocity`, `optimizer/count`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.host.plan import ParameterPlan
from spikeloom.backend.host.randomness import Purpose, generator
from spikeloom.dialects.instruction_set import Shape

Tensor = NDArray[Any]
State = Mapping[str, Tensor]
"""Tensors in the language's shapes, by name."""

STATE_KINDS = ("parameter", "optimizer")
"""Kinds of buffer roles that outlive a batch."""


def initial_parameter(parameter: ParameterPlan, index: int, seed: int) -> NDArray[np.float32]:
    """Uniform in (-k, k) with k = 1 / sqrt(fan_in), or constant, as the plan says.

    `index` is the place among all parameters.
    """
    if parameter.fan_in is None:
        return np.full(parameter.shape, parameter.constant, np.float32)
    bound = 1.0 / np.sqrt(parameter.fan_in)
    random = generator(seed, Purpose.PARAMETER, index)
    return random.uniform(-bound, bound, parameter.shape).astype(np.float32)


def to_buffer(tensor: Tensor) -> Tensor:
    """A tensor of the language, [out] or [out, in, ...kernel], as the buffer holds it."""
    if tensor.ndim == 1:
        return tensor[None, None, None]
    taps_last = tensor.reshape(*tensor.shape[:2], -1)
    return np.ascontiguousarray(taps_last.T)[:, None]


def from_buffer(cells: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The cells of a buffer as a tensor of the language with that shape."""
    if len(shape) == 1:
        return cells[0, 0, 0].copy()
    return np.ascontiguousarray(cells[:, 0].T).reshape(shape)


def buffer_shape(shape: tuple[int, ...]) -> Shape:
    """The shape of the buffer for a tensor of the language."""
    outputs, *inputs = shape
    return (math.prod(inputs[1:]), 1, inputs[0] if inputs else 1, outputs)
