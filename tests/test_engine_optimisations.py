"""Optimised engines learn the same: equal where nothing is regrouped, close where tables are."""

from __future__ import annotations

import numpy as np
import pytest
from agreement import PARAMETER_TOLERANCE, assert_agrees, assert_close
from engine_gradients import Engine
from pass_combinations import random_combination
from random_batches import random_batch
from random_image_networks import COMBINATIONS, random_image_network
from random_networks import random_network
from reference_gradients import Gradients, evaluate
from snn_program import Network

NETWORKS = [(random_network, seed) for seed in range(10)]
NETWORKS += [(random_image_network, seed) for seed in range(10)]
networks = pytest.mark.parametrize(("make", "seed"), NETWORKS)


def run(network: Network, seed: int, passes: str) -> tuple[Gradients, dict[str, np.ndarray], dict]:
    """Gradients, updated parameters, and counters."""
    parameters, batch = random_batch(network, seed)
    engine = Engine(network, passes=passes)
    engine.write_parameters(parameters)
    gradients = engine.run(batch)
    return gradients, engine.read_parameters(), engine.counters()


def assert_equal(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert np.array_equal(found[name], values, equal_nan=True), name


EXACT = (
    "mask-gradients",
    "mask-gradients{skip=input}",
    "mask-gradients{skip=output}",
    "mask-gradients{skip=none}",
    "fuse-luts{accumulate=plain}",
    "mask-gradients,fuse-luts{accumulate=events}",
)


@networks
def test_what_is_left_out_changes_nothing(make, seed: int) -> None:
    network = make(seed)
    plain, updated, counters = run(network, seed, "")
    for passes in EXACT:
        found, parameters, others = run(network, seed, passes)
        assert_equal(dict(found.gradients), dict(plain.gradients))
        assert_equal(found.spikes, plain.spikes)
        assert_equal(parameters, updated)
        assert found.loss == plain.loss
        for engine in ("fe", "be", "wue"):
            name = f"{engine}__additions_dense"
            assert others[name] == counters[name]


@networks
@pytest.mark.parametrize(
    "passes",
    ["mask-gradients,fuse-luts", "fuse-luts{width=4}", "fuse-luts{width=3}", "fuse-luts{width=1}"],
)
def test_tables_learn_the_same_up_to_rounding(make, seed: int, passes: str) -> None:
    network = make(seed)
    parameters, batch = random_batch(network, seed)
    found, _, _ = run(network, seed, passes)
    assert_agrees(found, evaluate(network, parameters, batch))


@pytest.mark.parametrize("seed", range(200, 200 + len(COMBINATIONS)))
def test_whatever_is_combined_learns_the_same(seed: int) -> None:
    """What is skipped x how spikes are added up x what overlaps, on all kinds of blocks."""
    network = random_image_network(seed)
    parameters, batch = random_batch(network, seed)
    found, updated, _ = run(network, seed, random_combination(seed))
    assert_agrees(found, evaluate(network, parameters, batch))
    plain = run(network, seed, "")[1]
    assert_close(updated, plain, PARAMETER_TOLERANCE)


def test_either_kind_of_sparsity_saves_work_and_both_save_most() -> None:
    """Cycles of the Backward Engine, and products that it performs."""
    network = random_image_network(1)
    found = {
        skip: run(network, 1, f"mask-gradients{{skip={skip}}}")[2]
        for skip in ("none", "input", "output", "dual")
    }
    cycles = {skip: counters["be__cycles_active"] for skip, counters in found.items()}
    products = {skip: c["be__multiplications_issued"] for skip, c in found.items()}
    for counted in (cycles, products):
        assert counted["dual"] <= min(counted["input"], counted["output"])
        assert max(counted["input"], counted["output"]) <= counted["none"]
    dense = found["none"]
    assert products["none"] == dense["be__multiplications_dense"]
    assert products["dual"] < products["none"]
