"""Instructions of the neuron units on membranes, forward and backward."""

from __future__ import annotations

from spikeloom.dialects.instructions.operands import (
    BIT,
    F32,
    NEURON,
    PLAIN,
    ROW,
    STATE,
    SURROGATE,
    UNITS,
    activation,
)
from spikeloom.dialects.instructions.spec import (
    Engine,
    Immediate,
    InstructionSpec,
    Role,
)

NEURONS: tuple[InstructionSpec, ...] = (
    InstructionSpec(
        "fire",
        Engine.NEURON,
        (*ROW, UNITS),
        (
            activation("spikes", UNITS, BIT),
            activation("mask", UNITS, BIT, optional=True),
            activation("potential", UNITS, optional=True),
        ),
        (
            activation("current", UNITS),
            Role("previous_potential", F32, STATE, optional=True),
            Role("previous_spikes", BIT, STATE, optional=True),
        ),
        "leak, integrate, compare, reset, step by step; without previous state it starts at zero;"
        " the mask marks potentials with a surrogate gradient",
        (*NEURON, *SURROGATE),
    ),
    InstructionSpec(
        "fire_again",
        Engine.NEURON,
        (*ROW, UNITS),
        (
            activation("spikes", UNITS, BIT),
            activation("mask", UNITS, BIT, optional=True),
            activation("potential", UNITS, optional=True),
        ),
        (
            activation("current", UNITS),
            Role("previous_potential", F32, STATE, optional=True),
            Role("previous_spikes", BIT, STATE, optional=True),
        ),
        "`fire` for the backward pass, from the same currents: the spikes are not new and not"
        " counted",
        (*NEURON, *SURROGATE),
    ),
    InstructionSpec(
        "integrate",
        Engine.NEURON,
        (*ROW, UNITS),
        (activation("potential", UNITS),),
        (
            activation("current", UNITS),
            Role("previous_potential", F32, STATE, optional=True),
        ),
        "leaky integration without threshold",
        (NEURON[0],),
    ),
    InstructionSpec(
        "add",
        Engine.NEURON,
        (*ROW, UNITS),
        (activation("sum", UNITS),),
        (activation("left", UNITS, PLAIN), activation("right", UNITS, PLAIN)),
        "element-wise sum; a spike counts as 1",
    ),
)

NEURON_GRADIENTS: tuple[InstructionSpec, ...] = (
    InstructionSpec(
        "fire_gradient",
        Engine.NEURON,
        (*ROW, UNITS),
        (activation("gradient", UNITS),),
        (
            activation("spike_gradient", UNITS),
            activation("spikes", UNITS, BIT, optional=True),
            activation("mask", UNITS, BIT, optional=True),
            activation("potential", UNITS, optional=True),
            Role("next_gradient", F32, STATE, optional=True),
        ),
        "gradient of `fire` with respect to its current, from the last step to the first;"
        " without `next_gradient` it starts at zero",
        (
            *NEURON,
            *SURROGATE,
            Immediate("detach_reset", "1 drops the gradient through the reset"),
        ),
    ),
    InstructionSpec(
        "integrate_gradient",
        Engine.NEURON,
        (*ROW, UNITS),
        (activation("gradient", UNITS),),
        (
            activation("potential_gradient", UNITS),
            Role("next_gradient", F32, STATE, optional=True),
        ),
        "gradient of `integrate` with respect to its current, from the last step to the first",
        (NEURON[0],),
    ),
)
