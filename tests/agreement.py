"""When two computations of one training step agree."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from reference_gradients import Gradients

GRADIENT_TOLERANCE = 1e-4
"""Relative to the largest entry of a parameter's gradient."""

LOSS_TOLERANCE = 1e-5
PARAMETER_TOLERANCE = 1e-5
"""Relative to the largest entry of a parameter."""


def assert_agrees(actual: Gradients, expected: Gradients) -> None:
    """Decisions and spikes exactly, loss and gradients within the tolerances."""
    assert actual.spikes.keys() == expected.spikes.keys()
    for layer, spikes in expected.spikes.items():
        np.testing.assert_array_equal(actual.spikes[layer], spikes, f"spikes of {layer}")
    assert actual.correct == expected.correct
    assert abs(actual.loss - expected.loss) <= LOSS_TOLERANCE * max(1.0, abs(expected.loss))
    assert_close(actual.gradients, expected.gradients, GRADIENT_TOLERANCE)
    assert_close(actual.running, expected.running, PARAMETER_TOLERANCE)


def assert_close(
    actual: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray], tolerance: float
) -> None:
    """Every tensor within `tolerance` of its own largest entry; a zero tensor exactly."""
    assert actual.keys() == expected.keys()
    for name, tensor in expected.items():
        assert actual[name].shape == tensor.shape, name
        largest, error = np.abs(tensor).max(), np.abs(actual[name] - tensor).max()
        assert error <= tolerance * largest, f"{name}: off by {error} of {largest}"
