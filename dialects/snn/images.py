"""Windows over images: convolutions and pools. An image is [channels, rows, columns]."""

from __future__ import annotations

import math

from xdsl.dialects.builtin import DYNAMIC_INDEX, SymbolRefAttr, TensorType, UnitAttr, f32
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import (
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import HasParent, Pure
from xdsl.utils.exceptions import VerifyException

from spikeloom.dialects.pool_kind import PoolKind, PoolKindAttr
from spikeloom.dialects.snn.network import NetworkOp
from spikeloom.dialects.snn.parametric import ParametricOperation, symbol_name
from spikeloom.dialects.snn.types import (
    CURRENTS,
    VALUE,
    NetworkValueOperation,
    ShapeError,
    ValueType,
    element_type,
    known_shape,
    shape_text,
)
from spikeloom.dialects.window import WindowAttr, inner_output, same_output


@irdl_op_definition
class Conv2dOp(ParametricOperation):
    """Weighted sums of the pixels in a window, one per output channel and place of the window.

    ```mlir
    %0 = snn.conv2d %x, @a.weight, @a.bias <kernel 3, stride 1, padding 1>
      : tensor<2x32x32xi1> -> tensor<8x32x32xf32>
    ```

    The weight is [out, in, kernel, kernel], the bias [out]. Behind the image lie as many zeros as
    before it; `same` after the window says that the output is ceil(size / stride) large, which
    takes one row more behind the image where the kernel is even.
    """

    name = "snn.conv2d"

    input = operand_def(VALUE)
    weight = prop_def(SymbolRefAttr)
    bias = opt_prop_def(SymbolRefAttr)
    window = prop_def(WindowAttr)
    same = opt_prop_def(UnitAttr)
    result = result_def(CURRENTS)

    traits = traits_def(Pure(), HasParent(NetworkOp))
    assembly_format = (
        "$input `,` $weight (`,` $bias^)? $window (`same` $same^)? attr-dict "
        "`:` type($input) `->` type($result)"
    )

    def __init__(
        self,
        input: SSAValue,
        weight: str,
        bias: str | None,
        window: WindowAttr,
        result_type: ValueType,
        *,
        same: bool = False,
    ):
        super().__init__(
            operands=[input],
            properties={
                "weight": SymbolRefAttr(weight),
                "bias": None if bias is None else SymbolRefAttr(bias),
                "window": window,
                "same": UnitAttr() if same else None,
            },
            result_types=[result_type],
        )

    @property
    def weight_name(self) -> str:
        """The weight's symbol, without the `@`."""
        return symbol_name(self.weight)

    @property
    def bias_name(self) -> str | None:
        """The bias's symbol, without the `@`; None without a bias."""
        return None if self.bias is None else symbol_name(self.bias)

    @property
    def parameter_names(self) -> tuple[str, ...]:
        bias = self.bias_name
        return (self.weight_name,) if bias is None else (self.weight_name, bias)

    def infer_result_type(self) -> TensorType[Attribute] | None:
        weight = self.parameter(self.weight_name).type.get_shape()
        kernel, _, _ = self.window.sizes
        if len(weight) != 4 or weight[0] == DYNAMIC_INDEX or weight[2:] != (kernel, kernel):
            raise ShapeError(
                f"the weight of a conv2d with kernel {kernel} has the shape "
                f"[out, in, {kernel}, {kernel}], got {shape_text(weight)}"
            )
        if (shape := known_shape(self.input)) is None:
            return None
        channels, *image = image_shape(shape, "conv2d")
        if weight[1] not in (DYNAMIC_INDEX, channels):
            raise ShapeError(
                f"the weight @{self.weight_name} expects {weight[1]} channels, "
                f"but the input has {channels}"
            )
        return TensorType(f32, [weight[0], *(self._output(size, shape) for size in image)])

    def _output(self, size: int, shape: tuple[int, ...]) -> int:
        kernel, stride, padding = self.window.sizes
        if self.same is not None:
            return same_output(size, stride)
        if kernel > size + 2 * padding:
            padded = f" with padding {padding}" if padding else ""
            raise ShapeError(
                f"a window of {kernel} x {kernel} does not fit into the image "
                f"{shape_text(shape)}{padded}",
                "choose a smaller kernel, or padding = same",
            )
        return inner_output(size + 2 * padding, kernel, stride)

    def resolve_parameters(self) -> None:
        shape = known_shape(self.input)
        assert shape is not None
        outputs, _, *kernel = self.parameter(self.weight_name).type.get_shape()
        fan_in = shape[0] * self.window.taps
        self.set_parameter_shape(self.weight_name, (outputs, shape[0], *kernel), fan_in)
        if self.bias_name is not None:
            self.set_parameter_shape(self.bias_name, (outputs,), fan_in)

    def verify_(self) -> None:
        super().verify_()
        kernel, _, padding = self.window.sizes
        if self.same is not None and padding != (kernel - 1) // 2:
            raise VerifyException(
                f"`same` padding of kernel {kernel} has {(kernel - 1) // 2} rows before the "
                f"image, got {padding}"
            )
        if self.bias_name is not None:
            outputs = self.parameter(self.weight_name).type.get_shape()[0]
            self.check_vector("bias", self.bias_name, outputs)


@irdl_op_definition
class Pool2dOp(NetworkValueOperation):
    """One number for each window of every channel: its sum, mean or maximum.

    ```mlir
    %p = snn.pool2d max %a <kernel 2, stride 2, padding 0>
      : tensor<8x32x32xi1> -> tensor<8x16x16xi1>
    ```

    Every window lies inside the image. Sums and means are currents; the maximum of spikes is a
    spike.
    """

    name = "snn.pool2d"

    value = operand_def(VALUE)
    kind = prop_def(PoolKindAttr)
    window = prop_def(WindowAttr)
    pooled = result_def(VALUE)

    traits = traits_def(Pure(), HasParent(NetworkOp))

    def __init__(self, value: SSAValue, kind: PoolKind, window: WindowAttr, result_type: ValueType):
        super().__init__(
            operands=[value],
            properties={"kind": PoolKindAttr(kind), "window": window},
            result_types=[result_type],
        )

    @property
    def result_element(self) -> Attribute:
        """The element type of the result."""
        return element_type(self.value) if self.kind.data is PoolKind.MAX else f32

    def infer_result_type(self) -> TensorType[Attribute] | None:
        if (shape := known_shape(self.value)) is None:
            return None
        kernel, stride, _ = self.window.sizes
        channels, *image = image_shape(shape, f"{self.kind.data.value}pool2d")
        if kernel > min(image):
            raise ShapeError(
                f"a window of {kernel} x {kernel} does not fit into the image {shape_text(shape)}",
                "choose a smaller window",
            )
        sizes = (inner_output(size, kernel, stride) for size in image)
        return TensorType(self.result_element, [channels, *sizes])

    def verify_(self) -> None:
        super().verify_()
        if self.window.sizes[2] != 0:
            raise VerifyException("a pool has no padding")
        if element_type(self.pooled) != self.result_element:
            raise VerifyException("sums and means are currents, the maximum of spikes is a spike")

    @classmethod
    def parse(cls, parser: Parser) -> Pool2dOp:
        kind = parser.parse_str_enum(PoolKind)
        value = parser.parse_unresolved_operand()
        window = WindowAttr.new(WindowAttr.parse_parameters(parser))
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        value_type = parser.parse_type()
        parser.parse_punctuation("->")
        op = cls.create(
            operands=[parser.resolve_operand(value, value_type)],
            properties={"kind": PoolKindAttr(kind), "window": window},
            result_types=[parser.parse_type()],
        )
        op.attributes = attributes
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(f" {self.kind.data.value} ")
        printer.print_ssa_value(self.value)
        printer.print_string(" ")
        self.window.print_parameters(printer)
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_attribute(self.value.type)
        printer.print_string(" -> ")
        printer.print_attribute(self.pooled.type)


def image_shape(shape: tuple[int, ...], operation: str) -> tuple[int, ...]:
    """`shape`, which must be that of an image.

    Raises:
        ShapeError: it has not three extents.
    """
    if len(shape) != 3:
        raise ShapeError(
            f"{operation} takes an image [channels, rows, columns], but its input has the shape "
            f"{shape_text(shape)}",
            _image_remedy(shape),
        )
    return shape


def _image_remedy(shape: tuple[int, ...]) -> str:
    if len(shape) == 2:
        return f"write reshape(x, [1, {shape[0]}, {shape[1]}])"
    if len(shape) == 1 and (side := math.isqrt(shape[0])) ** 2 == shape[0]:
        return f"write for instance reshape(x, [1, {side}, {side}])"
    return "write for instance reshape(x, [channels, rows, columns])"
