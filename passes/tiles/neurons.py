"""The numbers of every neuron: what it does with its current."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from spikeloom.dialects.neuron import Reset
from spikeloom.dialects.snn import LifOp, LiOp, Pool2dOp
from spikeloom.passes.clustering.network_layers import Layer
from spikeloom.passes.clustering.unrolling import Unrolled


class Kind(IntEnum):
    """What a neuron does, as `update_neurons` knows it."""

    FIRES = 0
    INTEGRATES = 1
    ADDS_UP = 2


KIND, DECAY, THRESHOLD, RESET = range(4)
NUMBERS = 4
"""Rows of the numbers of neurons."""

_RESETS = {Reset.ZERO: 0.0, Reset.SUBTRACT: 1.0, Reset.NONE: 2.0}
_REPEATS = (Kind.FIRES, 0.0, 0.5, _RESETS[Reset.ZERO])
"""Fires in the step in which its input of weight 1 does, and remembers nothing."""


def numbers_of(network: Unrolled, layers: Sequence[Layer]) -> NDArray[np.float32]:
    """[NUMBERS, n]: kind, decay, threshold and reset of every neuron, element and relay."""
    found = np.zeros((NUMBERS, network.connections.neurons), np.float32)
    for layer in layers:
        if layer.is_computed:
            found[:, layer.neurons.start : layer.neurons.stop] = np.array(_numbers(layer))[:, None]
    found[:, network.is_partial] = np.array([[Kind.ADDS_UP], [0.0], [0.0], [0.0]])
    found[:, network.is_relay] = np.array(_REPEATS)[:, None]
    return found


def _numbers(layer: Layer) -> tuple[float, ...]:
    op = layer.value.owner
    if layer.repeats is not None or isinstance(op, Pool2dOp):
        return _REPEATS
    if isinstance(op, LifOp):
        neuron = op.neuron
        reset = _RESETS[neuron.reset.data]
        return (Kind.FIRES, neuron.decay.value.data, neuron.threshold.value.data, reset)
    if isinstance(op, LiOp):
        return (Kind.INTEGRATES, op.decay.value.data, 0.0, 0.0)
    return (Kind.ADDS_UP, 0.0, 0.0, 0.0)
