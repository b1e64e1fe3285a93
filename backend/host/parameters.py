"""Parameters and optimizer state between the language's shapes and the machine's buffers.

The language has weights as [out, in] and biases as [out]; buffers hold them as [1, 1, in, out]
and [1, 1, 1, out]. State is named as in a checkpoint: `parameter/hidden.weight`,
`optimizer/hidden.weight.velocity`, `optimizer/count`.
"""

from __future__ import annotations

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
    """A tensor of the language, [out, in] or [out], as the buffer holds it."""
    if tensor.ndim == 2:
        return np.ascontiguousarray(tensor.T)[None, None]
    return tensor[None, None, None]


def from_buffer(cells: Tensor, dimensions: int) -> Tensor:
    """The cells of a buffer as a tensor of the language with one or two dimensions."""
    return np.ascontiguousarray(cells[0, 0].T) if dimensions == 2 else cells[0, 0, 0].copy()


def buffer_shape(shape: tuple[int, ...]) -> Shape:
    """The shape of the buffer for a tensor of the language."""
    return (1, 1, shape[1], shape[0]) if len(shape) == 2 else (1, 1, 1, shape[0])
