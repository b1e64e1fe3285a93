"""The same numbers in another arrangement: as a vector, in another shape, side by side."""

from __future__ import annotations

import math

from xdsl.dialects.builtin import TensorType
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, result_def, traits_def
from xdsl.traits import HasParent, Pure
from xdsl.utils.exceptions import VerifyException

from spikeloom.dialects.snn.network import NetworkOp
from spikeloom.dialects.snn.types import (
    ELEMENT,
    VALUE,
    NetworkValueOperation,
    ShapeError,
    ValueType,
    element_type,
    known_shape,
    shape_text,
)


@irdl_op_definition
class FlattenOp(NetworkValueOperation):
    """A tensor as a vector, last dimension fastest."""

    name = "snn.flatten"

    value = operand_def(VALUE)
    result = result_def(VALUE)

    traits = traits_def(Pure(), HasParent(NetworkOp))
    assembly_format = "$value attr-dict `:` type($value) `->` type($result)"

    def __init__(self, value: SSAValue, result_type: ValueType):
        super().__init__(operands=[value], result_types=[result_type])

    def infer_result_type(self) -> TensorType[Attribute] | None:
        if (shape := known_shape(self.value)) is None:
            return None
        return TensorType(element_type(self.value), [math.prod(shape)])

    def verify_(self) -> None:
        super().verify_()
        if element_type(self.value) != element_type(self.result):
            raise VerifyException("flattened spikes are spikes, flattened currents currents")


@irdl_op_definition
class ReshapeOp(NetworkValueOperation):
    """The same numbers in another shape, last dimension fastest.

    `snn.reshape %x : tensor<64xi1> -> tensor<1x8x8xi1>`; the result's shape is always known.
    """

    name = "snn.reshape"

    value = operand_def(VALUE)
    result = result_def(TensorType.constr(ELEMENT))

    traits = traits_def(Pure(), HasParent(NetworkOp))
    assembly_format = "$value attr-dict `:` type($value) `->` type($result)"

    def __init__(self, value: SSAValue, type: TensorType[Attribute]):
        super().__init__(operands=[value], result_types=[type])

    def infer_result_type(self) -> TensorType[Attribute] | None:
        target = known_shape(self.result)
        if target is None:
            raise ShapeError("the shape that a reshape yields must be known")
        shape = known_shape(self.value)
        if shape is not None and math.prod(shape) != math.prod(target):
            raise ShapeError(
                f"reshape keeps the number of units, but its input {shape_text(shape)} has "
                f"{math.prod(shape)} and {shape_text(target)} has {math.prod(target)}"
            )
        return TensorType(element_type(self.value), target)

    def verify_(self) -> None:
        if element_type(self.value) != element_type(self.result):
            raise VerifyException("reshaped spikes are spikes, reshaped currents currents")
        super().verify_()


@irdl_op_definition
class ConcatOp(NetworkValueOperation):
    """Two values one behind the other along the channels, the first dimension.

    `snn.concat %x, %y : tensor<2x8x8xi1>, tensor<3x8x8xi1> -> tensor<5x8x8xi1>`
    """

    name = "snn.concat"

    left = operand_def(VALUE)
    right = operand_def(VALUE)
    result = result_def(VALUE)

    traits = traits_def(Pure(), HasParent(NetworkOp))
    assembly_format = (
        "$left `,` $right attr-dict `:` type($left) `,` type($right) `->` type($result)"
    )

    def __init__(self, left: SSAValue, right: SSAValue, result_type: ValueType):
        super().__init__(operands=[left, right], result_types=[result_type])

    def infer_result_type(self) -> TensorType[Attribute] | None:
        left, right = known_shape(self.left), known_shape(self.right)
        if left is None or right is None:
            return None
        if not left or not right or left[1:] != right[1:]:
            raise ShapeError(
                f"concat joins values that differ in the first extent only, got "
                f"{shape_text(left)} and {shape_text(right)}",
                "bring both to the same size first, for instance with a pool or a stride",
            )
        return TensorType(element_type(self.left), [left[0] + right[0], *left[1:]])

    def verify_(self) -> None:
        elements = {element_type(each) for each in (self.left, self.right, self.result)}
        if len(elements) != 1:
            raise VerifyException("concat joins spikes with spikes, or currents with currents")
        super().verify_()
