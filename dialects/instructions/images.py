"""Instructions of the neuron units on images: pools and arrangement, with their gradients."""

from __future__ import annotations

from spikeloom.dialects.instructions.operands import (
    FLAT,
    FLAT_AXES,
    JOIN_AXES,
    LEFT_UNITS,
    PLAIN,
    POOL,
    POOL_AXES,
    POOL_SCALE,
    RIGHT_UNITS,
    UNITS,
    activation,
    image,
)
from spikeloom.dialects.instructions.spec import (
    Engine,
    InstructionSpec,
    Role,
)

POOLS: tuple[InstructionSpec, ...] = (
    InstructionSpec(
        "pool_sum",
        Engine.NEURON,
        POOL_AXES,
        (activation("pooled", UNITS),),
        (image("values", UNITS, PLAIN),),
        "sums every window row by row and multiplies by `scale`",
        (*POOL, POOL_SCALE),
    ),
    InstructionSpec(
        "pool_max",
        Engine.NEURON,
        POOL_AXES,
        (activation("pooled", UNITS, PLAIN),),
        (image("values", UNITS, PLAIN),),
        "the maximum of every window, 0 where it lies outside the box; of spikes, whether any",
        POOL,
    ),
    InstructionSpec(
        "pool_sum_gradient",
        Engine.NEURON,
        POOL_AXES,
        (image("value_gradient", UNITS),),
        (activation("gradient", UNITS),),
        "gives every input position the gradients of the windows that it lies in, in ascending"
        " order of positions, times `scale`",
        (*POOL, POOL_SCALE),
    ),
    InstructionSpec(
        "pool_max_gradient",
        Engine.NEURON,
        POOL_AXES,
        (image("value_gradient", UNITS),),
        (
            activation("gradient", UNITS),
            image("values", UNITS, PLAIN),
            activation("pooled", UNITS, PLAIN),
        ),
        "gives the gradient of every window to the first of its cells, row by row, that holds"
        " the maximum; in ascending order of positions",
        POOL,
    ),
)

ARRANGEMENT: tuple[InstructionSpec, ...] = (
    InstructionSpec(
        "flatten",
        Engine.NEURON,
        FLAT_AXES,
        (Role("flat", PLAIN, FLAT),),
        (activation("image", UNITS, PLAIN),),
        "cell `unit * positions + position` of one long row from every position and unit",
    ),
    InstructionSpec(
        "unflatten",
        Engine.NEURON,
        FLAT_AXES,
        (activation("image", UNITS, PLAIN),),
        (Role("flat", PLAIN, FLAT),),
        "every position and unit from cell `unit * positions + position` of one long row",
    ),
    InstructionSpec(
        "concatenate",
        Engine.NEURON,
        JOIN_AXES,
        (activation("joined", UNITS, PLAIN),),
        (activation("left", LEFT_UNITS, PLAIN), activation("right", RIGHT_UNITS, PLAIN)),
        "the units of the left, then those of the right",
    ),
    InstructionSpec(
        "split",
        Engine.NEURON,
        JOIN_AXES,
        (
            activation("left_gradient", LEFT_UNITS, optional=True),
            activation("right_gradient", RIGHT_UNITS, optional=True),
        ),
        (activation("gradient", UNITS),),
        "the first units, and the others behind them",
    ),
)
