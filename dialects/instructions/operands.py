"""What rows of the table share: names of axes, shapes of roles, immediates."""

from __future__ import annotations

from spikeloom.dialects.instructions.spec import ONE, Element, Immediate, Role

STEPS, SAMPLES, POSITIONS = "steps", "samples", "positions"
INPUT_POSITIONS, TAPS = "input_positions", "taps"
INPUTS, OUTPUTS, UNITS = "inputs", "outputs", "units"
GROUPS, ENTRIES = "table_groups", "entries"
FLAT_CELLS, LEFT_UNITS, RIGHT_UNITS = "cells", "left_units", "right_units"

BIT, F32, I32 = (Element.BIT,), (Element.F32,), (Element.I32,)
ANY = (Element.BIT, Element.F32, Element.I32)
PLAIN = (Element.BIT, Element.F32)
ROW = (STEPS, SAMPLES, POSITIONS)
"""Instructions treat rows alike: step by step, then sample by sample, then by position."""
STATE = (ONE, SAMPLES, POSITIONS, UNITS)
SCORES = (ONE, SAMPLES, ONE, UNITS)
LABELS = (ONE, SAMPLES, ONE, ONE)
WEIGHT = (TAPS, ONE, INPUTS, OUTPUTS)
MATRICES = (TAPS, "rows", "columns")
MATRIX = (TAPS, ONE, "rows", "columns")
WINDOW = (*ROW, INPUT_POSITIONS, TAPS, INPUTS, OUTPUTS)
"""Instructions that slide a window over an image; a linear layer is a window of one tap."""
CELL = (ONE, ONE, ONE, ONE)
MOVED = ("planes", "groups", "rows", "columns")


def activation(name: str, units: str, elements: tuple[Element, ...] = F32, **flags: bool) -> Role:
    """Values of every step, sample and position."""
    return Role(name, elements, (*ROW, units), **flags)


def image(name: str, units: str, elements: tuple[Element, ...] = F32, **flags: bool) -> Role:
    """What a window slides over."""
    return Role(name, elements, (STEPS, SAMPLES, INPUT_POSITIONS, units), **flags)


SURROGATE = (
    Immediate("surrogate", "0 rectangle, 1 triangle, 2 fast sigmoid, 3 arctangent"),
    Immediate("shape", "half width of a rectangle or triangle, slope of the others"),
    Immediate("gain", "gain of a rectangle or triangle"),
)
NEURON = (
    Immediate("decay", "factor on the membrane potential from one step to the next"),
    Immediate("threshold", "a spike is a potential strictly above it"),
    Immediate("reset", "0 to zero, 1 by subtraction, 2 none"),
)
GEOMETRY = (
    Immediate("kernel_width", "taps of one row of the window"),
    Immediate("stride", "input rows and columns from one window to the next"),
    Immediate("input_width", "input positions of one row"),
    Immediate("output_width", "positions of one row"),
    Immediate("top", "input rows that the first window reaches above the box; they are zero"),
    Immediate("left", "input columns that the first window reaches beside the box; zero too"),
)
"""Position `y * output_width + x` meets at tap `j * kernel_width + i` the input position in row
`y * stride + j - top` and column `x * stride + i - left`; outside the box it meets zeros."""
TABLED_WINDOW = (*WINDOW, GROUPS, ENTRIES)
"""A window that looks sums up: group g are the cells n g to n g + n - 1 where there are 2^n
entries. Entry e is the sum, in ascending order, of those cells whose bit of e is one."""
DENSE = Immediate("dense", "1 works on silent inputs as well, which add nothing; 0 skips them")
SKIPS = (
    Immediate("skip_input", "1 skips gradients that are zero or outside; 0 works on them as well"),
    Immediate("skip_output", "1 skips what the mask leaves out; 0 works on it as well"),
)
POOL_AXES = (*ROW, INPUT_POSITIONS, UNITS)
POOL = (
    Immediate("kernel", "rows and columns of the window"),
    Immediate("stride", "input rows and columns from one window to the next"),
    Immediate("input_width", "input positions of one row"),
    Immediate("output_width", "positions of one row"),
    Immediate("top", "input rows that the first window reaches above the box; they are left out"),
)
POOL_SCALE = Immediate("scale", "factor on the sum: 1 / kernel^2 is the average")
CHANNELS = (ONE, ONE, ONE, UNITS)
FLAT_AXES = (*ROW, UNITS, FLAT_CELLS)
FLAT = (STEPS, SAMPLES, ONE, FLAT_CELLS)
JOIN_AXES = (*ROW, UNITS, LEFT_UNITS, RIGHT_UNITS)
EPSILON = Immediate("epsilon", "added to the variance")
RATE = Immediate("rate", "learning rate")
