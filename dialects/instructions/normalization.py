"""Instructions of the neuron units for batch normalization."""

from __future__ import annotations

from spikeloom.dialects.instructions.operands import (
    CHANNELS,
    EPSILON,
    F32,
    ROW,
    UNITS,
    activation,
)
from spikeloom.dialects.instructions.spec import (
    Engine,
    Immediate,
    InstructionSpec,
    Role,
)

NORMALIZATION: tuple[InstructionSpec, ...] = (
    InstructionSpec(
        "channel_mean",
        Engine.NEURON,
        (*ROW, UNITS),
        (Role("mean", F32, CHANNELS, updates=True),),
        (activation("values", UNITS),),
        "adds scale x the sum of every unit's values; the sum of a box is in double precision",
        (Immediate("scale", "1 / number of values per unit"),),
    ),
    InstructionSpec(
        "channel_variance",
        Engine.NEURON,
        (*ROW, UNITS),
        (Role("variance", F32, CHANNELS, updates=True),),
        (activation("values", UNITS), Role("mean", F32, CHANNELS)),
        "adds scale x the sum of (value - mean)^2; the sum of a box is in double precision",
        (Immediate("scale", "1 / number of values per unit"),),
    ),
    InstructionSpec(
        "normalize",
        Engine.NEURON,
        (*ROW, UNITS),
        (activation("normalized", UNITS),),
        (
            activation("values", UNITS),
            Role("mean", F32, CHANNELS),
            Role("variance", F32, CHANNELS),
            Role("scale", F32, CHANNELS),
            Role("shift", F32, CHANNELS),
        ),
        "scale x (value - mean) / sqrt(variance + epsilon) + shift",
        (EPSILON,),
    ),
    InstructionSpec(
        "channel_product",
        Engine.NEURON,
        (*ROW, UNITS),
        (Role("scale_gradient", F32, CHANNELS, updates=True),),
        (
            activation("gradient", UNITS),
            activation("values", UNITS),
            Role("mean", F32, CHANNELS),
            Role("variance", F32, CHANNELS),
        ),
        "adds the sum of gradient x (value - mean) / sqrt(variance + epsilon); the sum of a box"
        " is in double precision",
        (EPSILON,),
    ),
    InstructionSpec(
        "normalize_gradient",
        Engine.NEURON,
        (*ROW, UNITS),
        (activation("value_gradient", UNITS),),
        (
            activation("gradient", UNITS),
            activation("values", UNITS),
            Role("mean", F32, CHANNELS),
            Role("variance", F32, CHANNELS),
            Role("scale", F32, CHANNELS),
            Role("shift_gradient", F32, CHANNELS),
            Role("scale_gradient", F32, CHANNELS),
        ),
        "scale / sqrt(variance + epsilon) x (gradient - fraction x (shift_gradient"
        " + (value - mean) / sqrt(variance + epsilon) x scale_gradient))",
        (EPSILON, Immediate("fraction", "1 / number of values per unit")),
    ),
)
