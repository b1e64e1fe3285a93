"""Pools: every window of a channel as one number, and the gradients of that."""

from __future__ import annotations

from xdsl.dialects.builtin import f32
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from spikeloom.dialects.bptt.shapes import image_shape, level_of
from spikeloom.dialects.bptt.types import REAL, VALUE, Tensor, real_like, tensor_of
from spikeloom.dialects.pool_kind import PoolKind, PoolKindAttr
from spikeloom.dialects.window import WindowAttr, inner_output, window_text


@irdl_op_definition
class PoolOp(IRDLOperation):
    """Every window of a channel as one number: its sum, its average, its maximum.

    The maximum of spikes is spikes: whether any of them is one.
    """

    name = "bptt.pool"

    value = operand_def(VALUE)
    kind = prop_def(PoolKindAttr)
    window = prop_def(WindowAttr)
    pooled = result_def(VALUE)

    traits = traits_def(Pure())
    assembly_format = "$kind $value $window attr-dict `:` type($value) `->` type($pooled)"

    def __init__(self, value: SSAValue, kind: PoolKind, window: WindowAttr, type: Tensor):
        super().__init__(
            operands=[value],
            properties={"kind": PoolKindAttr(kind), "window": window},
            result_types=[type],
        )

    def verify_(self) -> None:
        _check_pool(self, self.value.type, self.pooled.type, self.window)
        _check_pooled_element(self.kind.data, self.value, self.pooled)


@irdl_op_definition
class PoolGradientOp(IRDLOperation):
    """The gradient of a pool's operand; cells in no window have none.

    ```mlir
    %gx = bptt.pool_gradient avg %g <kernel 2, stride 2, padding 0> : tensor<...> -> tensor<...>
    %gx = bptt.pool_gradient max %g, %x, %y <...> : tensor<...>, tensor<...>, tensor<...> -> ...
    ```

    Of a maximum the FIRST largest cell of a window, row by row, takes all of its gradient; the
    pool's operand and result say which one that is.
    """

    name = "bptt.pool_gradient"

    gradient = operand_def(REAL)
    value = opt_operand_def(VALUE)
    pooled = opt_operand_def(VALUE)
    kind = prop_def(PoolKindAttr)
    window = prop_def(WindowAttr)
    value_gradient = result_def(REAL)

    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    traits = traits_def(Pure())
    assembly_format = (
        "$kind $gradient (`,` $value^ `,` $pooled)? $window attr-dict `:` type($gradient) "
        "(`,` type($value)^ `,` type($pooled))? `->` type($value_gradient)"
    )

    def __init__(
        self,
        gradient: SSAValue,
        kind: PoolKind,
        window: WindowAttr,
        value: SSAValue | None,
        pooled: SSAValue | None,
        type: Tensor,
    ):
        super().__init__(
            operands=[gradient, value, pooled],
            properties={"kind": PoolKindAttr(kind), "window": window},
            result_types=[type],
        )

    def verify_(self) -> None:
        _check_pool(self, self.value_gradient.type, self.gradient.type, self.window)
        given = [value for value in (self.value, self.pooled) if value is not None]
        if len(given) != (2 if self.kind.data is PoolKind.MAX else 0):
            raise VerifyException(
                "the gradient of a maximum, and of nothing else, reads operand and result"
            )
        if self.value is None or self.pooled is None:
            return
        if real_like(self.value.type) != self.value_gradient.type:
            raise VerifyException("a gradient has the shape of the pool's operand")
        if real_like(self.pooled.type) != self.gradient.type:
            raise VerifyException("a gradient has the shape of the pool's result")
        _check_pooled_element(self.kind.data, self.value, self.pooled)


def _check_pool(op: IRDLOperation, value: Attribute, pooled: Attribute, window: WindowAttr) -> None:
    level = level_of(op)
    channels, *sizes = image_shape(value, level, f"the operand of {op.name}")
    pooled_channels, *outputs = image_shape(pooled, level, f"the result of {op.name}")
    kernel, stride, padding = window.sizes
    if padding:
        raise VerifyException("the windows of a pool lie inside the image, without padding")
    if channels != pooled_channels:
        raise VerifyException(f"a pool keeps the {channels} channels, got {pooled_channels}")
    if kernel > min(sizes):
        raise VerifyException(f"a window {window_text(window)} does not fit into {value}")
    for size, output in zip(sizes, outputs, strict=True):
        if output != inner_output(size, kernel, stride):
            raise VerifyException(
                f"a window {window_text(window)} over {size} pixels yields "
                f"{inner_output(size, kernel, stride)}, not {output}"
            )


def _check_pooled_element(kind: PoolKind, value: SSAValue, pooled: SSAValue) -> None:
    element = tensor_of(value).element_type if kind is PoolKind.MAX else f32
    if tensor_of(pooled).element_type != element:
        raise VerifyException(f"the {kind.value} pool of {value.type} yields {element}")
