"""Instructions of the array engines: currents, their gradients, weight gradients."""

from __future__ import annotations

from spikeloom.dialects.instructions.operands import (
    BIT,
    DENSE,
    ENTRIES,
    F32,
    GEOMETRY,
    GROUPS,
    INPUTS,
    OUTPUTS,
    ROW,
    SKIPS,
    TABLED_WINDOW,
    TAPS,
    WEIGHT,
    WINDOW,
    activation,
    image,
)
from spikeloom.dialects.instructions.spec import (
    ONE,
    Engine,
    InstructionSpec,
    Role,
)

CURRENTS: tuple[InstructionSpec, ...] = (
    InstructionSpec(
        "bias",
        Engine.FORWARD,
        (*ROW, OUTPUTS),
        (activation("current", OUTPUTS),),
        (Role("bias", F32, (ONE, ONE, ONE, OUTPUTS)),),
        "starts every current with its bias",
    ),
    InstructionSpec(
        "accumulate",
        Engine.FORWARD,
        WINDOW,
        (activation("current", OUTPUTS, updates=True),),
        (image("spikes", INPUTS, BIT), Role("weight", F32, WEIGHT)),
        "adds the weights of the inputs that spiked, in ascending order of taps, then of inputs",
        (*GEOMETRY, DENSE),
    ),
    InstructionSpec(
        "build_tables",
        Engine.FORWARD,
        (TAPS, INPUTS, OUTPUTS, GROUPS, ENTRIES),
        (Role("tables", F32, (TAPS, GROUPS, ENTRIES, OUTPUTS)),),
        (Role("weight", F32, WEIGHT),),
        "tables of the sums of the weights of every group of inputs, each entry a smaller one"
        " plus one weight",
    ),
    InstructionSpec(
        "lookup",
        Engine.FORWARD,
        TABLED_WINDOW,
        (activation("current", OUTPUTS, updates=True),),
        (
            image("spikes", INPUTS, BIT),
            Role("tables", F32, (TAPS, GROUPS, ENTRIES, OUTPUTS)),
        ),
        "adds, for every tap and group of inputs in ascending order, the entry that their spikes"
        " select",
        GEOMETRY,
    ),
    InstructionSpec(
        "multiply",
        Engine.FORWARD,
        WINDOW,
        (activation("current", OUTPUTS, updates=True),),
        (image("values", INPUTS), Role("weight", F32, WEIGHT)),
        "adds weight x value of every input in the same order: the path of analog inputs",
        GEOMETRY,
    ),
)

GRADIENTS: tuple[InstructionSpec, ...] = (
    InstructionSpec(
        "backpropagate",
        Engine.BACKWARD,
        WINDOW,
        (image("input_gradient", INPUTS, updates=True),),
        (
            activation("gradient", OUTPUTS),
            Role("transposed_weight", F32, (TAPS, ONE, OUTPUTS, INPUTS)),
            image("mask", INPUTS, BIT, optional=True),
        ),
        "adds gradient x transposed weight to every input position, in ascending order of taps,"
        " then of outputs; where there is a mask and it is zero, nothing",
        (*GEOMETRY, *SKIPS),
    ),
    InstructionSpec(
        "correlate_spikes",
        Engine.WEIGHT_UPDATE,
        WINDOW,
        (Role("weight_gradient", F32, WEIGHT, updates=True),),
        (image("spikes", INPUTS, BIT), activation("gradient", OUTPUTS)),
        "adds the gradient to the row of every tap and input that spiked, in ascending order of"
        " steps, samples and positions",
        (*GEOMETRY, DENSE),
    ),
    InstructionSpec(
        "build_row_tables",
        Engine.WEIGHT_UPDATE,
        (*ROW, OUTPUTS, GROUPS, ENTRIES),
        (Role("tables", F32, (GROUPS, ONE, ENTRIES, OUTPUTS)),),
        (activation("gradient", OUTPUTS),),
        "tables of the sums of the gradients of every group of rows, each entry a smaller one"
        " plus one gradient",
    ),
    InstructionSpec(
        "correlate_tables",
        Engine.WEIGHT_UPDATE,
        TABLED_WINDOW,
        (Role("weight_gradient", F32, WEIGHT, updates=True),),
        (
            image("spikes", INPUTS, BIT),
            Role("tables", F32, (GROUPS, ONE, ENTRIES, OUTPUTS)),
        ),
        "adds to the row of every tap and input, for every group of rows in ascending order, the"
        " entry that its spikes in these rows select",
        GEOMETRY,
    ),
    InstructionSpec(
        "correlate_values",
        Engine.WEIGHT_UPDATE,
        WINDOW,
        (Role("weight_gradient", F32, WEIGHT, updates=True),),
        (image("values", INPUTS), activation("gradient", OUTPUTS)),
        "adds value x gradient in the same order: the path of analog inputs",
        GEOMETRY,
    ),
    InstructionSpec(
        "sum_gradient",
        Engine.WEIGHT_UPDATE,
        (*ROW, OUTPUTS),
        (Role("bias_gradient", F32, (ONE, ONE, ONE, OUTPUTS), updates=True),),
        (activation("gradient", OUTPUTS),),
        "adds the gradients of all steps and samples",
    ),
)
