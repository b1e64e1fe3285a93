"""Surrogate gradients: the derivative that stands in for that of the step from 0 to 1.

With x = potential - threshold (Neftci, Mostafa & Zenke 2019; the forms are snnTorch's):

    rectangle     gain                                where |x| < half width, else 0
    triangle      gain * max(0, 1 - |x| / half width)
    fast sigmoid  1 / (1 + slope * |x|)^2
    arctangent    slope / 2 / (1 + (pi / 2 * slope * x)^2)
"""

from __future__ import annotations

import math

import numpy as np

from spikeloom.backend.kernels.compile import helper

RECTANGLE, TRIANGLE, FAST_SIGMOID, ARCTANGENT = 0, 1, 2, 3
RESET_TO_ZERO, RESET_BY_SUBTRACTION, NO_RESET = 0, 1, 2

_ZERO, _ONE = np.float32(0.0), np.float32(1.0)
_HALF, _HALF_PI = np.float32(0.5), np.float32(math.pi / 2)


@helper
def surrogate_gradient(
    surrogate: int, shape: np.float32, gain: np.float32, x: np.float32
) -> np.float32:
    """The derivative at distance `x` from the threshold; `shape` is a half width or a slope."""
    if surrogate == RECTANGLE:
        return gain if abs(x) < shape else _ZERO
    if surrogate == TRIANGLE:
        return gain * (_ONE - abs(x) / shape) if abs(x) < shape else _ZERO
    if surrogate == FAST_SIGMOID:
        denominator = _ONE + shape * abs(x)
        return _ONE / (denominator * denominator)
    argument = _HALF_PI * shape * x
    return _HALF * shape / (_ONE + argument * argument)


@helper
def has_gradient(surrogate: int, shape: np.float32, x: np.float32) -> bool:
    """Whether the mask bit is set: inside the half width, or anywhere for unbounded forms."""
    return surrogate > TRIANGLE or bool(abs(x) < shape)
