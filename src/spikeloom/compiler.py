"""The whole way from a program to an image: pipeline and encoding.

One program needs several streams: training and test, each for the full batch and for the smaller
last one. Each is compiled by the same pipeline from its own copy of the network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol

from spikeloom.default_pipeline import PipelineText, pipeline_text
from spikeloom.diagnostics import error
from spikeloom.garbage import garbage_collection_paused

if TYPE_CHECKING:
    from xdsl.context import Context
    from xdsl.dialects.builtin import ModuleOp
    from xdsl.passes import ModulePass

    from spikeloom.backend.host.plan import DataSizes, StreamKind, Task
    from spikeloom.backend.machine.description import Machine
    from spikeloom.backend.snx.image import Image
    from spikeloom.backend.stream.stream import Stream
    from spikeloom.dialects.engine import MachineOp, ProgramOp

Instrument = Callable[[str, "ModuleOp"], None]
"""Called after every pass with its specification and the module."""


class StreamModule(Protocol):
    """The module that one stream is compiled from."""

    def __call__(self, kind: StreamKind, *, steps: int, batch: int) -> ModuleOp: ...


def new_context() -> Context:
    """An xDSL context that knows Spikeloom's dialects and the builtin ones."""
    from xdsl.context import Context
    from xdsl.dialects.builtin import Builtin

    from spikeloom.dialects.bptt import BPTT
    from spikeloom.dialects.engine import ENGINE
    from spikeloom.dialects.sdf import SDF
    from spikeloom.dialects.snn import SNN

    context = Context()
    for dialect in (Builtin, SNN, BPTT, SDF, ENGINE):
        context.load_dialect(dialect)
    return context


def attach_machine(module: ModuleOp, machine: Machine) -> None:
    """Adds what passes must know of the machine, unless the module says it already."""
    from spikeloom.dialects.engine import MachineOp

    if any(isinstance(op, MachineOp) for op in module.ops):
        return
    op, block = machine_operation(machine), module.body.block
    if block.first_op is None:
        block.add_op(op)
    else:
        block.insert_op_before(op, block.first_op)


def machine_operation(machine: Machine) -> MachineOp:
    """What passes must know of the machine."""
    from spikeloom.dialects.engine import MachineOp

    numbers = {**cost_numbers(machine), **machine.rates}
    return MachineOp(machine.name, machine.memory_bytes, numbers)


def cost_numbers(machine: Machine) -> dict[str, int]:
    """What passes weigh costs by: lanes and table widths by engine, femtojoules per action."""
    from spikeloom.dialects.instruction_set import MEMORIES

    numbers = {"addition": machine.energies.addition.value}
    numbers["multiplication"] = machine.energies.multiplication.value
    for memory in MEMORIES:
        read, write = machine.energies.per_byte(memory)
        numbers |= {f"{memory}_read": read, f"{memory}_write": write}
    for name, engine in machine.engines:
        numbers |= {f"{name}_{part}": number.value for part, number in engine}
    return numbers


def apply_pipeline(
    module: ModuleOp, pipeline: str | Sequence[ModulePass], instrument: Instrument | None = None
) -> None:
    """Sends `module` through the passes in place, verifying after each that changed something.

    Raises:
        DiagnosticError: a pass is unknown, or refuses the module; one of passes that are given as
            objects, which a user may choose in any order, cannot handle it (E0204, E0202).
    """
    from spikeloom.ir_checks import verify_module
    from spikeloom.ir_snapshot import OperationState, snapshot
    from spikeloom.keep_locations import keep_locations
    from spikeloom.pass_application import available_passes, guard
    from spikeloom.pass_pipeline import parse_passes

    context = new_context()
    is_text = isinstance(pipeline, str)
    verified: list[OperationState] = []
    with keep_locations():
        for each in parse_passes(pipeline, available_passes()) if is_text else pipeline:
            if is_text:
                each.apply(context, module)
            else:
                guard(f"the pass `{each.name}`", partial(each.apply, context, module))
            if (now := snapshot(module)) != verified:
                verify_module(module, each.name)
                verified = now
            if instrument is not None:
                instrument(str(each.pipeline_pass_spec()), module)


