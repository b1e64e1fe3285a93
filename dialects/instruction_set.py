"""The engine's instruction set, as one table of plain data.

The `engine` dialect makes its operations from this table, and the backend its opcodes,
validator, assembly and reference page: an instruction is described here and nowhere else.
The table imports neither xDSL nor numpy.

Every buffer has four dimensions, `(step, sample, position, feature)` for activations and
`(tap, 0, input, output)` for weights. A row is all features of one step, sample and position.

An instruction works on a box of each of its buffers: the *axes* say how long the box is, a
*slice* where it starts. Along one dimension a slice starts at `base + scale x loop value`, with
at most one loop.
"""

from __future__ import annotations

from spikeloom.dialects.instruction_spec import (
    ARRAY_RATES,
    CROSSBAR_ENGINES,
    DIMENSIONS,
    DMA_ENGINES,
    ENGINE_DESCRIPTIONS,
    LANE_RATES,
    MAX_INSTANCES,
    ONE,
    TRAINING_ENGINES,
    Element,
    Engine,
    Immediate,
    InstructionSpec,
    Role,
    Shape,
)
from spikeloom.dialects.tile_instructions import TILE_INSTRUCTIONS

__all__ = [
    "ARRAY_RATES",
    "BITS_PER_ROW_ALIGNMENT",
    "BUFFER_ALIGNMENT",
    "CROSSBAR_ENGINES",
    "DIMENSIONS",
    "DMA_ENGINES",
    "ENGINE_DESCRIPTIONS",
    "ENTRIES",
    "FLAT_CELLS",
    "GROUPS",
    "INPUTS",
    "INPUT_POSITIONS",
    "INSTRUCTIONS",
    "LANE_RATES",
    "LEFT_UNITS",
    "MAX_AXES",
    "MAX_COPIES",
    "MAX_IMMEDIATES",
    "MAX_INSTANCES",
    "MAX_ROLES",
    "MAX_TABLE_WIDTH",
    "MEMORIES",
    "ONE",
    "ON_CHIP_MEMORIES",
    "OPCODES",
    "OUTPUTS",
    "POSITIONS",
    "RIGHT_UNITS",
    "SAMPLES",
    "SPECS",
    "STEPS",
    "TABLE_MEMORIES",
    "TAPS",
    "TRAINING_ENGINES",
    "UNITS",
    "WORDS_PER_ROW_ALIGNMENT",
    "Element",
    "Engine",
    "Immediate",
    "InstructionSpec",
    "Role",
    "Shape",
    "buffer_bytes",
    "row_bytes",
]

ON_CHIP_MEMORIES = ("weight_sram", "spike_sram", "state_sram", "gradient_sram")
"""Weights and biases; spikes and masks; currents, potentials, their gradients; weight gradients."""

TABLE_MEMORIES = ("forward_tables", "update_tables")
"""Sums of the inputs of a group, of the Forward Engine and of the Weight Update Engine."""

MAX_TABLE_WIDTH = 8
"""Inputs of a table that any machine can have: an index is one byte."""

MEMORIES = ("dram", *ON_CHIP_MEMORIES, *TABLE_MEMORIES)

STEPS, SAMPLES, POSITIONS = "steps", "samples", "positions"
INPUT_POSITIONS, TAPS = "input_positions", "taps"
INPUTS, OUTPUTS, UNITS = "inputs", "outputs", "units"
GROUPS, ENTRIES = "table_groups", "entries"
FLAT_CELLS, LEFT_UNITS, RIGHT_UNITS = "cells", "left_units", "right_units"

_BIT, _F32, _I32 = (Element.BIT,), (Element.F32,), (Element.I32,)
_ANY = (Element.BIT, Element.F32, Element.I32)
_PLAIN = (Element.BIT, Element.F32)
_ROW = (STEPS, SAMPLES, POSITIONS)
"""Instructions treat rows alike: step by step, then sample by sample, then by position."""
_STATE = (ONE, SAMPLES, POSITIONS, UNITS)
_SCORES = (ONE, SAMPLES, ONE, UNITS)
_WEIGHT = (TAPS, ONE, INPUTS, OUTPUTS)
_MATRICES = (TAPS, "rows", "columns")
_MATRIX = (TAPS, ONE, "rows", "columns")
_WINDOW = (*_ROW, INPUT_POSITIONS, TAPS, INPUTS, OUTPUTS)
"""Instructions that slide a window over an image; a linear layer is a window of one tap."""
_CELL = (ONE, ONE, ONE, ONE)
_MOVED = ("planes", "groups", "rows", "columns")


