"""Synapses over time: currents, and the gradients of inputs, weights and biases."""

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
    level_of,
    sample_shape,
    vector_length,
)
from spikeloom.dialects.bptt.types import (
    BITS,
    REAL,
    VALUE,
    Tensor,
)


@irdl_op_definition
class SynapseOp(IRDLOperation):
    """Currents of a fully connected layer: I[t] = W x[t] + b, all steps at once."""

    name = "bptt.synapse"

    input = operand_def(VALUE)
    weight = prop_def(SymbolRefAttr)
    bias = opt_prop_def(SymbolRefAttr)
    current = result_def(REAL)

    traits = traits_def(Pure())
    assembly_format = (
        "$input `,` $weight (`,` $bias^)? attr-dict `:` type($input) `->` type($current)"
    )

    def __init__(
        self, input: SSAValue, weight: SymbolRefAttr, bias: SymbolRefAttr | None, type: Tensor
    ):
        super().__init__(
            operands=[input], properties={"weight": weight, "bias": bias}, result_types=[type]
        )

    def verify_(self) -> None:
        level = level_of(self)
        inputs = vector_length(self.input.type, level, "the input of a synapse")
        outputs = vector_length(self.current.type, level, "the current of a synapse")
        check_parameter(self, self.weight, (outputs, inputs))
        if self.bias is not None:
            check_parameter(self, self.bias, (outputs,))


@irdl_op_definition
class SynapseInputGradientOp(IRDLOperation):
    """gx[t] = W^T gu[t]: what the currents' gradient says of the inputs.

    Only where the mask is one, if there is one, and zero elsewhere.
    """

    name = "bptt.synapse_input_gradient"

    gradient = operand_def(REAL)
    mask = opt_operand_def(BITS)
    weight = prop_def(SymbolRefAttr)
    input_gradient = result_def(REAL)

    traits = traits_def(Pure())
    assembly_format = (
        "$gradient `,` $weight (`masked_by` $mask^)? attr-dict `:` type($gradient) "
        "(`,` type($mask)^)? `->` type($input_gradient)"
    )

    def __init__(
        self,
        gradient: SSAValue,
        weight: SymbolRefAttr,
        type: Tensor,
        mask: SSAValue | None = None,
    ):
        super().__init__(
            operands=[gradient, mask], properties={"weight": weight}, result_types=[type]
        )

    def verify_(self) -> None:
        level = level_of(self)
        outputs = vector_length(self.gradient.type, level, "the gradient of a synapse")
        inputs = vector_length(self.input_gradient.type, level, "the gradient of its input")
        check_parameter(self, self.weight, (outputs, inputs))
        check_mask(self.mask, self.input_gradient)


@irdl_op_definition
class SynapseWeightGradientOp(IRDLOperation):
    """gW = sum over batch and time of gu[t] (outer) x[t], as [out, in]."""

    name = "bptt.synapse_weight_gradient"

    gradient = operand_def(REAL)
    input = operand_def(VALUE)
    weight_gradient = result_def(REAL)

    # Not Pure, although nothing else happens: the gradients of two parameters may be equal, as
    # those of two biases in one sum are, but each is reported and applied on its own, so cse
    # must not merge them.
    assembly_format = (
        "$gradient `,` $input attr-dict `:` type($gradient) `,` type($input) `->` "
        "type($weight_gradient)"
    )

    def __init__(self, gradient: SSAValue, input: SSAValue, type: Tensor):
        super().__init__(operands=[gradient, input], result_types=[type])

    def verify_(self) -> None:
        outputs = vector_length(self.gradient.type, SEQUENCE, "the gradient of a synapse")
        inputs = vector_length(self.input.type, SEQUENCE, "the input of a synapse")
        check_sum(self.weight_gradient.type, (outputs, inputs))


@irdl_op_definition
class BiasGradientOp(IRDLOperation):
    """gb = sum over batch, time and, in an image, space of gu[t]: one number per channel."""

    name = "bptt.bias_gradient"

    gradient = operand_def(REAL)
    bias_gradient = result_def(REAL)

    # Not Pure: see SynapseWeightGradientOp.
    assembly_format = "$gradient attr-dict `:` type($gradient) `->` type($bias_gradient)"

    def __init__(self, gradient: SSAValue, type: Tensor):
        super().__init__(operands=[gradient], result_types=[type])

    def verify_(self) -> None:
        shape = sample_shape(self.gradient.type, SEQUENCE, "the gradient of a synapse")
        if not shape:
            raise VerifyException("a bias needs a dimension of units or channels")
        check_sum(self.bias_gradient.type, shape[:1])
