"""Shapes of a whole network: the fixed point of every operation's own rule.

The frontend and the pass `infer-shapes` both end here. `previous` closes cycles, so a shape
travels along the uses of values until nothing new is learnt.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator

from xdsl.dialects.builtin import FunctionType, TensorType
from xdsl.ir import Attribute, Operation
from xdsl.rewriter import Rewriter

from spikeloom.diagnostics import Diagnostic, DiagnosticError
from spikeloom.dialects.locations import location_of
from spikeloom.dialects.snn import (
    MAX_UNITS,
    NetworkOp,
    NetworkValueOperation,
    ParametricOperation,
    ShapeError,
    known_shape,
    shape_text,
)
from spikeloom.dialects.snn.cycles import check_normalizations


def infer_network_shapes(network: NetworkOp) -> None:
    """Fills in the type of every value and parameter of `network`, in place.

    Raises:
        DiagnosticError: shapes do not fit (E0105), or some cannot be found out because they
            depend on nothing but themselves; a value is too large (E0106); a batchnorm stands
            in a cycle (E0111).
    """
    check_normalizations(network)
    operations: list[NetworkValueOperation] = [
        op for op in network.body.block.ops if isinstance(op, NetworkValueOperation)
    ]
    open_operations = dict.fromkeys(operations)
    # A shape travels along uses, so that every edge is looked at once however long the cycles.
    queue = deque(operations)
    while queue:
        op = queue.popleft()
        if op not in open_operations:
            continue
        was_known = known_shape(op.results[0]) is not None
        if _resolve(op):
            del open_operations[op]
        if not was_known and known_shape(op.results[0]) is not None:
            queue.extend(_users(op))
    if open_operations:
        raise DiagnosticError(*(_undetermined(op) for op in list(open_operations)[:5]))
    output = network.returned.output.type
    network.properties["function_type"] = FunctionType.from_lists(
        list(network.function_type.inputs), [output]
    )


def _users(op: Operation) -> Iterator[NetworkValueOperation]:
    for use in op.results[0].uses:
        if isinstance(use.operation, NetworkValueOperation):
            yield use.operation


def _resolve(op: NetworkValueOperation) -> bool:
    try:
        inferred = op.infer_result_type()
    except ShapeError as mismatch:
        raise DiagnosticError(
            Diagnostic("E0105", str(mismatch), location_of(op), mismatch.remedy)
        ) from None
    if inferred is not None:
        _check_size(op, inferred.get_shape())
        _set_result(op, inferred)
    # A sum knows its shape from one side; it is settled when the other side is known too.
    if inferred is None or any(known_shape(value) is None for value in op.operands):
        return False
    if isinstance(op, ParametricOperation):
        op.resolve_parameters()
    return True


def _check_size(op: Operation, shape: tuple[int, ...]) -> None:
    if (units := math.prod(shape)) > MAX_UNITS:
        raise DiagnosticError(
            Diagnostic(
                "E0106",
                f"a value may have at most {MAX_UNITS} units, and {shape_text(shape)} has {units}",
                location_of(op),
            )
        )


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


def _undetermined(op: Operation) -> Diagnostic:
    return Diagnostic(
        "E0105",
        "the shape of this value depends on nothing but itself",
        location_of(op),
        "add a path from the network's input, for instance linear(input, n)",
    )
