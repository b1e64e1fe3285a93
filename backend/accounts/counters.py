"""The registry of performance counters of a training machine: the one place that declares them.

A counter is an integer named `unit__quantity_qualifier`. The unit is an engine, a memory or the
whole `machine`.
"""

from __future__ import annotations

from dataclasses import dataclass

from spikeloom.backend.accounts import quantities as q
from spikeloom.dialects.instruction_set import (
    DMA_ENGINES,
    ENGINE_DESCRIPTIONS,
    MEMORIES,
    TRAINING_ENGINES,
    Engine,
)


@dataclass(frozen=True)
class Quantity:
    """What one column of a run's counts means, and which engines can count it."""

    name: str
    unit: str
    description: str
    engines: tuple[Engine, ...]


@dataclass(frozen=True)
class CounterSpec:
    """One counter: its name, the unit of its value and one line of description."""

    name: str
    unit: str
    description: str


_ALL = TRAINING_ENGINES
_ARITHMETIC = tuple(engine for engine in TRAINING_ENGINES if engine not in DMA_ENGINES)
_EVENTS = (Engine.FORWARD, Engine.WEIGHT_UPDATE)
_SKIPPING = (Engine.FORWARD, Engine.BACKWARD, Engine.WEIGHT_UPDATE)
_MASKED = (Engine.BACKWARD,)
_CYCLES, _ADDITIONS, _MULTIPLICATIONS = "cycles", "additions", "multiplications"

QUANTITIES: dict[int, Quantity] = {
    q.INSTRUCTIONS: Quantity(
        "instructions_executed", "instructions", "instructions finished", _ALL
    ),
    q.CYCLES_ACTIVE: Quantity("cycles_active", _CYCLES, "executing an instruction", _ALL),
    q.CYCLES_WAITING_FOR_ISSUE: Quantity(
        "cycles_waiting_for_issue", _CYCLES, "free, its next instruction not yet issued", _ALL
    ),
    q.CYCLES_STALLED_ON_BACKPRESSURE: Quantity(
        "cycles_stalled_on_backpressure", _CYCLES, "operands ready, destination still in use", _ALL
    ),
    q.ADDITIONS_DENSE: Quantity(
        "additions_dense", _ADDITIONS, "additions that a dense engine would perform", _ARITHMETIC
    ),
    q.ADDITIONS_ISSUED: Quantity(
        "additions_issued", _ADDITIONS, "additions performed, comparisons included", _ARITHMETIC
    ),
    q.ADDITIONS_SKIPPED_INPUT: Quantity(
        "additions_skipped_input",
        _ADDITIONS,
        "left out: the input did not spike, or the gradient was zero or outside the image",
        _SKIPPING,
    ),
    q.ADDITIONS_SKIPPED_OUTPUT: Quantity(
        "additions_skipped_output", _ADDITIONS, "left out, the result was masked", _MASKED
    ),
    q.ADDITIONS_SKIPPED_BOTH: Quantity(
        "additions_skipped_both", _ADDITIONS, "left out for both reasons", _MASKED
    ),
    q.ADDITIONS_FUSED: Quantity(
        "additions_fused", _ADDITIONS, "saved by looking up sums of several inputs", _EVENTS
    ),
    q.MULTIPLICATIONS_DENSE: Quantity(
        "multiplications_dense",
        _MULTIPLICATIONS,
        "multiplications that a dense engine would perform",
        _ARITHMETIC,
    ),
    q.MULTIPLICATIONS: Quantity(
        "multiplications_issued",
        _MULTIPLICATIONS,
        "multiplications performed; a division, root or exponential counts as one",
        _ARITHMETIC,
    ),
    q.MULTIPLICATIONS_SKIPPED_INPUT: Quantity(
        "multiplications_skipped_input",
        _MULTIPLICATIONS,
        "left out, the gradient was zero or outside the image",
        _MASKED,
    ),
    q.MULTIPLICATIONS_SKIPPED_OUTPUT: Quantity(
        "multiplications_skipped_output",
        _MULTIPLICATIONS,
        "left out, the result was masked",
        _MASKED,
    ),
    q.MULTIPLICATIONS_SKIPPED_BOTH: Quantity(
        "multiplications_skipped_both", _MULTIPLICATIONS, "left out for both reasons", _MASKED
    ),
    q.CELLS_PRODUCED: Quantity("cells_produced", "cells", "cells of the boxes written", _ALL),
    q.EVENTS_RECEIVED: Quantity("events_received", "spikes", "input spikes processed", _EVENTS),
    q.SPIKES_EMITTED: Quantity("spikes_emitted", "spikes", "spikes fired", (Engine.NEURON,)),
    q.MASK_ONES: Quantity(
        "mask_ones", "bits", "potentials with a surrogate gradient", (Engine.NEURON,)
    ),
    q.GRADIENTS_NONZERO: Quantity(
        "gradients_nonzero",
        "cells",
        "gradients different from zero: of potentials (nu) or of parameters (opt)",
        (Engine.NEURON, Engine.OPTIMIZER),
    ),
}


