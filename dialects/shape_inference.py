"""Shapes of a whole network: the fixed point of every operation's own rule.

The frontend and the pass `infer-shapes` both end here. `previous` closes cycles, so a shape may
travel several rounds; each round fixes at least one value or the iteration ends.
"""

from __future__ import annotations

from xdsl.dialects.builtin import FunctionType, TensorType, f32
from xdsl.ir import Attribute, Operation
from xdsl.rewriter import Rewriter

from spikeloom.diagnostics import Diagnostic, DiagnosticError
from spikeloom.dialects.locations import location_of
from spikeloom.dialects.number_text import count
from spikeloom.dialects.snn import (
    LinearOp,
    NetworkOp,
    NetworkValueOperation,
    ShapeError,
    known_shape,
)


def infer_network_shapes(network: NetworkOp) -> None:
    """Fills in the type of every value and parameter of `network`, in place.

    Raises:
        DiagnosticError: shapes do not fit (E0105), or some cannot be found out because they
            depend on nothing but themselves.
    """
    pending: list[NetworkValueOperation] = [
        op for op in network.body.block.ops if isinstance(op, NetworkValueOperation)
    ]
    while pending:
        known = sum(known_shape(op.results[0]) is not None for op in pending)
        unresolved = [op for op in pending if not _resolve(op)]
        known_now = sum(known_shape(op.results[0]) is not None for op in pending)
        if len(unresolved) == len(pending) and known_now == known:
            raise DiagnosticError(*(_undetermined(op) for op in unresolved[:5]))
        pending = unresolved
    output = network.returned.output.type
    network.properties["function_type"] = FunctionType.from_lists(
        list(network.function_type.inputs), [output]
    )


def _resolve(op: NetworkValueOperation) -> bool:
    try:
        inferred = op.infer_result_type()
    except ShapeError as mismatch:
        raise DiagnosticError(
            Diagnostic("E0105", str(mismatch), location_of(op), mismatch.remedy)
        ) from None
    if inferred is not None:
        _set_result(op, inferred)
    # A sum knows its shape from one side; it is settled when the other side is known too.
    if inferred is None or any(known_shape(value) is None for value in op.operands):
        return False
    if isinstance(op, LinearOp):
        _resolve_parameters(op)
    return True


def _set_result(op: Operation, inferred: TensorType[Attribute]) -> None:
    result = op.results[0]
    if known_shape(result) is None:
        Rewriter.replace_value_with_new_type(result, inferred)
    elif result.type != inferred:
        raise DiagnosticError(
            Diagnostic(
                "E0105",
                f"{op.name} yields {inferred}, but its result is declared as {result.type}",
                location_of(op),
            )
        )


def _resolve_parameters(op: LinearOp) -> None:
    shape = known_shape(op.input)
    assert shape is not None
    weight = op.parameter(op.weight_name)
    weight.properties["type"] = TensorType(f32, [weight.type.get_shape()[0], shape[0]])
    weight.properties["fan_in"] = count(shape[0])
    if op.bias_name is not None:
        op.parameter(op.bias_name).properties["fan_in"] = count(shape[0])


def _undetermined(op: Operation) -> Diagnostic:
    return Diagnostic(
        "E0105",
        "the shape of this value depends on nothing but itself",
        location_of(op),
        "add a path from the network's input, for instance linear(input, n)",
    )
