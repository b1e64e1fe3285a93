"""Attributes of the `sdf` dialect: exact fractions."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from xdsl.dialects.builtin import IntAttr
from xdsl.ir import Attribute, ParametrizedAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException


@irdl_attr_definition
class RatioAttr(ParametrizedAttribute):
    """An exact fraction in lowest terms: `#sdf.ratio<247 over 2>`, `#sdf.ratio<16>`."""

    name = "sdf.ratio"

    numerator: IntAttr
    denominator: IntAttr

    @classmethod
    def get(cls, value: Fraction) -> RatioAttr:
        """The attribute of a fraction."""
        return cls(IntAttr(value.numerator), IntAttr(value.denominator))

    @property
    def value(self) -> Fraction:
        """The fraction."""
        return Fraction(self.numerator.data, self.denominator.data)

    def verify(self) -> None:
        below = self.denominator.data
        if below < 1 or self.value.denominator != below:
            raise VerifyException(f"{self.numerator.data} over {below} is not in lowest terms")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            numerator = parser.parse_integer(allow_boolean=False)
            denominator = 1
            if parser.parse_optional_keyword("over"):
                denominator = parser.parse_integer(allow_boolean=False)
        return IntAttr(numerator), IntAttr(denominator)

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string(str(self.numerator.data))
            if self.denominator.data != 1:
                printer.print_string(f" over {self.denominator.data}")
