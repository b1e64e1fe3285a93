"""The whole way from a program to an image: pipeline and encoding.

One program needs several streams: training and test, each for the full batch and for the smaller
last one. Each is compiled by the same pipeline from its own copy of the network.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from spikeloom.diagnostics import error

if TYPE_CHECKING:
    from xdsl.context import Context
    from xdsl.dialects.builtin import ModuleOp

    from spikeloom.backend.host.plan import DataSizes, Task
    from spikeloom.backend.machine.description import Machine
    from spikeloom.backend.snx.image import Image
    from spikeloom.backend.stream.stream import Stream
    from spikeloom.dialects.declared_shares import DeclaredShares

Instrument = Callable[[str, "ModuleOp"], None]
"""Called after every pass with its specification and the module."""

PREPARATION = "infer-shapes,canonicalize,cse,dce,{expand},canonicalize,cse,dce"
"""Every pipeline begins so; `{expand}` is expand-bptt with its options."""

PIPELINE = f"{PREPARATION},mask-gradients,{{analysis}}fuse-luts,schedule-engines,lower-to-engine"
"""The pipeline that `spikeloom` runs; `{analysis}` is empty, or `analyze-sparsity` with options."""


class PipelineText(Protocol):
    """The pipeline for one stream, as `spikeloom-opt -p` takes it."""

    def __call__(self, *, training: bool, steps: int, batch: int) -> str: ...


def expansion_text(*, training: bool, steps: int, batch: int) -> str:
    """`expand-bptt` with the options for one stream."""
    return f"expand-bptt{{training={str(training).lower()} steps={steps} batch={batch}}}"


def pipeline_text(
    *,
    training: bool,
    steps: int,
    batch: int,
    profile: str | None = None,
    density: DeclaredShares | None = None,
) -> str:
    """The pipeline for one stream, as `spikeloom-opt -p` takes it.

    It compiles for the densities in `profile`, the file with the JSON result of a run, or for the
    declared ones.
    """
    expansion = expansion_text(training=training, steps=steps, batch=batch)
    analysis = "" if profile is None else f'analyze-sparsity{{profile="{profile}"}},'
    if density is not None:
        analysis = f'analyze-sparsity{{density="{density}"}},'
    return PIPELINE.format(expand=expansion, analysis=analysis)


def pipeline_for(profile: Path | None, density: DeclaredShares | None = None) -> PipelineText:
    """The pipeline that compiles for what a run measured, what is declared, or for neither.

    Raises:
        DiagnosticError: the file's name cannot be written in a pipeline, or there are both (E0405).
    """
    if profile is None:
        return partial(pipeline_text, density=density)
    if density is not None:
        message = "--profile and --density both say which densities to compile for"
        raise error("E0405", message, help="give one of them")
    name = str(profile)
    if any(letter in name for letter in '"\\\n\r'):
        message = f"a pipeline cannot name the file {name!r}"
        raise error("E0405", message, help="rename it: no quotes, backslashes or line ends")
    return partial(pipeline_text, profile=name)


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
    numbers = {**cost_numbers(machine), **machine.rates}
    op = MachineOp(machine.name, machine.memory_bytes, numbers)
    block = module.body.block
    if block.first_op is None:
        block.add_op(op)
    else:
        block.insert_op_before(op, block.first_op)


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


def apply_pipeline(module: ModuleOp, pipeline: str, instrument: Instrument | None = None) -> None:
    """Sends `module` through the passes that the text names, in place, verifying after each.

    Raises:
        DiagnosticError: a pass is unknown, or refuses the module.
    """
    from xdsl.transforms import get_all_passes

    from spikeloom.keep_locations import keep_locations
    from spikeloom.pass_pipeline import parse_passes
    from spikeloom.universe import ALL_PASSES

    context = new_context()
    with keep_locations():
        for each in parse_passes(pipeline, {**get_all_passes(), **ALL_PASSES}):
            each.apply(context, module)
            module.verify()
            if instrument is not None:
                instrument(str(each.pipeline_pass_spec()), module)


def compile_stream(
    module: ModuleOp, machine: Machine, pipeline: str, instrument: Instrument | None = None
) -> Stream:
    """Runs the pipeline on a copy of `module` and encodes the program that it ends with.

    Raises:
        DiagnosticError: a pass refuses the module, or the machine is too small for it.
    """
    from spikeloom.backend.stream.encode import encode_program
    from spikeloom.dialects.engine import ProgramOp

    copy = module.clone()
    attach_machine(copy, machine)
    apply_pipeline(copy, pipeline, instrument)
    (program,) = (op for op in copy.ops if isinstance(op, ProgramOp))
    return encode_program(program)


def compile_program(
    module: ModuleOp,
    task: Task,
    machine: Machine,
    *,
    sizes: DataSizes,
    pipeline: PipelineText = pipeline_text,
    instrument: Instrument | None = None,
) -> Image:
    """An image with every stream that the task's data need; they are still to be validated.

    Args:
        module: verified `snn` IR with one network.
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
        text = pipeline(training=kind == "train", steps=sizes.steps, batch=samples)
        stream = compile_stream(module, machine, text, instrument)
        streams.append((stream_name(kind, samples), stream))
    return Image(plan.to_json(), machine.to_json(), tuple(streams))
