"""Densities in the IR: `#bptt.density<at_least 0.0, at_most 0.9375, expected 0.15>`.

A density is the share of a value's cells that are not zero, over all steps, samples and units of
one training step. `at_least` and `at_most` hold for all parameters and all inputs that the
analysis was told of; `expected` is what a profiled run measured, what was declared, or what follows
from the program's own data.

`analyze-sparsity` writes them as attributes of operations: `density` for the results, and
`demand` for the share of a result's cells that anything depends on, where that may be less than
all. An attribute is a single density for one result and an array, in the order of the results,
for several.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeAlias

from xdsl.dialects.builtin import ArrayAttr, NoneAttr
from xdsl.ir import Attribute, BlockArgument, Operation, OpResult, ParametrizedAttribute, SSAValue
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.hints import isa

from spikeloom.dialects.bptt.scan import ScanOp
from spikeloom.dialects.number_text import Real, parse_real, print_real, real

DENSITY = "density"
"""The attribute of an operation that holds the densities of its results."""

DEMAND = "demand"
"""The attribute that holds which share of its results' cells something depends on."""

INPUT_DENSITY = "input_density"
"""The attribute of `bptt.step` that holds the density of its input."""

CARRIED_DENSITY = "carried_density"
"""The attribute of `bptt.scan` that holds the densities of its carried values."""

ASSUMED_DENSITY = 0.5
"""Of spikes of which nothing was measured or declared."""


@irdl_attr_definition
class DensityAttr(ParametrizedAttribute):
    """Bounds of a density, and what is expected; 0 <= least <= expected <= most <= 1."""

    name = "bptt.density"

    at_least: Real
    at_most: Real
    expected: Real | NoneAttr

    @classmethod
    def get(
        cls, at_least: float = 0.0, at_most: float = 1.0, expected: float | None = None
    ) -> DensityAttr:
        """The density with these bounds."""
        measured = NoneAttr() if expected is None else real(expected)
        return cls(real(at_least), real(at_most), measured)

    @property
    def least(self) -> float:
        """The lower bound."""
        return self.at_least.value.data

    @property
    def most(self) -> float:
        """The upper bound."""
        return self.at_most.value.data

    @property
    def measured(self) -> float | None:
        """What was measured or declared, or None where nothing was."""
        return None if isinstance(self.expected, NoneAttr) else self.expected.value.data

    def verify(self) -> None:
        """Raises VerifyException unless 0 <= at_least <= expected <= at_most <= 1."""
        middle = [] if self.measured is None else [self.measured]
        numbers = [0.0, self.least, *middle, self.most, 1.0]
        # Written so that a NaN is refused too.
        if not all(low <= high for low, high in pairwise(numbers)):
            raise VerifyException(
                "a density needs 0 <= at_least <= expected <= at_most <= 1, got "
                + ", ".join(str(number) for number in numbers[1:-1])
            )

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string("at_least ")
            print_real(printer, self.at_least)
            printer.print_string(", at_most ")
            print_real(printer, self.at_most)
            if not isinstance(self.expected, NoneAttr):
                printer.print_string(", expected ")
                print_real(printer, self.expected)

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            parser.parse_keyword("at_least")
            at_least = parse_real(parser)
            parser.parse_punctuation(",")
            parser.parse_keyword("at_most")
            at_most = parse_real(parser)
            if parser.parse_optional_punctuation(",") is None:
                return (at_least, at_most, NoneAttr())
            parser.parse_keyword("expected")
            return (at_least, at_most, parse_real(parser))


Densities: TypeAlias = DensityAttr | ArrayAttr[DensityAttr]


def densities_attribute(densities: Sequence[DensityAttr]) -> Densities:
    """One density as itself, several as an array."""
    return densities[0] if len(densities) == 1 else ArrayAttr(densities)


def _entry(op: Operation | None, name: str, index: int) -> DensityAttr | None:
    """Entry number `index` of an attribute that `densities_attribute` made."""
    found = None if op is None else op.attributes.get(name)
    if isinstance(found, DensityAttr):
        return found if index == 0 else None
    if isa(found, ArrayAttr[DensityAttr]) and index < len(found):
        return found.data[index]
    return None


def density_of(value: SSAValue) -> DensityAttr | None:
    """What `analyze-sparsity` wrote about a value; None where it has not run.

    Knows results, the input of a step, and inside a scan its steps and carried values.
    """
    if isinstance(value, OpResult):
        return _entry(value.op, DENSITY, value.index)
    assert isinstance(value, BlockArgument)
    parent = value.owner.parent_op()
    if not isinstance(parent, ScanOp):
        return _entry(parent, INPUT_DENSITY, value.index)
    sequences = parent.sequences
    if value.index < len(sequences):
        return density_of(sequences[value.index])
    return _entry(parent, CARRIED_DENSITY, value.index - len(sequences))


def expected_density(value: SSAValue) -> float:
    """What to compile for: what was measured or declared, else what is assumed, within its bounds.

    A bound is no expectation: most weights allow a layer to be full, which hardly any one is.
    """
    found = density_of(value)
    if found is None:
        return ASSUMED_DENSITY
    if found.measured is not None:
        return found.measured
    return min(max(found.least, ASSUMED_DENSITY), found.most)


def demand_of(value: SSAValue) -> DensityAttr | None:
    """Which share of a result's cells something depends on; None where it may be all of them."""
    return _entry(value.op, DEMAND, value.index) if isinstance(value, OpResult) else None
