"""Machines with other numbers than the bundled one."""

from __future__ import annotations

import json

import numpy as np

from spikeloom.backend.machine.description import Machine, load_machine

LARGE = dict.fromkeys(load_machine().memory_bytes, 1 << 28)
"""Memories that every small stream fits."""


def machine(**numbers: int) -> Machine:
    """The default machine with other numbers, named `section_..._key`."""
    tables = json.loads(load_machine().to_json())
    for name, value in numbers.items():
        *path, key = name.split("__")
        table = tables
        for part in path:
            table = table[part]
        table[key]["value"] = value
    return Machine.from_json(json.dumps(tables))


def random_machine(seed: int, **fixed: int) -> Machine:
    """Random rates, lanes and latencies, but for what is fixed, named as in `machine`."""
    rng = np.random.default_rng(seed)
    numbers = {
        "clock__issue_rate": int(rng.integers(1, 4)),
        "dram__bandwidth": 8000,
        "dram__watched_parts": int(rng.integers(1, 9)),
        "dram__queues__dma_wue_store": int(rng.integers(1, 2000)),
        "dram__queues__dma": int(rng.integers(1, 2000)),
        "dram__queues__dma_store": int(rng.integers(1, 2000)),
        "dram__queues__dma_wue": int(rng.integers(1, 2000)),
        "dram__latency": int(rng.integers(1, 200)),
        "engines__nu__lanes": int(rng.integers(1, 300)),
        "engines__loss__latency": int(rng.integers(1, 300)),
        "engines__opt__lanes": int(rng.integers(1, 100)),
    }
    for engine in ("fe", "be", "wue"):
        numbers[f"engines__{engine}__input_lanes"] = int(rng.integers(1, 70))
        numbers[f"engines__{engine}__output_lanes"] = int(rng.integers(1, 70))
        numbers[f"engines__{engine}__latency"] = int(rng.integers(1, 20))
    return machine(**(numbers | fixed))