def _activation(name: str, units: str, elements: tuple[Element, ...] = _F32, **flags: bool) -> Role:
    return Role(name, elements, (*_ROW, units), **flags)


def _image(name: str, units: str, elements: tuple[Element, ...] = _F32, **flags: bool) -> Role:
    """What a window slides over."""
    return Role(name, elements, (STEPS, SAMPLES, INPUT_POSITIONS, units), **flags)


_SURROGATE = (
    Immediate("surrogate", "0 rectangle, 1 triangle, 2 fast sigmoid, 3 arctangent"),
    Immediate("shape", "half width of a rectangle or triangle, slope of the others"),
    Immediate("gain", "gain of a rectangle or triangle"),
)
_NEURON = (
    Immediate("decay", "factor on the membrane potential from one step to the next"),
    Immediate("threshold", "a spike is a potential strictly above it"),
    Immediate("reset", "0 to zero, 1 by subtraction, 2 none"),
)
_GEOMETRY = (
    Immediate("kernel_width", "taps of one row of the window"),
    Immediate("stride", "input rows and columns from one window to the next"),
    Immediate("input_width", "input positions of one row"),
    Immediate("output_width", "positions of one row"),
    Immediate("top", "input rows that the first window reaches above the box; they are zero"),
    Immediate("left", "input columns that the first window reaches beside the box; zero too"),
)
"""Position `y * output_width + x` meets at tap `j * kernel_width + i` the input position in row
`y * stride + j - top` and column `x * stride + i - left`; outside the box it meets zeros."""
_TABLED_WINDOW = (*_WINDOW, GROUPS, ENTRIES)
"""A window that looks sums up: group g are the cells n g to n g + n - 1 where there are 2^n
entries. Entry e is the sum, in ascending order, of those cells whose bit of e is one."""
_DENSE = Immediate("dense", "1 works on silent inputs as well, which add nothing; 0 skips them")
_SKIPS = (
    Immediate("skip_input", "1 skips gradients that are zero or outside; 0 works on them as well"),
    Immediate("skip_output", "1 skips what the mask leaves out; 0 works on it as well"),
)
_POOL_AXES = (*_ROW, INPUT_POSITIONS, UNITS)
_POOL = (
    Immediate("kernel", "rows and columns of the window"),
    Immediate("stride", "input rows and columns from one window to the next"),
    Immediate("input_width", "input positions of one row"),
    Immediate("output_width", "positions of one row"),
    Immediate("top", "input rows that the first window reaches above the box; they are left out"),
)
_POOL_SCALE = Immediate("scale", "factor on the sum: 1 / kernel^2 is the average")
_CHANNELS = (ONE, ONE, ONE, UNITS)
_FLAT_AXES = (*_ROW, UNITS, FLAT_CELLS)
_FLAT = (STEPS, SAMPLES, ONE, FLAT_CELLS)
_JOIN_AXES = (*_ROW, UNITS, LEFT_UNITS, RIGHT_UNITS)
_EPSILON = Immediate("epsilon", "added to the variance")
_RATE = Immediate("rate", "learning rate")

