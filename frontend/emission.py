"""From a resolved network to `snn.network`."""

from __future__ import annotations

from collections.abc import Iterator

from xdsl.dialects.builtin import (
    FunctionType,
    TensorType,
    UnrankedTensorType,
    f32,
    i1,
)
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue

from spikeloom.diagnostics import SourceLocation
from spikeloom.dialects.locations import location_attribute
from spikeloom.dialects.number_text import real
from spikeloom.dialects.snn import (
    AddOp,
    BatchnormOp,
    ConcatOp,
    Conv2dOp,
    FlattenOp,
    LifOp,
    LinearOp,
    LiOp,
    NetworkOp,
    NetworkValueOperation,
    Pool2dOp,
    PreviousOp,
    ReshapeOp,
    ReturnOp,
    ValueType,
)
from spikeloom.frontend.kinds import KINDS, Kinds
from spikeloom.frontend.naming import OUTPUT, Names
from spikeloom.frontend.operations import (
    Added,
    Convolved,
    Flattened,
    Integrating,
    Joined,
    Linear,
    Normalized,
    Pooled,
    Previous,
    Reference,
    Reshaped,
    ResolvedNetwork,
    Spiking,
    Unresolved,
    Value,
    walk,
)
from spikeloom.frontend.parameters import parameters_of
from spikeloom.frontend.syntax import Type


def emit_network(network: ResolvedNetwork, kinds: Kinds, names: Names) -> NetworkOp:
    """The network as IR, every operation located; shapes are yet to be inferred."""
    return _Emitter(network, kinds, names).network()


def tensor_type(declared: Type) -> TensorType[Attribute]:
    """The IR's type for a type of the language."""
    return TensorType(KINDS[declared.kind.text], [int(each.value) for each in declared.extents])


class _Emitter:
    """Builds the body of one network, statement by statement."""

    def __init__(self, network: ResolvedNetwork, kinds: Kinds, names: Names):
        self._network = network
        self._kinds = kinds
        self._names = names
        (network_input,) = network.syntax.inputs
        self._block = Block(arg_types=[tensor_type(network_input.type)])
        argument = self._block.args[0]
        argument.location = location_attribute(network_input.name.location)
        _hint(argument, network_input.name.text)
        self._values: dict[str, SSAValue] = {network_input.name.text: argument}
        self._open: list[tuple[PreviousOp, Value]] = []

    def network(self) -> NetworkOp:
        for value in self._network.values():
            self._block.add_ops(self._parameters(value))
        for statement in self._network.statements:
            self._values[statement.path] = self._named(statement.value, statement.path)
        returned = self._named(self._network.returned, OUTPUT)
        self._close_cycles()
        self._append(ReturnOp(returned), self._network.return_location)
        syntax = self._network.syntax
        function_type = FunctionType.from_lists(
            list(self._block.arg_types), [tensor_type(syntax.output)]
        )
        network = NetworkOp(syntax.name.text, function_type, Region(self._block))
        network.location = location_attribute(syntax.name.location)
        return network

    def _parameters(self, value: Value) -> Iterator[Operation]:
        for part in walk(value):
            for parameter in parameters_of(part, self._names):
                yield _located(parameter, part.location)

    def _named(self, value: Value, name: str) -> SSAValue:
        emitted = self._emit(value)
        if not isinstance(value, Reference):
            _hint(emitted, name)
        return emitted

    def _emit(self, value: Value) -> SSAValue:
        match value:
            case Reference():
                return self._values[value.name]
            case Previous():
                return self._previous(value)
            case Added():
                return self._sum(value)
            case Unresolved():
                raise AssertionError("an unresolved value outlived its stage")
            case Joined():
                left, right = self._emit(value.left), self._emit(value.right)
                element = _unranked(self._kinds.element(value))
                return self._append(ConcatOp(left, right, element), value.location)
            case Spiking() | Integrating():
                return self._append(self._layer(value, self._emit(value.current)), value.location)
            case Linear() | Convolved() | Normalized():
                op = self._parametric(value, self._emit(value.value))
                return self._append(op, value.location)
            case Pooled() | Flattened() | Reshaped():
                op = self._arranged(value, self._emit(value.value))
                return self._append(op, value.location)

    def _layer(self, value: Spiking | Integrating, current: SSAValue) -> NetworkValueOperation:
        layer = self._names[value]
        if isinstance(value, Spiking):
            return LifOp(current, value.neuron, layer, _unranked(i1))
        return LiOp(current, real(value.decay), layer, _unranked(f32))

    def _parametric(
        self, value: Linear | Convolved | Normalized, operand: SSAValue
    ) -> NetworkValueOperation:
        symbols = [op.sym_name.data for op in parameters_of(value, self._names)]
        if isinstance(value, Normalized):
            numbers = {"momentum": value.momentum, "epsilon": value.epsilon}
            return BatchnormOp(operand, symbols, _unranked(f32), **numbers)
        weight, bias = symbols[0], symbols[1] if value.has_bias else None
        if isinstance(value, Linear):
            return LinearOp(operand, weight, bias, _unranked(f32))
        return Conv2dOp(operand, weight, bias, value.window, _unranked(f32), same=value.same)

    def _arranged(
        self, value: Pooled | Flattened | Reshaped, operand: SSAValue
    ) -> NetworkValueOperation:
        element = self._kinds.element(value)
        match value:
            case Pooled():
                return Pool2dOp(operand, value.kind, value.window, _unranked(element))
            case Flattened():
                return FlattenOp(operand, _unranked(element))
            case Reshaped():
                return ReshapeOp(operand, TensorType(element, value.shape))

    def _sum(self, value: Added) -> SSAValue:
        first, *others = value.terms
        total = self._emit(first)
        for term, sign in zip(others, value.signs, strict=True):
            total = self._append(AddOp(total, self._emit(term), _unranked(f32)), sign)
        return total

    def _previous(self, value: Previous) -> SSAValue:
        element = _unranked(self._kinds.element(value))
        if self._is_defined(value.value):
            return self._append(PreviousOp(self._emit(value.value), element), value.location)
        # The input stands in for a value that does not exist yet.
        previous = PreviousOp(self._block.args[0], element)
        self._open.append((previous, value.value))
        return self._append(previous, value.location)

    def _is_defined(self, value: Value) -> bool:
        references = (part for part in walk(value) if isinstance(part, Reference))
        return all(reference.name in self._values for reference in references)

    def _close_cycles(self) -> None:
        # What is computed only for the next step comes last: then `snn.previous` alone uses
        # values from further down.
        while self._open:
            previous, value = self._open.pop(0)
            previous.operands[0] = self._emit(value)

    def _append(self, op: NetworkValueOperation | ReturnOp, place: SourceLocation) -> SSAValue:
        self._block.add_op(_located(op, place))
        return op.results[0] if op.results else op.operands[0]


def _located(op: Operation, place: SourceLocation) -> Operation:
    op.location = location_attribute(place)
    return op


def _unranked(element: Attribute) -> ValueType:
    return UnrankedTensorType(element)


def _hint(value: SSAValue, name: str) -> None:
    # xDSL cuts a final `_1` off a hint, and nothing may be left of a name like `_1`.
    if name.rstrip("0123456789") != "_":
        value.name_hint = name
