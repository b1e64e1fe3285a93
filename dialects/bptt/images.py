"""Convolutions of images, and the gradients of their inputs and weights.

An image is [channels, height, width] per sample and step. All of these stand in a sequence or,
except weight gradients, which are sums over time, in a scan.
"""

from __future__ import annotations

from xdsl.dialects.builtin import SymbolRefAttr
from xdsl.ir import SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from spikeloom.dialects.bptt.shapes import (
    SEQUENCE,
    check_mask,
    check_parameter,
    check_sum,
    image_shape,
    level_of,
)
from spikeloom.dialects.bptt.types import BITS, REAL, VALUE, Tensor
from spikeloom.dialects.window import WindowAttr, inner_output, same_output, window_text

Image = tuple[int, int, int]
"""Channels, height, width."""


@irdl_op_definition
class ConvolutionOp(IRDLOperation):
    """Currents of a convolution: I[t, d, y, x] = b[d] + sum of w[d, c, j, i] over the window.

    ```mlir
    %i = bptt.convolution %x, @a.weight, @a.bias <kernel 3, stride 1, padding 1>
       : tensor<?x?x2x8x8xi1> -> tensor<?x?x6x8x8xf32>
    ```

    The weight is [channels out, channels in, kernel, kernel], the bias [channels out].
    """

    name = "bptt.convolution"

    input = operand_def(VALUE)
    weight = prop_def(SymbolRefAttr)
    bias = opt_prop_def(SymbolRefAttr)
    window = prop_def(WindowAttr)
    current = result_def(REAL)

    traits = traits_def(Pure())
    assembly_format = (
        "$input `,` $weight (`,` $bias^)? $window attr-dict `:` type($input) `->` type($current)"
    )

    def __init__(
        self,
        input: SSAValue,
        weight: SymbolRefAttr,
        bias: SymbolRefAttr | None,
        window: WindowAttr,
        type: Tensor,
    ):
        super().__init__(
            operands=[input],
            properties={"weight": weight, "bias": bias, "window": window},
            result_types=[type],
        )

    def verify_(self) -> None:
        level = level_of(self)
        image = image_shape(self.input.type, level, "the input of a convolution")
        current = image_shape(self.current.type, level, "the current of a convolution")
        check_parameter(self, self.weight, _convolved(image, current, self.window))
        if self.bias is not None:
            check_parameter(self, self.bias, (current[0],))


@irdl_op_definition
class ConvolutionInputGradientOp(IRDLOperation):
    """What the currents' gradient says of a convolution's input.

    Every cell of the input collects w[d, c, j, i] * g[d, y, x] of the windows that cover it. With
    a mask only the cells where it is one are computed; the others are zero.
    """

    name = "bptt.convolution_input_gradient"

    gradient = operand_def(REAL)
    mask = opt_operand_def(BITS)
    weight = prop_def(SymbolRefAttr)
    window = prop_def(WindowAttr)
    input_gradient = result_def(REAL)

    traits = traits_def(Pure())
    assembly_format = (
        "$gradient `,` $weight (`masked_by` $mask^)? $window attr-dict `:` type($gradient) "
        "(`,` type($mask)^)? `->` type($input_gradient)"
    )

    def __init__(
        self,
        gradient: SSAValue,
        weight: SymbolRefAttr,
        window: WindowAttr,
        type: Tensor,
        mask: SSAValue | None = None,
    ):
        super().__init__(
            operands=[gradient, mask],
            properties={"weight": weight, "window": window},
            result_types=[type],
        )

    def verify_(self) -> None:
        level = level_of(self)
        current = image_shape(self.gradient.type, level, "the gradient of a convolution")
        image = image_shape(self.input_gradient.type, level, "the gradient of its input")
        check_parameter(self, self.weight, _convolved(image, current, self.window))
        check_mask(self.mask, self.input_gradient)


@irdl_op_definition
class ConvolutionWeightGradientOp(IRDLOperation):
    """gW[d, c, j, i] = sum over time, batch and space of g[d, y, x] times what its tap reads."""

    name = "bptt.convolution_weight_gradient"

    gradient = operand_def(REAL)
    input = operand_def(VALUE)
    window = prop_def(WindowAttr)
    weight_gradient = result_def(REAL)

    # Not Pure: see SynapseWeightGradientOp.
    assembly_format = (
        "$gradient `,` $input $window attr-dict `:` type($gradient) `,` type($input) `->` "
        "type($weight_gradient)"
    )

    def __init__(self, gradient: SSAValue, input: SSAValue, window: WindowAttr, type: Tensor):
        super().__init__(
            operands=[gradient, input], properties={"window": window}, result_types=[type]
        )

    def verify_(self) -> None:
        current = image_shape(self.gradient.type, SEQUENCE, "the gradient of a convolution")
        image = image_shape(self.input.type, SEQUENCE, "the input of a convolution")
        check_sum(self.weight_gradient.type, _convolved(image, current, self.window))


def _convolved(image: Image, current: Image, window: WindowAttr) -> tuple[int, int, int, int]:
    """The weight that a window over `image` needs to yield `current`.

    Raises:
        VerifyException: `current` has another size than `same` padding or the window's padding
            on both sides leaves.
    """
    kernel, stride, padding = window.sizes
    for size, output in zip(image[1:], current[1:], strict=True):
        expected = {inner_output(size + 2 * padding, kernel, stride)}
        if padding == (kernel - 1) // 2:
            expected.add(same_output(size, stride))
        if output < 1 or output not in expected:
            raise VerifyException(
                f"a window {window_text(window)} over {size} pixels yields "
                f"{' or '.join(map(str, sorted(expected)))}, not {output}"
            )
    return current[0], image[0], kernel, kernel
