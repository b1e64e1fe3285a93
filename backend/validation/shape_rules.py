"""How the axes of an instruction belong together: whole rows of an image, cells of a long row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from spikeloom.backend.stream.stream import LoopExtent
from spikeloom.backend.validation.boxes import tile_of
from spikeloom.backend.validation.loop_rules import Placed
from spikeloom.backend.validation.violation import Violation
from spikeloom.dialects.instruction_set import (
    FLAT_CELLS,
    INPUT_POSITIONS,
    INSTRUCTIONS,
    LEFT_UNITS,
    POSITIONS,
    RIGHT_UNITS,
    TAPS,
    UNITS,
)

Numbers = Mapping[str, int]
"""Axis lengths, and immediates that are whole numbers, by name."""


@dataclass(frozen=True)
class Shape:
    """A rule about the named numbers; `wording` has their values filled in."""

    names: tuple[str, ...]
    holds: Callable[[Numbers], bool]
    wording: str


def _rows(axis: str, width: str) -> Shape:
    wording = f"`{axis}` is {{{axis}}}, which must be whole rows of `{width}` {{{width}}}"
    return Shape((axis, width), lambda n: n[axis] % n[width] == 0, wording)


_SHAPES = (
    _rows(TAPS, "kernel_width"),
    _rows(INPUT_POSITIONS, "input_width"),
    _rows(POSITIONS, "output_width"),
    Shape(
        (FLAT_CELLS, POSITIONS, UNITS),
        lambda n: n[FLAT_CELLS] == n[POSITIONS] * n[UNITS],
        "`cells` is {cells}, which must be `positions` {positions} x `units` {units}",
    ),
    Shape(
        (UNITS, LEFT_UNITS, RIGHT_UNITS),
        lambda n: n[UNITS] == n[LEFT_UNITS] + n[RIGHT_UNITS],
        "`units` is {units}, which must be `left_units` {left_units} + `right_units` {right_units}",
    ),
)


_RULES = {
    spec.name: tuple(
        rule
        for rule in _SHAPES
        if set(rule.names) <= {*spec.axes, *(immediate.name for immediate in spec.immediates)}
    )
    for spec in INSTRUCTIONS
}


def check_shapes(placed: Placed) -> Iterator[Violation]:
    """The rules of shape that an instruction breaks in any iteration of its loops.

    Its immediates must obey the rules about numbers.
    """
    instruction = placed.instruction
    for rule in _RULES.get(instruction.spec.name, ()):
        for numbers in _iterations(placed, rule.names):
            if not rule.holds(numbers):
                yield Violation(rule.wording.format(**numbers), instruction.index)
                break


def _iterations(placed: Placed, names: tuple[str, ...]) -> Iterator[Numbers]:
    """The values of the named axes and immediates in every kind of iteration.

    All tiles of a loop are alike but the last: two of its values stand for all.
    """
    instruction = placed.instruction
    axes = dict(zip(instruction.spec.axes, instruction.extents, strict=True))
    used = {name: axes[name] for name in names if name in axes}
    immediates = zip(instruction.spec.immediates, instruction.immediates, strict=True)
    fixed = {i.name: int(value) for i, value in immediates if i.name in names}
    depths = sorted({e.depth for e in used.values() if isinstance(e, LoopExtent)})
    ends = [{placed.loops[depth][0], placed.loops[depth][-1]} for depth in depths]
    for values in product(*ends):
        at = dict(zip(depths, values, strict=True))
        yield fixed | {
            name: tile_of(extent, placed.loops).at(at.get(_depth(extent), 0))
            for name, extent in used.items()
        }


def _depth(extent: int | LoopExtent) -> int:
    return extent.depth if isinstance(extent, LoopExtent) else -1
