"""A window that slides over an image: one attribute for convolutions and pools on all levels.

`<kernel 3, stride 1, padding 1>`: output row y reads the input rows y * stride - padding to
y * stride - padding + kernel - 1, columns alike; what lies outside the image is zero, in a pool
left out. `padding` says how many rows lie before the first; behind the last there are as many as
the output's size asks for, so that `same` padding of an even kernel has a home too.
"""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import Attribute, ParametrizedAttribute, SpacedOpaqueSyntaxAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from spikeloom.dialects.number_text import Count, count, parse_count


@irdl_attr_definition
class WindowAttr(ParametrizedAttribute, SpacedOpaqueSyntaxAttribute):
    """`<kernel 3, stride 1, padding 1>`: a square window over an image."""

    name = "snn.window"

    kernel: Count
    stride: Count
    padding: Count

    @classmethod
    def get(cls, kernel: int, stride: int = 1, padding: int = 0) -> WindowAttr:
        """The window of these sizes, in pixels."""
        return cls(count(kernel), count(stride), count(padding))

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Kernel, stride and padding."""
        return self.kernel.value.data, self.stride.value.data, self.padding.value.data

    @property
    def taps(self) -> int:
        """Pixels of the window, row by row."""
        return self.kernel.value.data**2

    def verify(self) -> None:
        kernel, stride, padding = self.sizes
        if kernel < 1 or stride < 1:
            raise VerifyException(f"kernel and stride are at least 1, got {kernel} and {stride}")
        if not 0 <= padding < kernel:
            raise VerifyException(f"padding must lie in [0, {kernel - 1}], got {padding}")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            parser.parse_keyword("kernel")
            kernel = parse_count(parser)
            parser.parse_punctuation(",")
            parser.parse_keyword("stride")
            stride = parse_count(parser)
            parser.parse_punctuation(",")
            parser.parse_keyword("padding")
            padding = parse_count(parser)
        return kernel, stride, padding

    def print_parameters(self, printer: Printer) -> None:
        kernel, stride, padding = self.sizes
        with printer.in_angle_brackets():
            printer.print_string(f"kernel {kernel}, stride {stride}, padding {padding}")


def same_output(size: int, stride: int) -> int:
    """Pixels of an output under `same` padding."""
    return -(-size // stride)


def inner_output(size: int, kernel: int, stride: int) -> int:
    """Pixels of an output whose windows all lie inside the image."""
    return (size - kernel) // stride + 1


def window_text(window: WindowAttr) -> str:
    """The window as messages show it."""
    kernel, stride, padding = window.sizes
    return f"<kernel {kernel}, stride {stride}, padding {padding}>"
