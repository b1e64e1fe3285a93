"""The IR of all streams of a program in one module, which `run` executes as it stands."""

from __future__ import annotations

from io import StringIO

from xdsl.dialects.builtin import ModuleOp, StringAttr, SymbolRefAttr
from xdsl.ir import Operation
from xdsl.printer import Printer

from spikeloom.backend.host.plan import DataSizes, StreamKind, needed_streams
from spikeloom.backend.machine.description import Machine
from spikeloom.compiler import lowered, machine_operation
from spikeloom.default_pipeline import PipelineText
from spikeloom.diagnostics import error
from spikeloom.dialects.bptt import StepOp
from spikeloom.dialects.engine import ProgramOp
from spikeloom.dialects.snn import InterfaceOp, TrainOp
from spikeloom.program_source import ProgramSource


def module_of_streams(
    source: ProgramSource, machine: Machine, sizes: DataSizes, pipeline: PipelineText
) -> ModuleOp:
    """Machine, interface and training of the network, and what the pipeline makes of each stream.

    The first stream has the network's name, others say their kind and samples behind it.

    Raises:
        DiagnosticError: a pass refuses the program, the machine is too small for it, or the
            pipeline does not end with one step or program (E0208).
    """
    name = source.task.network
    streams: list[Operation] = []
    interfaces: list[Operation] = []
    for kind, samples in needed_streams(source.task.with_sizes(sizes)):
        passes = pipeline(training=kind == "train", steps=sizes.steps, batch=samples)
        module = source.stream_module(kind, steps=sizes.steps, batch=samples)
        done = lowered(module, machine, passes)
        stream = _only_stream(done)
        interfaces = interfaces or [op for op in done.ops if isinstance(op, InterfaceOp)]
        symbol = _symbol(name, kind, samples) if streams else name
        stream.sym_name = StringAttr(symbol)
        stream.detach()
        streams.append(stream)
    interfaces = interfaces or [op for op in source.module.ops if isinstance(op, InterfaceOp)]
    beside: list[Operation] = []
    for op in [*interfaces[:1], *(op for op in source.module.ops if isinstance(op, TrainOp))]:
        copy = op.clone()
        assert isinstance(copy, InterfaceOp | TrainOp)
        copy.network = SymbolRefAttr(name)
        beside.append(copy)
    return ModuleOp([machine_operation(machine), *beside, *streams])


def text_of(module: ModuleOp) -> str:
    """The module as `spikeloom-opt` prints it."""
    text = StringIO()
    Printer(text).print_op(module)
    return text.getvalue() + "\n"


def _symbol(network: str, kind: StreamKind, samples: int) -> str:
    return f"{network}_{kind}_{samples}"


def _only_stream(module: ModuleOp) -> StepOp | ProgramOp:
    found = [op for op in module.ops if isinstance(op, StepOp | ProgramOp)]
    if len(found) != 1:
        message = f"the pipeline ends with {len(found)} steps or programs, not with one"
        help = "`spikeloom run --print-pipeline` shows a pipeline to edit"
        raise error("E0208", message, help=help)
    return found[0]