INSTRUCTIONS: tuple[InstructionSpec, ...] = (
    # --- data movement -------------------------------------------------------------------
    InstructionSpec(
        "load",
        Engine.DMA,
        _MOVED,
        (Role("target", _ANY, _MOVED),),
        (Role("source", _ANY, _MOVED, dram=True),),
        "copies a box from DRAM to an on-chip buffer of the same element",
    ),
    InstructionSpec(
        "load_transposed",
        Engine.DMA,
        _MATRICES,
        (Role("target", _F32, (TAPS, ONE, "columns", "rows")),),
        (Role("source", _F32, _MATRIX, dram=True),),
        "copies the matrix of every tap from DRAM and transposes it on the way",
    ),
    InstructionSpec(
        "load_update",
        Engine.DMA_UPDATE,
        _MOVED,
        (Role("target", _ANY, _MOVED),),
        (Role("source", _ANY, _MOVED, dram=True),),
        "`load` in a queue of its own, so that weight updates do not hold up the other engines",
    ),
    InstructionSpec(
        "store",
        Engine.DMA_STORE,
        _MOVED,
        (Role("target", _ANY, _MOVED, dram=True),),
        (Role("source", _ANY, _MOVED),),
        "copies a box from an on-chip buffer to DRAM",
    ),
    InstructionSpec(
        "store_update",
        Engine.DMA_UPDATE_STORE,
        _MOVED,
        (Role("target", _ANY, _MOVED, dram=True),),
        (Role("source", _ANY, _MOVED),),
        "`store` in the queue of the weight updates",
    ),
    InstructionSpec(
        "clear",
        Engine.DMA,
        _MOVED,
        (Role("target", _ANY, _MOVED, dram=True),),
        (),
        "fills a box with zeros, in DRAM or on chip",
    ),
    InstructionSpec(
        "clear_update",
        Engine.DMA_UPDATE,
        _MOVED,
        (Role("target", _ANY, _MOVED),),
        (),
        "`clear` of an on-chip buffer in the queue of the weight updates",
    ),
    # --- forward -------------------------------------------------------------------------
    InstructionSpec(
        "bias",
        Engine.FORWARD,
        (*_ROW, OUTPUTS),
        (_activation("current", OUTPUTS),),
        (Role("bias", _F32, (ONE, ONE, ONE, OUTPUTS)),),
        "starts every current with its bias",
    ),
    InstructionSpec(
        "accumulate",
        Engine.FORWARD,
        _WINDOW,
        (_activation("current", OUTPUTS, updates=True),),
        (_image("spikes", INPUTS, _BIT), Role("weight", _F32, _WEIGHT)),
        "adds the weights of the inputs that spiked, in ascending order of taps, then of inputs",
        (*_GEOMETRY, _DENSE),
    ),
    InstructionSpec(
        "build_tables",
        Engine.FORWARD,
        (TAPS, INPUTS, OUTPUTS, GROUPS, ENTRIES),
        (Role("tables", _F32, (TAPS, GROUPS, ENTRIES, OUTPUTS)),),
        (Role("weight", _F32, _WEIGHT),),
        "tables of the sums of the weights of every group of inputs, each entry a smaller one"
        " plus one weight",
    ),
    InstructionSpec(
        "lookup",
        Engine.FORWARD,
        _TABLED_WINDOW,
        (_activation("current", OUTPUTS, updates=True),),
        (
            _image("spikes", INPUTS, _BIT),
            Role("tables", _F32, (TAPS, GROUPS, ENTRIES, OUTPUTS)),
        ),
        "adds, for every tap and group of inputs in ascending order, the entry that their spikes"
        " select",
        _GEOMETRY,
    ),
    InstructionSpec(
        "multiply",
        Engine.FORWARD,
        _WINDOW,
        (_activation("current", OUTPUTS, updates=True),),
        (_image("values", INPUTS), Role("weight", _F32, _WEIGHT)),
        "adds weight x value of every input in the same order: the path of analog inputs",
        _GEOMETRY,
    ),
    # --- neurons -------------------------------------------------------------------------
    InstructionSpec(
        "fire",
        Engine.NEURON,
        (*_ROW, UNITS),
        (
            _activation("spikes", UNITS, _BIT),
            _activation("mask", UNITS, _BIT, optional=True),
            _activation("potential", UNITS, optional=True),
        ),
        (
            _activation("current", UNITS),
            Role("previous_potential", _F32, _STATE, optional=True),
            Role("previous_spikes", _BIT, _STATE, optional=True),
        ),
        "leak, integrate, compare, reset, step by step; without previous state it starts at zero;"
        " the mask marks potentials with a surrogate gradient",
        (*_NEURON, *_SURROGATE),
    ),
    InstructionSpec(
        "fire_again",
        Engine.NEURON,
        (*_ROW, UNITS),
        (
            _activation("spikes", UNITS, _BIT),
            _activation("mask", UNITS, _BIT, optional=True),
            _activation("potential", UNITS, optional=True),
        ),
        (
            _activation("current", UNITS),
            Role("previous_potential", _F32, _STATE, optional=True),
            Role("previous_spikes", _BIT, _STATE, optional=True),
        ),
        "`fire` for the backward pass, from the same currents: the spikes are not new and not"
        " counted",
        (*_NEURON, *_SURROGATE),
    ),
    InstructionSpec(
        "integrate",
        Engine.NEURON,
        (*_ROW, UNITS),
        (_activation("potential", UNITS),),
        (
            _activation("current", UNITS),
            Role("previous_potential", _F32, _STATE, optional=True),
        ),
        "leaky integration without threshold",
        (_NEURON[0],),
    ),
    InstructionSpec(
        "add",
        Engine.NEURON,
        (*_ROW, UNITS),
        (_activation("sum", UNITS),),
        (_activation("left", UNITS, _PLAIN), _activation("right", UNITS, _PLAIN)),
        "element-wise sum; a spike counts as 1",
    ),
    # --- images --------------------------------------------------------------------------
    InstructionSpec(
        "pool_sum",
        Engine.NEURON,
        _POOL_AXES,
        (_activation("pooled", UNITS),),
        (_image("values", UNITS, _PLAIN),),
        "sums every window row by row and multiplies by `scale`",
        (*_POOL, _POOL_SCALE),
    ),
    InstructionSpec(
        "pool_max",
        Engine.NEURON,
        _POOL_AXES,
        (_activation("pooled", UNITS, _PLAIN),),
        (_image("values", UNITS, _PLAIN),),
        "the maximum of every window, 0 where it lies outside the box; of spikes, whether any",
        _POOL,
    ),
    InstructionSpec(
        "pool_sum_gradient",
        Engine.NEURON,
        _POOL_AXES,
        (_image("value_gradient", UNITS),),
        (_activation("gradient", UNITS),),
        "gives every input position the gradients of the windows that it lies in, in ascending"
        " order of positions, times `scale`",
        (*_POOL, _POOL_SCALE),
    ),
    InstructionSpec(
        "pool_max_gradient",
        Engine.NEURON,
        _POOL_AXES,
        (_image("value_gradient", UNITS),),
        (
            _activation("gradient", UNITS),
            _image("values", UNITS, _PLAIN),
            _activation("pooled", UNITS, _PLAIN),
        ),
        "gives the gradient of every window to the first of its cells, row by row, that holds"
        " the maximum; in ascending order of positions",
        _POOL,
    ),
    InstructionSpec(
        "flatten",
        Engine.NEURON,
        _FLAT_AXES,
        (Role("flat", _PLAIN, _FLAT),),
        (_activation("image", UNITS, _PLAIN),),
        "cell `unit * positions + position` of one long row from every position and unit",
    ),
    InstructionSpec(
        "unflatten",
        Engine.NEURON,
        _FLAT_AXES,
        (_activation("image", UNITS, _PLAIN),),
        (Role("flat", _PLAIN, _FLAT),),
        "every position and unit from cell `unit * positions + position` of one long row",
    ),
    InstructionSpec(
        "concatenate",
        Engine.NEURON,
        _JOIN_AXES,
        (_activation("joined", UNITS, _PLAIN),),
        (_activation("left", LEFT_UNITS, _PLAIN), _activation("right", RIGHT_UNITS, _PLAIN)),
        "the units of the left, then those of the right",
    ),
    InstructionSpec(
        "split",
        Engine.NEURON,
        _JOIN_AXES,
        (
            _activation("left_gradient", LEFT_UNITS, optional=True),
            _activation("right_gradient", RIGHT_UNITS, optional=True),
        ),
        (_activation("gradient", UNITS),),
        "the first units, and the others behind them",
    ),
    # --- normalization -------------------------------------------------------------------
    InstructionSpec(
        "channel_mean",
        Engine.NEURON,
        (*_ROW, UNITS),
        (Role("mean", _F32, _CHANNELS, updates=True),),
        (_activation("values", UNITS),),
        "adds scale x the sum of every unit's values; the sum of a box is in double precision",
        (Immediate("scale", "1 / number of values per unit"),),
    ),
    InstructionSpec(
        "channel_variance",
        Engine.NEURON,
        (*_ROW, UNITS),
        (Role("variance", _F32, _CHANNELS, updates=True),),
        (_activation("values", UNITS), Role("mean", _F32, _CHANNELS)),
        "adds scale x the sum of (value - mean)^2; the sum of a box is in double precision",
        (Immediate("scale", "1 / number of values per unit"),),
    ),
    InstructionSpec(
        "normalize",
        Engine.NEURON,
        (*_ROW, UNITS),
        (_activation("normalized", UNITS),),
        (
            _activation("values", UNITS),
            Role("mean", _F32, _CHANNELS),
            Role("variance", _F32, _CHANNELS),
            Role("scale", _F32, _CHANNELS),
            Role("shift", _F32, _CHANNELS),
        ),
        "scale x (value - mean) / sqrt(variance + epsilon) + shift",
        (_EPSILON,),
    ),
    InstructionSpec(
        "channel_product",
        Engine.NEURON,
        (*_ROW, UNITS),
        (Role("scale_gradient", _F32, _CHANNELS, updates=True),),
        (
            _activation("gradient", UNITS),
            _activation("values", UNITS),
            Role("mean", _F32, _CHANNELS),
            Role("variance", _F32, _CHANNELS),
        ),
        "adds the sum of gradient x (value - mean) / sqrt(variance + epsilon); the sum of a box"
        " is in double precision",
        (_EPSILON,),
    ),
    InstructionSpec(
        "normalize_gradient",
        Engine.NEURON,
        (*_ROW, UNITS),
        (_activation("value_gradient", UNITS),),
        (
            _activation("gradient", UNITS),
            _activation("values", UNITS),
            Role("mean", _F32, _CHANNELS),
            Role("variance", _F32, _CHANNELS),
            Role("scale", _F32, _CHANNELS),
            Role("shift_gradient", _F32, _CHANNELS),
            Role("scale_gradient", _F32, _CHANNELS),
        ),
        "scale / sqrt(variance + epsilon) x (gradient - fraction x (shift_gradient"
        " + (value - mean) / sqrt(variance + epsilon) x scale_gradient))",
        (_EPSILON, Immediate("fraction", "1 / number of values per unit")),
    ),
    # --- loss ----------------------------------------------------------------------------
    InstructionSpec(
        "readout",
        Engine.LOSS,
        (*_ROW, UNITS),
        (Role("sum", _F32, _STATE),),
        (_activation("output", UNITS, (Element.BIT, Element.F32)),),
        "sums the output over the steps and multiplies by `scale`",
        (Immediate("scale", "factor on the sum"),),
    ),
    InstructionSpec(
        "cross_entropy",
        Engine.LOSS,
        (SAMPLES, UNITS),
        (
            Role("loss", _F32, _CELL, updates=True),
            Role("correct", _I32, _CELL, updates=True),
            Role("gradient", _F32, _SCORES, optional=True),
        ),
        (
            Role("readout", _F32, _SCORES),
            Role("label", _I32, (ONE, ONE, ONE, SAMPLES)),
        ),
        "adds scale x cross entropy of softmax(readout) and the right decisions",
        (Immediate("scale", "1 / batch"),),
    ),
    InstructionSpec(
        "mean_squared_error",
        Engine.LOSS,
        (SAMPLES, UNITS),
        (
            Role("loss", _F32, _CELL, updates=True),
            Role("correct", _I32, _CELL, updates=True),
            Role("gradient", _F32, _SCORES, optional=True),
        ),
        (
            Role("readout", _F32, _SCORES),
            Role("label", _I32, (ONE, ONE, ONE, SAMPLES)),
        ),
        "adds scale x squared distance to the one-hot label and the right decisions",
        (Immediate("scale", "1 / (batch x classes)"),),
    ),
    InstructionSpec(
        "spread",
        Engine.LOSS,
        (*_ROW, UNITS),
        (_activation("gradient", UNITS),),
        (Role("readout_gradient", _F32, _STATE),),
        "gives every step the readout's gradient times `scale`",
        (Immediate("scale", "factor on the gradient"),),
    ),
    # --- backward ------------------------------------------------------------------------
    InstructionSpec(
        "fire_gradient",
        Engine.NEURON,
        (*_ROW, UNITS),
        (_activation("gradient", UNITS),),
        (
            _activation("spike_gradient", UNITS),
            _activation("spikes", UNITS, _BIT, optional=True),
            _activation("mask", UNITS, _BIT, optional=True),
            _activation("potential", UNITS, optional=True),
            Role("next_gradient", _F32, _STATE, optional=True),
        ),
        "gradient of `fire` with respect to its current, from the last step to the first;"
        " without `next_gradient` it starts at zero",
        (
            *_NEURON,
            *_SURROGATE,
            Immediate("detach_reset", "1 drops the gradient through the reset"),
        ),
    ),
    InstructionSpec(
        "integrate_gradient",
        Engine.NEURON,
        (*_ROW, UNITS),
        (_activation("gradient", UNITS),),
        (
            _activation("potential_gradient", UNITS),
            Role("next_gradient", _F32, _STATE, optional=True),
        ),
        "gradient of `integrate` with respect to its current, from the last step to the first",
        (_NEURON[0],),
    ),
    InstructionSpec(
        "backpropagate",
        Engine.BACKWARD,
        _WINDOW,
        (_image("input_gradient", INPUTS, updates=True),),
        (
            _activation("gradient", OUTPUTS),
            Role("transposed_weight", _F32, (TAPS, ONE, OUTPUTS, INPUTS)),
            _image("mask", INPUTS, _BIT, optional=True),
        ),
        "adds gradient x transposed weight to every input position, in ascending order of taps,"
        " then of outputs; where there is a mask and it is zero, nothing",
        (*_GEOMETRY, *_SKIPS),
    ),
    # --- weight update -------------------------------------------------------------------
    InstructionSpec(
        "correlate_spikes",
        Engine.WEIGHT_UPDATE,
        _WINDOW,
        (Role("weight_gradient", _F32, _WEIGHT, updates=True),),
        (_image("spikes", INPUTS, _BIT), _activation("gradient", OUTPUTS)),
        "adds the gradient to the row of every tap and input that spiked, in ascending order of"
        " steps, samples and positions",
        (*_GEOMETRY, _DENSE),
    ),
    InstructionSpec(
        "build_row_tables",
        Engine.WEIGHT_UPDATE,
        (*_ROW, OUTPUTS, GROUPS, ENTRIES),
        (Role("tables", _F32, (GROUPS, ONE, ENTRIES, OUTPUTS)),),
        (_activation("gradient", OUTPUTS),),
        "tables of the sums of the gradients of every group of rows, each entry a smaller one"
        " plus one gradient",
    ),
    InstructionSpec(
        "correlate_tables",
        Engine.WEIGHT_UPDATE,
        _TABLED_WINDOW,
        (Role("weight_gradient", _F32, _WEIGHT, updates=True),),
        (
            _image("spikes", INPUTS, _BIT),
            Role("tables", _F32, (GROUPS, ONE, ENTRIES, OUTPUTS)),
        ),
        "adds to the row of every tap and input, for every group of rows in ascending order, the"
        " entry that its spikes in these rows select",
        _GEOMETRY,
    ),
    InstructionSpec(
        "correlate_values",
        Engine.WEIGHT_UPDATE,
        _WINDOW,
        (Role("weight_gradient", _F32, _WEIGHT, updates=True),),
        (_image("values", INPUTS), _activation("gradient", OUTPUTS)),
        "adds value x gradient in the same order: the path of analog inputs",
        _GEOMETRY,
    ),
    InstructionSpec(
        "sum_gradient",
        Engine.WEIGHT_UPDATE,
        (*_ROW, OUTPUTS),
        (Role("bias_gradient", _F32, (ONE, ONE, ONE, OUTPUTS), updates=True),),
        (_activation("gradient", OUTPUTS),),
        "adds the gradients of all steps and samples",
    ),
    # --- optimizers ----------------------------------------------------------------------
    InstructionSpec(
        "count_step",
        Engine.OPTIMIZER,
        (),
        (Role("count", _I32, _CELL, updates=True),),
        (),
        "counts the updates made so far",
    ),
    InstructionSpec(
        "sgd",
        Engine.OPTIMIZER,
        _MATRICES,
        (
            Role("parameter", _F32, _MATRIX, updates=True),
            Role("velocity", _F32, _MATRIX, updates=True, optional=True),
        ),
        (Role("gradient", _F32, _MATRIX),),
        "velocity = momentum x velocity + gradient; parameter -= rate x velocity"
        " (without velocity: rate x gradient)",
        (_RATE, Immediate("momentum", "factor on the velocity")),
    ),
    InstructionSpec(
        "adam",
        Engine.OPTIMIZER,
        _MATRICES,
        (
            Role("parameter", _F32, _MATRIX, updates=True),
            Role("first_moment", _F32, _MATRIX, updates=True),
            Role("second_moment", _F32, _MATRIX, updates=True),
        ),
        (
            Role("gradient", _F32, _MATRIX),
            Role("count", _I32, _CELL),
        ),
        "Adam with bias correction (Kingma & Ba 2015) and decoupled weight decay"
        " (Loshchilov & Hutter 2019; decay 0 is Adam)",
        (
            _RATE,
            Immediate("beta1", "decay of the first moment"),
            Immediate("beta2", "decay of the second moment"),
            Immediate("epsilon", "added to the root of the second moment"),
            Immediate("decay", "decoupled weight decay"),
        ),
    ),
    InstructionSpec(
        "blend",
        Engine.OPTIMIZER,
        (UNITS,),
        (Role("running", _F32, _CHANNELS, updates=True),),
        (Role("statistic", _F32, _CHANNELS),),
        "running = (1 - momentum) x running + momentum x factor x statistic",
        (
            Immediate("momentum", "how much of the new statistic is taken"),
            Immediate("factor", "N / (N - 1) makes a biased variance unbiased"),
        ),
    ),
    *TILE_INSTRUCTIONS,
)

