"""The whole way from a program to an image: pipeline and encoding.

One program needs several streams: training and test, each for the full batch and for the smaller
last one. Each is compiled by the same pipeline from its own copy of the network.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xdsl.context import Context
    from xdsl.dialects.builtin import ModuleOp

    from spikeloom.backend.host.plan import DataSizes, Task
    from spikeloom.backend.image import Image
    from spikeloom.backend.machine import Machine
    from spikeloom.backend.stream import Stream

Instrument = Callable[[str, "ModuleOp"], None]
"""Called after every pass with its specification and the module."""

PIPELINE = "infer-shapes,canonicalize,cse,dce,{expand},canonicalize,cse,dce,lower-to-engine"
"""The pipeline that `spikeloom` runs; `{expand}` is expand-bptt with its options."""


def pipeline_text(*, training: bool, steps: int, batch: int) -> str:
    """The pipeline for one stream, as `spikeloom-opt -p` takes it."""
    options = f"training={str(training).lower()} steps={steps} batch={batch}"
    return PIPELINE.format(expand=f"expand-bptt{{{options}}}")


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
    op = MachineOp(machine.name, machine.memory_bytes)
    block = module.body.block
    if block.first_op is None:
        block.add_op(op)
    else:
        block.insert_op_before(op, block.first_op)


def compile_stream(
    module: ModuleOp, machine: Machine, pipeline: str, instrument: Instrument | None = None
) -> Stream:
    """Runs the pipeline on a copy of `module` and encodes the program that it ends with.

    Raises:
        DiagnosticError: a pass refuses the module, or the machine is too small for it.
    """
    from xdsl.transforms import get_all_passes

    from spikeloom.backend.encode import encode_program
    from spikeloom.dialects.engine import ProgramOp
    from spikeloom.keep_locations import keep_locations
    from spikeloom.pass_pipeline import parse_passes
    from spikeloom.passes.registry import PASSES

    available = {**get_all_passes(), **PASSES}
    context, copy = new_context(), module.clone()
    attach_machine(copy, machine)
    with keep_locations():
        for each in parse_passes(pipeline, available):
            each.apply(context, copy)
            copy.verify()
            if instrument is not None:
                instrument(str(each.pipeline_pass_spec()), copy)
    (program,) = (op for op in copy.ops if isinstance(op, ProgramOp))
    return encode_program(program)


def compile_program(
    module: ModuleOp,
    task: Task,
    machine: Machine,
    *,
    sizes: DataSizes,
    instrument: Instrument | None = None,
) -> Image:
    """An image with every stream that the task's data need; they are still to be validated.

    Args:
        module: verified `snn` IR with one network.
        task: what the host knows of the program (`backend.host.task.describe`).
        machine: the machine to compile for.
        sizes: how much data there is.
        instrument: called after every pass of every stream.

    Raises:
        DiagnosticError: a pass refuses the module, or the machine is too small for it.
    """
    from spikeloom.backend.host.plan import needed_streams, stream_name
    from spikeloom.backend.image import Image

    plan = task.with_sizes(sizes)
    streams: list[tuple[str, Stream]] = []
    for kind, samples in needed_streams(plan):
        pipeline = pipeline_text(training=kind == "train", steps=sizes.steps, batch=samples)
        stream = compile_stream(module, machine, pipeline, instrument)
        streams.append((stream_name(kind, samples), stream))
    return Image(plan.to_json(), machine.to_json(), tuple(streams))
