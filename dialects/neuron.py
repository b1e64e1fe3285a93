"""What a spiking neuron does at a step: one attribute, shared by all levels of the IR.

`<decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)>` stands for

    u[t] = decay * R(u[t-1], s[t-1]) + I[t]        s[t] = 1 where u[t] > threshold

with R the reset (`zero`: u * (1 - s), `subtract`: u - threshold * s, `none`: u), and the
surrogate for the derivative of s with respect to u.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from xdsl.dialects.builtin import BoolAttr, f64
from xdsl.dialects.utils import EnumAttribute
from xdsl.ir import Attribute, ParametrizedAttribute, SpacedOpaqueSyntaxAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.str_enum import StrEnum

from spikeloom.dialects.number_text import Real, parse_real, print_real, real


class Reset(StrEnum):
    """What a spike does to the membrane potential that the next step starts from."""

    ZERO = "zero"
    SUBTRACT = "subtract"
    NONE = "none"


class SurrogateKind(StrEnum):
    """The shape that stands for the derivative of a spike."""

    RECTANGLE = "rectangle"
    TRIANGLE = "triangle"
    FAST_SIGMOID = "fast_sigmoid"
    ATAN = "atan"

    @property
    def is_compact(self) -> bool:
        """Whether the derivative is zero outside `threshold +- half_width`."""
        return self in (SurrogateKind.RECTANGLE, SurrogateKind.TRIANGLE)


@irdl_attr_definition
class ResetAttr(EnumAttribute[Reset], SpacedOpaqueSyntaxAttribute):
    """`#snn<reset zero>`."""

    name = "snn.reset"


@irdl_attr_definition
class SurrogateKindAttr(EnumAttribute[SurrogateKind], SpacedOpaqueSyntaxAttribute):
    """`#snn<surrogate rectangle>`."""

    name = "snn.surrogate"


@irdl_attr_definition
class NeuronAttr(ParametrizedAttribute):
    """`<decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)>`: a spiking neuron.

    `shape` is the half width of a rectangle or triangle and the slope of the other surrogates;
    `gain` scales a rectangle or triangle and is 1 otherwise.
    """

    name = "snn.neuron"

    decay: Real
    threshold: Real
    reset: ResetAttr
    surrogate: SurrogateKindAttr
    shape: Real
    gain: Real
    detach_reset: BoolAttr

    @classmethod
    def get(
        cls,
        *,
        decay: float = 0.5,
        threshold: float = 0.5,
        reset: Reset = Reset.ZERO,
        surrogate: SurrogateKind = SurrogateKind.RECTANGLE,
        shape: float = 0.5,
        gain: float = 1.0,
        detach_reset: bool = False,
    ) -> NeuronAttr:
        """The neuron with these values; the defaults are the language's."""
        return cls(
            real(decay),
            real(threshold),
            ResetAttr(reset),
            SurrogateKindAttr(surrogate),
            real(shape),
            real(gain),
            BoolAttr.from_bool(detach_reset),
        )

    @property
    def detached(self) -> bool:
        """Whether the gradient through the reset is dropped."""
        return bool(self.detach_reset.value.data)

    @property
    def saves_mask(self) -> bool:
        """Whether the backward pass reads the surrogate's support, one bit per potential."""
        return self.surrogate.data is SurrogateKind.RECTANGLE

    @property
    def saves_potential(self) -> bool:
        """Whether the backward pass reads the potential itself."""
        reset_path = self.reset.data is Reset.ZERO and not self.detached
        return reset_path or self.surrogate.data is not SurrogateKind.RECTANGLE

    def verify(self) -> None:
        """Raises VerifyException where a number lies outside its range."""
        for name, value in (
            ("decay", self.decay),
            ("threshold", self.threshold),
            ("surrogate shape", self.shape),
            ("surrogate gain", self.gain),
        ):
            if value.type != f64 or not math.isfinite(value.value.data):
                raise VerifyException(f"{name} must be a finite f64 number")
        if not 0.0 <= self.decay.value.data <= 1.0:
            raise VerifyException(f"decay must lie in [0, 1], got {self.decay.value.data}")
        if self.shape.value.data <= 0.0:
            raise VerifyException(
                f"a surrogate's half width or slope must be above 0, got {self.shape.value.data}"
            )

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string("decay ")
            print_real(printer, self.decay)
            printer.print_string(", threshold ")
            print_real(printer, self.threshold)
            printer.print_string(f", reset {self.reset.data}, surrogate {self.surrogate.data}(")
            print_real(printer, self.shape)
            if self.surrogate.data.is_compact:
                printer.print_string(", ")
                print_real(printer, self.gain)
            printer.print_string(")")
            if self.detached:
                printer.print_string(", detach_reset")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            parser.parse_keyword("decay")
            decay = parse_real(parser)
            parser.parse_punctuation(",")
            parser.parse_keyword("threshold")
            threshold = parse_real(parser)
            parser.parse_punctuation(",")
            parser.parse_keyword("reset")
            reset = parser.parse_str_enum(Reset)
            parser.parse_punctuation(",")
            parser.parse_keyword("surrogate")
            surrogate = parser.parse_str_enum(SurrogateKind)
            gain = real(1.0)
            with parser.in_parens():
                shape = parse_real(parser)
                if surrogate.is_compact:
                    parser.parse_punctuation(",")
                    gain = parse_real(parser)
            detached = parser.parse_optional_punctuation(",") is not None
            if detached:
                parser.parse_keyword("detach_reset")
        return (
            decay,
            threshold,
            ResetAttr(reset),
            SurrogateKindAttr(surrogate),
            shape,
            gain,
            BoolAttr.from_bool(detached),
        )
