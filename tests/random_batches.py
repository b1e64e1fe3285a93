"""Random parameters and batches on which rounding decides nothing.

A spike is a comparison and a rectangle's edge another one: where a potential lies within
rounding of either, single and double precision may rightly disagree, and everything after it
differs. So the reference runs on more samples than are needed, and those are taken whose
potentials all keep a distance of `MARGIN`, far above the rounding of single precision, from
every threshold and edge; samples do not influence each other's potentials. Where too few are
left, everything is drawn anew; so it is where a gradient is below what single precision can hold,
or is what remains of terms that cancel each other. The seed alone decides all of it, and the
tolerance on gradients is not touched.

With a batchnorm samples do influence each other: then a batch is taken as a whole or not at all,
and parameters that are rounded differently must not move any gradient by much.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from reference_gradients import Batch, Gradients, Parameters, Unrolled, evaluate
from reference_images import pool_gap
from snn_program import Lif, Network, Pool2d

MARGIN = 1e-4
SMALLEST_GRADIENT = 1e-30
"""A softmax that is sure of its class leaves less, down to 1e-48, where floats end at 1e-38."""

CANCELLATION = 100.0
"""How much larger than a gradient its terms may be: rounding is relative to the terms."""

CANDIDATES = 200
ATTEMPTS = 30
BATCH_MARGIN, BATCH_ATTEMPTS = 2e-5, 400
"""Of a whole batch all potentials must keep the distance: a smaller one, after more draws."""

ROUNDING, SHIFTED_GRADIENT = 3e-7, 2e-5
"""By how much parameters are moved, relatively, and how far a gradient may then move."""


def random_batch(network: Network, seed: int) -> tuple[dict[str, NDArray[np.float32]], Batch]:
    """Parameters and a batch for a network, the same for the same seed."""
    random = np.random.default_rng([2025, seed])
    whole = bool(network.batchnorm_names)
    for _ in range(BATCH_ATTEMPTS if whole else ATTEMPTS):
        parameters = _parameters(network, random)
        signal = _signal(network, random, network.batch if whole else CANDIDATES)
        margin = BATCH_MARGIN if whole else MARGIN
        clear = np.flatnonzero(margins(network, parameters, signal) >= margin)
        if len(clear) >= network.batch:
            labels = random.integers(0, network.classes, network.batch).astype(np.int32)
            chosen = np.ascontiguousarray(signal[:, clear[: network.batch]])
            batch = Batch(chosen, labels)
            result = evaluate(network, parameters, batch)
            if _is_well_conditioned(result) and (
                not whole or _withstands_rounding(network, parameters, batch, result)
            ):
                return parameters, batch
    raise AssertionError(f"no clear batch for seed {seed}:\n{network.text()}")


def _withstands_rounding(
    network: Network, parameters: Parameters, batch: Batch, result: Gradients
) -> bool:
    """Whether gradients hardly move where every parameter moves within single precision."""
    random = np.random.default_rng(2027)
    moved = {
        name: tensor * (1.0 + ROUNDING * random.choice([-1.0, 1.0], tensor.shape))
        for name, tensor in parameters.items()
    }
    other = evaluate(network, moved, batch)
    return all(
        np.abs(other.gradients[name] - gradient).max() <= SHIFTED_GRADIENT * np.abs(gradient).max()
        for name, gradient in result.gradients.items()
    ) and all(np.array_equal(other.spikes[name], spikes) for name, spikes in result.spikes.items())


def _is_well_conditioned(result: Gradients) -> bool:
    """Whether rounding to single precision leaves every gradient's digits in place."""
    for name, gradient in result.gradients.items():
        largest, terms = np.abs(gradient).max(), result.magnitudes[name].max()
        if terms > 0.0 and (largest < SMALLEST_GRADIENT or terms > CANCELLATION * largest):
            return False
    return True


def _parameters(network: Network, random: np.random.Generator) -> dict[str, NDArray[np.float32]]:
    """Weights twice as wide as the language's start, so that small networks spike and learn."""
    ranges = {"scale": (0.5, 1.5), "mean": (-0.3, 0.3), "variance": (0.5, 1.5)}
    parameters: dict[str, NDArray[np.float32]] = {}
    for name, shape in network.parameter_shapes.items():
        low, high = ranges.get(name.rpartition(".")[2], (-0.2, 0.4))
        if len(shape) > 1:
            high = 2.0 / np.sqrt(np.prod(shape[1:]))
            low = -high
        parameters[name] = random.uniform(low, high, shape).astype(np.float32)
    return parameters


def _signal(network: Network, random: np.random.Generator, samples: int) -> NDArray[np.generic]:
    shape = (network.steps, samples, *network.input_shape)
    if network.input_kind == "currents":
        return random.normal(0.2, 0.6, shape).astype(np.float32)
    return (random.random(shape) < random.uniform(0.2, 0.7)).astype(np.uint8)


def margins(
    network: Network, parameters: Parameters, signal: NDArray[np.generic]
) -> NDArray[np.float64]:
    """Per sample the smallest distance of any potential from a threshold or an edge.

    Or of the largest current in a pool's window from the next one. It is relative to the sample's
    largest value where that is above 1, as rounding is.
    """
    forward = Unrolled(network, parameters, signal)
    samples = signal.shape[1]
    smallest, largest = np.full(samples, np.inf), np.ones(samples)
    for (layer, _), potential in forward.potentials.items():
        assert isinstance(layer, Lif)
        distance = np.abs(potential - layer.neuron.threshold)
        if layer.neuron.surrogate.kind == "rectangle":
            distance = np.minimum(distance, np.abs(distance - layer.neuron.surrogate.shape))
        smallest = np.minimum(smallest, distance.reshape(samples, -1).min(axis=1))
    for (pool, step), _ in forward.values.items():
        if isinstance(pool, Pool2d) and pool.kind == "max" and network.kind(pool) == "currents":
            smallest = np.minimum(smallest, pool_gap(pool, forward.value(pool.value, step)))
    for value in (*forward.values.values(), *forward.potentials.values()):
        largest = np.maximum(largest, np.abs(value).reshape(samples, -1).max(axis=1))
    return smallest / largest
