"""To which layer every operation of a step belongs, under the names that programs give.

Operations with parameters belong to the statement that holds those, neurons to theirs. What has
no name of its own - sums, pools, reshaping, the readout and the loss - belongs to the layer whose
value it goes on with; its gradient, and a gradient of parameters, to the layer that reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from xdsl.dialects.builtin import SymbolRefAttr
from xdsl.ir import Operation, SSAValue

from spikeloom.dialects import bptt
from spikeloom.dialects.bptt.neurons import FireGradientOp, FireOp, IntegrateGradientOp, IntegrateOp
from spikeloom.dialects.bptt.scan import ScanOp, YieldOp
from spikeloom.dialects.snn import ParameterOp

_Neighbours = Callable[[Operation], Iterator[Operation]]


def statement(symbol: SymbolRefAttr) -> str:
    """The statement that holds a parameter: `hidden.2` of `@hidden.2.weight`."""
    name = symbol.root_reference.data
    return name.rpartition(".")[0] or name


def layers_of(step: bptt.StepOp) -> Mapping[Operation, str]:
    """The layer of every operation that belongs to one."""
    flow = _Flow(step)
    found = {op: name for op in flow.operations if (name := _own_name(op))}
    behind = flow.behind_loss()
    from_readers = [op for op in flow.operations if op in behind or isinstance(op, bptt.MomentsOp)]
    from_producers = [op for op in flow.operations if op not in set(from_readers)]
    # The other way round afterwards: a pool of the input has only readers.
    _spread(found, from_producers, flow.producers)
    _spread(found, reversed(from_readers), flow.readers)
    _spread(found, reversed(from_producers), flow.readers)
    _spread(found, from_readers, flow.producers)
    return found


def _spread(
    found: dict[Operation, str], operations: Iterable[Operation], neighbours: _Neighbours
) -> None:
    """Gives operations without a layer that of the first neighbour that has one."""
    for op in operations:
        if op not in found:
            names = (found[other] for other in neighbours(op) if other in found)
            if name := next(names, ""):
                found[op] = name


def _own_name(op: Operation) -> str:
    match op:
        case FireOp() | FireGradientOp() | IntegrateOp() | IntegrateGradientOp():
            return op.layer.data
        case (
            bptt.SynapseOp()
            | bptt.ConvolutionOp()
            | bptt.SynapseInputGradientOp()
            | bptt.ConvolutionInputGradientOp()
        ):
            return statement(op.weight)
        case bptt.NormalizeOp() | bptt.NormalizeGradientOp():
            return statement(op.scale)
        case bptt.UpdateRunningOp() | bptt.OptimizeOp():
            return statement(op.parameter)
        case _:
            return ""


class _Flow:
    """Who computes and who reads the values of a step, through its scans.

    Attributes:
        operations: those that compute something, in order.
    """

    def __init__(self, step: bptt.StepOp):
        self.operations: list[Operation] = []
        self._sources: dict[SSAValue, SSAValue] = {}
        self._readers: dict[SSAValue, list[Operation]] = {}
        for op in step.body.walk():
            if isinstance(op, ScanOp):
                self._sources.update(zip(op.step_arguments, op.sequences, strict=True))
                self._sources.update(zip(op.carried_arguments, op.yielded.carried, strict=True))
                self._sources.update(zip(op.collected, op.yielded.collected, strict=True))
            elif not isinstance(op, YieldOp | ParameterOp | bptt.ReportOp):
                self.operations.append(op)
        for op in self.operations:
            for operand in op.operands:
                self._readers.setdefault(self._source(operand), []).append(op)

    def producers(self, op: Operation) -> Iterator[Operation]:
        """Those that compute the operands."""
        for operand in op.operands:
            owner = self._source(operand).owner
            if isinstance(owner, Operation):
                yield owner

    def readers(self, op: Operation) -> Iterator[Operation]:
        """Those that read the results."""
        for result in op.results:
            yield from self._readers.get(result, ())

    def behind_loss(self) -> set[Operation]:
        """Those that compute with the gradient of the loss."""
        found: set[Operation] = set()
        waiting: list[Operation] = [op for op in self.operations if isinstance(op, bptt.LossOp)]
        while waiting:
            for reader in self.readers(waiting.pop()):
                if reader not in found:
                    found.add(reader)
                    waiting.append(reader)
        return found

    def _source(self, value: SSAValue) -> SSAValue:
        """The value that a scan hands on under this name."""
        seen: set[SSAValue] = set()
        while value in self._sources and value not in seen:
            seen.add(value)
            value = self._sources[value]
        return value