def _traffic(memory: str) -> tuple[Engine, ...]:
    return DMA_ENGINES if memory == "dram" else _ALL


for _index, _memory in enumerate(MEMORIES):
    for _first, _verb in ((q.BYTES_READ, "read"), (q.BYTES_WRITTEN, "written")):
        QUANTITIES[_first + _index] = Quantity(
            f"bytes_{_verb}_{_memory}", "bytes", f"bytes {_verb} in {_memory}", _traffic(_memory)
        )

for _index, _producer in enumerate(Engine):
    QUANTITIES[q.CYCLES_STALLED_ON + _index] = Quantity(
        f"cycles_stalled_on_{_producer.value}",
        _CYCLES,
        f"issued, an operand still at work in {_producer.value}",
        _ALL if _producer in _ALL else (),
    )

ELAPSED = "machine__cycles_elapsed"
ENERGY_DYNAMIC = "machine__energy_dynamic"
ENERGY_STATIC = "machine__energy_static"
ENERGY_TOTAL = "machine__energy_total"


def engine_counter(engine: Engine, quantity: int) -> str:
    """Name of the counter of a quantity on an engine."""
    return f"{engine.value}__{QUANTITIES[quantity].name}"


def idle_counter(engine: Engine) -> str:
    """Name of the counter of the cycles after an engine's last instruction."""
    return f"{engine.value}__cycles_idle"


def dynamic_counter(component: str) -> str:
    """Name of the counter of an engine's arithmetic or of a memory's reads and writes."""
    return f"{component}__energy_{'access' if component in MEMORIES else 'arithmetic'}"


def static_counter(component: str) -> str:
    """Name of the counter of the leakage of an engine or a memory."""
    return f"{component}__energy_static"


COMPONENTS = (*(engine.value for engine in _ARITHMETIC), *MEMORIES)
"""What energy is counted for; moving data costs what the memories cost."""


def _declare() -> dict[str, CounterSpec]:
    specs = [
        CounterSpec(engine_counter(engine, number), quantity.unit, quantity.description)
        for engine in _ALL
        for number, quantity in QUANTITIES.items()
        if engine in quantity.engines
    ]
    specs += [CounterSpec(idle_counter(e), _CYCLES, "after the last instruction") for e in _ALL]
    for name in COMPONENTS:
        words = f"traffic in {name}" if name in MEMORIES else "additions and multiplications"
        specs.append(CounterSpec(dynamic_counter(name), "fJ", f"energy of {words}"))
        specs.append(CounterSpec(static_counter(name), "fJ", "leakage during all elapsed cycles"))
    specs += [
        CounterSpec(ELAPSED, _CYCLES, "from the first issue to the last finish"),
        CounterSpec(ENERGY_DYNAMIC, "fJ", "arithmetic and memory traffic"),
        CounterSpec(ENERGY_STATIC, "fJ", "leakage of all components"),
        CounterSpec(ENERGY_TOTAL, "fJ", "arithmetic, memory traffic and leakage"),
    ]
    return {spec.name: spec for spec in sorted(specs, key=lambda spec: spec.name)}


COUNTERS: dict[str, CounterSpec] = _declare()
"""Every counter by name, sorted."""


def counter_reference() -> str:
    """The registry as a page of Markdown."""
    units = {engine.value: ENGINE_DESCRIPTIONS[engine] for engine in _ALL}
    lines = ["# Counters", "", "| unit | meaning |", "|---|---|"]
    lines += [f"| `{unit}` | {text} |" for unit, text in units.items()]
    lines += ["", "| counter | unit | description |", "|---|---|---|"]
    lines += [f"| `{s.name}` | {s.unit} | {s.description} |" for s in COUNTERS.values()]
    return "\n".join(lines) + "\n"
