"""Neurons over time: `bptt.fire`, `bptt.integrate` and their gradients.

Without operands for the state before the first step (or, in a gradient, after the last) they
start at zero. Inside a `bptt.scan` they work on one step and get that state from a carried value.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from xdsl.dialects.builtin import StringAttr, TensorType, f32, i1
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    AttrSizedResultSegments,
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_result_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.parser import Parser, UnresolvedOperand
from xdsl.printer import Printer
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from spikeloom.dialects.bptt.shapes import check_layer
from spikeloom.dialects.bptt.types import is_tensor
from spikeloom.dialects.neuron import NeuronAttr, Reset
from spikeloom.dialects.number_text import Real, parse_real, print_real

_REAL = TensorType.constr(f32)
_BITS = TensorType.constr(i1)


def bits_like(type: Attribute) -> TensorType[Attribute]:
    """The type of spikes or masks with the shape of `type`."""
    assert is_tensor(type)
    return TensorType(i1, type.get_shape())


@irdl_op_definition
class FireOp(IRDLOperation):
    """Leak, integrate, compare, reset: spikes, and what the backward pass asked to save.

    ```mlir
    %s, %m, %u = bptt.fire %i <decay 0.5, ...> layer "hidden" saving mask, potential
               : tensor<?x?x128xf32>
    %s, %u = bptt.fire %i after potential %up, spikes %sp <...> layer "hidden" saving potential ...
    ```

    The mask is one where the surrogate's derivative is not zero.
    """

    name = "bptt.fire"

    current = operand_def(_REAL)
    previous_potential = opt_operand_def(_REAL)
    previous_spikes = opt_operand_def(_BITS)
    neuron = prop_def(NeuronAttr)
    layer = prop_def(StringAttr)
    spikes = result_def(_BITS)
    mask = opt_result_def(_BITS)
    potential = opt_result_def(_REAL)

    irdl_options = (
        AttrSizedOperandSegments(as_property=True),
        AttrSizedResultSegments(as_property=True),
    )
    traits = traits_def(Pure())

    def __init__(
        self,
        current: SSAValue,
        neuron: NeuronAttr,
        layer: str,
        *,
        save_mask: bool,
        save_potential: bool,
        previous_potential: SSAValue | None = None,
        previous_spikes: SSAValue | None = None,
    ):
        bits = bits_like(current.type)
        super().__init__(
            operands=[current, previous_potential, previous_spikes],
            properties={"neuron": neuron, "layer": StringAttr(layer)},
            result_types=[
                bits,
                [bits] if save_mask else [],
                [current.type] if save_potential else [],
            ],
        )

    def verify_(self) -> None:
        states = [v for v in (self.previous_potential, self.previous_spikes) if v is not None]
        check_layer(self, (*self.operands, *self.results), states)
        if self.neuron.reset.data is not Reset.NONE and (
            (self.previous_potential is None) != (self.previous_spikes is None)
        ):
            raise VerifyException("a reset needs the previous spikes beside the potential")

    @classmethod
    def parse(cls, parser: Parser) -> FireOp:
        current = parser.parse_unresolved_operand()
        states = parse_named_operands(parser, "after", ("potential", "spikes"))
        neuron = NeuronAttr.new(NeuronAttr.parse_parameters(parser))
        parser.parse_keyword("layer")
        layer = parser.parse_str_literal()
        saved: list[str] = []
        if parser.parse_optional_keyword("saving"):
            saved = parser.parse_comma_separated_list(
                parser.Delimiter.NONE,
                lambda: parser.parse_keyword_in(("mask", "potential")),
            )
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        type = parser.parse_type()
        if not _REAL.verifies(type):
            parser.raise_error("expected a tensor of f32")
        bits = bits_like(type)
        potential, spikes = states
        op = cls(
            parser.resolve_operand(current, type),
            neuron,
            layer,
            save_mask="mask" in saved,
            save_potential="potential" in saved,
            previous_potential=potential and parser.resolve_operand(potential, type),
            previous_spikes=spikes and parser.resolve_operand(spikes, bits),
        )
        op.attributes = attributes
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_ssa_value(self.current)
        print_named_operands(
            printer,
            "after",
            (("potential", self.previous_potential), ("spikes", self.previous_spikes)),
        )
        printer.print_string(" ")
        self.neuron.print_parameters(printer)
        printer.print_string(" layer ")
        printer.print_string_literal(self.layer.data)
        saved = [n for n in ("mask", "potential") if getattr(self, n) is not None]
        if saved:
            printer.print_string(f" saving {', '.join(saved)}")
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_attribute(self.current.type)


@irdl_op_definition
class FireGradientOp(IRDLOperation):
    """The gradient with respect to the current, from the last step to the first.

        gs = spike gradient - (reset path, unless detached)
        gu[t] = surrogate'(u[t]) * gs[t] + decay * dR/du * gu[t+1]

    ```mlir
    %gu = bptt.fire_gradient %gs from spikes %s, mask %m, potential %u after %gu_next <...>
          layer "hidden" : tensor<?x?x128xf32>
    ```
    """

    name = "bptt.fire_gradient"

    spike_gradient = operand_def(_REAL)
    spikes = opt_operand_def(_BITS)
    mask = opt_operand_def(_BITS)
    potential = opt_operand_def(_REAL)
    next_gradient = opt_operand_def(_REAL)
    neuron = prop_def(NeuronAttr)
    layer = prop_def(StringAttr)
    gradient = result_def(_REAL)

    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    traits = traits_def(Pure())

    def __init__(
        self,
        spike_gradient: SSAValue,
        neuron: NeuronAttr,
        layer: str,
        *,
        spikes: SSAValue | None,
        mask: SSAValue | None,
        potential: SSAValue | None,
        next_gradient: SSAValue | None = None,
    ):
        super().__init__(
            operands=[spike_gradient, spikes, mask, potential, next_gradient],
            properties={"neuron": neuron, "layer": StringAttr(layer)},
            result_types=[spike_gradient.type],
        )

    def verify_(self) -> None:
        states = [] if self.next_gradient is None else [self.next_gradient]
        check_layer(self, (*self.operands, *self.results), states)
        if self.neuron.saves_mask and self.mask is None:
            raise VerifyException("the gradient of this surrogate needs the mask")
        if self.neuron.saves_potential and self.potential is None:
            raise VerifyException("the gradient of this neuron needs the potential")
        if self.neuron.reset.data is Reset.ZERO and self.spikes is None:
            raise VerifyException("the gradient of a reset to zero needs the spikes")

    @classmethod
    def parse(cls, parser: Parser) -> FireGradientOp:
        gradient = parser.parse_unresolved_operand()
        saved = parse_named_operands(parser, "from", ("spikes", "mask", "potential"))
        (following,) = parse_named_operands(parser, "after", ("gradient",))
        neuron = NeuronAttr.new(NeuronAttr.parse_parameters(parser))
        parser.parse_keyword("layer")
        layer = parser.parse_str_literal()
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        type = parser.parse_type()
        if not _REAL.verifies(type):
            parser.raise_error("expected a tensor of f32")
        bits = bits_like(type)
        spikes, mask, potential = saved
        op = cls(
            parser.resolve_operand(gradient, type),
            neuron,
            layer,
            spikes=spikes and parser.resolve_operand(spikes, bits),
            mask=mask and parser.resolve_operand(mask, bits),
            potential=potential and parser.resolve_operand(potential, type),
            next_gradient=following and parser.resolve_operand(following, type),
        )
        op.attributes = attributes
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_ssa_value(self.spike_gradient)
        print_named_operands(
            printer,
            "from",
            (("spikes", self.spikes), ("mask", self.mask), ("potential", self.potential)),
        )
        print_named_operands(printer, "after", (("gradient", self.next_gradient),))
        printer.print_string(" ")
        self.neuron.print_parameters(printer)
        printer.print_string(" layer ")
        printer.print_string_literal(self.layer.data)
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_attribute(self.gradient.type)


class _LeakySum(IRDLOperation):
    """y[t] = decay * y[neighbour of t] + x[t]; the base of an integrator and its gradient."""

    value = operand_def(_REAL)
    state = opt_operand_def(_REAL)
    decay = prop_def(Real)
    layer = prop_def(StringAttr)
    result = result_def(_REAL)

    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    traits = traits_def(Pure())

    def __init__(self, value: SSAValue, decay: Real, layer: str, state: SSAValue | None = None):
        super().__init__(
            operands=[value, state],
            properties={"decay": decay, "layer": StringAttr(layer)},
            result_types=[value.type],
        )

    def verify_(self) -> None:
        states = [] if self.state is None else [self.state]
        check_layer(self, (*self.operands, *self.results), states)
        if not 0.0 <= self.decay.value.data <= 1.0:
            raise VerifyException(f"decay must lie in [0, 1], got {self.decay.value.data}")

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        value = parser.parse_unresolved_operand()
        (state,) = parse_named_operands(parser, "after", ("state",))
        parser.parse_keyword("decay")
        decay = parse_real(parser)
        parser.parse_keyword("layer")
        layer = parser.parse_str_literal()
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        type = parser.parse_type()
        op = cls(
            parser.resolve_operand(value, type),
            decay,
            layer,
            state and parser.resolve_operand(state, type),
        )
        op.attributes = attributes
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_ssa_value(self.value)
        print_named_operands(printer, "after", (("state", self.state),))
        printer.print_string(" decay ")
        print_real(printer, self.decay)
        printer.print_string(" layer ")
        printer.print_string_literal(self.layer.data)
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_attribute(self.result.type)


@irdl_op_definition
class IntegrateOp(_LeakySum):
    """Leaky integration without threshold: u[t] = decay * u[t-1] + I[t]."""

    name = "bptt.integrate"


@irdl_op_definition
class IntegrateGradientOp(_LeakySum):
    """The gradient of `bptt.integrate`, backwards in time: gu[t] = decay * gu[t+1] + gx[t]."""

    name = "bptt.integrate_gradient"


def parse_named_operands(
    parser: Parser, keyword: str, names: Sequence[str]
) -> tuple[UnresolvedOperand | None, ...]:
    """Reads `keyword name %value, name %value`; one entry per name, None where it is absent."""
    found: dict[str, UnresolvedOperand | None] = dict.fromkeys(names)
    if parser.parse_optional_keyword(keyword) is not None:
        while True:
            name = parser.parse_keyword_in(names)
            found[name] = parser.parse_unresolved_operand()
            if parser.parse_optional_punctuation(",") is None:
                break
    return tuple(found.values())


def print_named_operands(
    printer: Printer, keyword: str, operands: Sequence[tuple[str, SSAValue | None]]
) -> None:
    """Prints what `parse_named_operands` reads; nothing when all are absent."""
    present = [(name, value) for name, value in operands if value is not None]
    for index, (name, value) in enumerate(present):
        printer.print_string(f", {name} " if index else f" {keyword} {name} ")
        printer.print_ssa_value(value)
