"""Attributes of a clustered network: limits of a crossbar, and neurons as ranges of layers."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import I64, ArrayAttr, DenseArrayBase, StringAttr, i64
from xdsl.ir import Attribute, ParametrizedAttribute, SpacedOpaqueSyntaxAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from spikeloom.dialects.number_text import Count, count, parse_count

LIMITS = (
    "inputs",
    "outputs",
    "crosspoints",
    "fan_in",
    "destinations",
    "input_buffer",
    "output_buffer",
)
"""What may be bounded; the first two always are."""


@irdl_attr_definition
class LimitsAttr(ParametrizedAttribute, SpacedOpaqueSyntaxAttribute):
    """`<inputs 128, outputs 128, destinations 4>`: what one crossbar can hold."""

    name = "snn.limits"

    names: ArrayAttr[StringAttr]
    values: ArrayAttr[Count]

    @classmethod
    def get(cls, limits: Mapping[str, int | None]) -> LimitsAttr:
        """The limits that have a value, in the order of `LIMITS`."""
        known = [(name, limits.get(name)) for name in LIMITS]
        given = [(name, value) for name, value in known if value is not None]
        names = ArrayAttr([StringAttr(name) for name, _ in given])
        return cls(names, ArrayAttr([count(value) for _, value in given]))

    @property
    def limits(self) -> dict[str, int]:
        """The limits by name."""
        pairs = zip(self.names, self.values, strict=True)
        return {name.data: value.value.data for name, value in pairs}

    def verify(self) -> None:
        names = [name.data for name in self.names]
        if len(self.values) != len(names) or names != [n for n in LIMITS if n in names]:
            raise VerifyException(f"limits stand in the order {', '.join(LIMITS)}, each once")
        if names[:2] != ["inputs", "outputs"]:
            raise VerifyException("inputs and outputs of a crossbar are bounded")
        for name, value in self.limits.items():
            if value < 1:
                raise VerifyException(f"{name} must be at least 1, got {value}")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        names: list[StringAttr] = []
        values: list[Count] = []

        def parse_one() -> None:
            names.append(StringAttr(parser.parse_identifier()))
            values.append(parse_count(parser))

        parser.parse_comma_separated_list(parser.Delimiter.ANGLE, parse_one)
        return ArrayAttr(names), ArrayAttr(values)

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            limits = self.limits.items()
            printer.print_string(", ".join(f"{name} {value}" for name, value in limits))


@irdl_attr_definition
class NeuronsAttr(ParametrizedAttribute, SpacedOpaqueSyntaxAttribute):
    """`<"hidden"[0:64, 70:71]>`: neurons of one layer, as ranges without their ends."""

    name = "snn.some"

    layer: StringAttr
    ranges: DenseArrayBase[I64]

    @classmethod
    def get(cls, layer: str, units: NDArray[np.integer]) -> NeuronsAttr:
        """The neurons with these numbers within the layer, ascending and distinct."""
        breaks = np.flatnonzero(np.diff(units) != 1)
        starts = units[np.concatenate([[0], breaks + 1])]
        ends = units[np.concatenate([breaks, [-1]])] + 1
        flat = np.stack([starts, ends], axis=1).ravel().tolist()
        return cls(StringAttr(layer), DenseArrayBase.from_list(i64, flat))

    @property
    def units(self) -> NDArray[np.int64]:
        """The numbers within the layer, ascending."""
        bounds = self._bounds
        pairs = zip(bounds[::2], bounds[1::2], strict=True)
        parts = [np.arange(start, end) for start, end in pairs]
        return np.concatenate(parts)

    @property
    def _bounds(self) -> tuple[int, ...]:
        return tuple(int(value) for value in self.ranges.get_values())

    def verify(self) -> None:
        bounds = self._bounds
        if not bounds or len(bounds) % 2:
            raise VerifyException("ranges are pairs of a start and an end")
        if bounds[0] < 0 or any(a >= b for a, b in itertools.pairwise(bounds)):
            raise VerifyException("ranges are not empty, ascend, and do not touch")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            return parse_neurons(parser).parameters

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            self.print_neurons(printer)

    def print_neurons(self, printer: Printer) -> None:
        """Prints `"hidden"[0:64, 70:71]`."""
        bounds = self._bounds
        pairs = zip(bounds[::2], bounds[1::2], strict=True)
        printer.print_string_literal(self.layer.data)
        printer.print_string(f"[{', '.join(f'{start}:{end}' for start, end in pairs)}]")


def parse_neurons(parser: AttrParser) -> NeuronsAttr:
    """Reads `"hidden"[0:64, 70:71]`."""
    layer = parser.parse_str_literal()
    bounds: list[int] = []

    def parse_range() -> None:
        bounds.append(parse_count(parser).value.data)
        parser.parse_punctuation(":")
        bounds.append(parse_count(parser).value.data)

    parser.parse_comma_separated_list(parser.Delimiter.SQUARE, parse_range)
    return NeuronsAttr(StringAttr(layer), DenseArrayBase.from_list(i64, bounds))


def parse_neuron_lists(parser: AttrParser) -> ArrayAttr[NeuronsAttr]:
    """Reads `["image"[0:64], "hidden"[3:4]]`."""
    delimiter = parser.Delimiter.SQUARE
    return ArrayAttr(parser.parse_comma_separated_list(delimiter, lambda: parse_neurons(parser)))


def print_neuron_lists(printer: Printer, lists: Iterable[NeuronsAttr]) -> None:
    """Prints what `parse_neuron_lists` reads."""
    with printer.in_square_brackets():
        printer.print_list(lists, lambda each: each.print_neurons(printer))