MAX_ROLES = max(len(spec.roles) for spec in INSTRUCTIONS)
MAX_AXES = max(len(spec.axes) for spec in INSTRUCTIONS)
MAX_IMMEDIATES = max(len(spec.immediates) for spec in INSTRUCTIONS)
OPCODES: dict[str, int] = {spec.name: code for code, spec in enumerate(INSTRUCTIONS, start=3)}
"""Opcode of every instruction; 0 is invalid, 1 opens a loop, 2 closes it."""
SPECS: dict[str, InstructionSpec] = {spec.name: spec for spec in INSTRUCTIONS}

BITS_PER_ROW_ALIGNMENT = 64
WORDS_PER_ROW_ALIGNMENT = 16
BUFFER_ALIGNMENT = 64
"""Bytes; every buffer starts on a multiple of it."""
MAX_COPIES = 8
"""Copies of one on-chip buffer."""


def row_bytes(element: Element, features: int) -> int:
    """Bytes from one row of a buffer to the next, padding included."""
    if element is Element.BIT:
        return -(-features // BITS_PER_ROW_ALIGNMENT) * (BITS_PER_ROW_ALIGNMENT // 8)
    return -(-features // WORDS_PER_ROW_ALIGNMENT) * (WORDS_PER_ROW_ALIGNMENT * 4)


def buffer_bytes(element: Element, shape: Shape) -> int:
    """Bytes of a whole buffer, rounded up to `BUFFER_ALIGNMENT`."""
    size = shape[0] * shape[1] * shape[2] * row_bytes(element, shape[3])
    return -(-size // BUFFER_ALIGNMENT) * BUFFER_ALIGNMENT