@garbage_collection_paused()
def compile_stream(
    module: ModuleOp,
    machine: Machine,
    pipeline: str | Sequence[ModulePass],
    instrument: Instrument | None = None,
) -> Stream:
    """Runs the pipeline on a copy of `module` and encodes the program that it ends with.

    Raises:
        DiagnosticError: a pass refuses the module, the machine is too small for it, or the
            pipeline does not end with one program (E0208).
    """
    from spikeloom.backend.stream.encode import encode_program

    copy = lowered(module, machine, pipeline, instrument)
    return encode_program(only_program(copy))


def lowered(
    module: ModuleOp,
    machine: Machine,
    pipeline: str | Sequence[ModulePass],
    instrument: Instrument | None = None,
) -> ModuleOp:
    """A copy of the module after the pipeline.

    Raises:
        DiagnosticError: a pass refuses the module, or the machine is too small for it.
    """
    copy = module.clone()
    attach_machine(copy, machine)
    apply_pipeline(copy, pipeline, instrument)
    return copy


def only_program(module: ModuleOp) -> ProgramOp:
    """The program that a pipeline has ended with.

    Raises:
        DiagnosticError: there is none, or there are several (E0208).
    """
    from spikeloom.dialects.bptt import StepOp
    from spikeloom.dialects.engine import ProgramOp
    from spikeloom.dialects.snn import NetworkOp

    programs = [op for op in module.ops if isinstance(op, ProgramOp)]
    if len(programs) == 1:
        return programs[0]
    steps = [op for op in module.ops if isinstance(op, StepOp)]
    networks = [op for op in module.ops if isinstance(op, NetworkOp)]
    found = programs or steps or networks
    left = f"{len(found)} {found[0].name}" if found else "nothing that runs"
    message = f"the pipeline ends with {left}, not with one engine.program"
    help = "end it with lower-to-engine" if steps and not programs else _EDIT
    raise error("E0208", message, help=help)


_EDIT = "`spikeloom run --print-pipeline` shows a pipeline to edit"


def compile_program(
    module: ModuleOp,
    task: Task,
    machine: Machine,
    *,
    sizes: DataSizes,
    pipeline: PipelineText = pipeline_text,
    instrument: Instrument | None = None,
) -> Image:
    """An image of one module with every stream that the task's data need.

    Args:
        module: verified `snn` IR with one network.

    The other arguments, and what is raised, are those of `compile_streams`.
    """

    def same(kind: StreamKind, *, steps: int, batch: int) -> ModuleOp:
        return module

    return compile_streams(
        same, task, machine, sizes=sizes, pipeline=pipeline, instrument=instrument
    )


def compile_streams(
    module_of: StreamModule,
    task: Task,
    machine: Machine,
    *,
    sizes: DataSizes,
    pipeline: PipelineText = pipeline_text,
    instrument: Instrument | None = None,
) -> Image:
    """An image with every stream that the task's data need; they are still to be validated.

    Args:
        module_of: gives the verified module of each stream.
        task: what the host knows of the program (`backend.host.task.describe`).
        machine: the machine to compile for.
        sizes: how much data there is.
        pipeline: gives the pipeline of each stream.
        instrument: called after every pass of every stream.

    Raises:
        DiagnosticError: a pass refuses the module, or the machine is too small for it.
    """
    from spikeloom.backend.host.plan import needed_streams, stream_name
    from spikeloom.backend.snx.image import Image

    plan = task.with_sizes(sizes)
    streams: list[tuple[str, Stream]] = []
    for kind, samples in needed_streams(plan):
        passes = pipeline(training=kind == "train", steps=sizes.steps, batch=samples)
        module = module_of(kind, steps=sizes.steps, batch=samples)
        stream = compile_stream(module, machine, passes, instrument)
        streams.append((stream_name(kind, samples), stream))
    return Image(plan.to_json(), machine.to_json(), tuple(streams))
