"""A program on its way through the pipeline: the module after every pass."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO

from xdsl.dialects.builtin import ModuleOp
from xdsl.printer import Printer
from xdsl.transforms import get_all_passes

from spikeloom.backend.machine.description import load_machine
from spikeloom.compiler import attach_machine, new_context
from spikeloom.default_pipeline import pipeline_text
from spikeloom.frontend.program import parse_program
from spikeloom.keep_locations import keep_locations
from spikeloom.pass_pipeline import parse_passes
from spikeloom.passes.registry import PASSES

FILE = "program.snn"


def stages(
    program: str,
    *,
    steps: int,
    batch: int,
    training: bool = True,
    accumulate: str | None = None,
    groups: str = "auto",
) -> Iterator[tuple[str, ModuleOp]]:
    """The verified module, at first ("frontend") and after every pass that changes its text.

    Every layer accumulates in the way `accumulate`, where it is given, and not in the cheapest;
    `groups` are those of samples.
    """
    module = parse_program(program, FILE)
    attach_machine(module, load_machine())
    before = printed(module)
    yield "frontend", module
    pipeline = pipeline_text(training=training, steps=steps, batch=batch)
    if accumulate is not None:
        pipeline = pipeline.replace("fuse-luts", f"fuse-luts{{accumulate={accumulate}}}")
    pipeline = pipeline.replace("schedule-engines", f"schedule-engines{{groups={groups}}}")
    context = new_context()
    for each in parse_passes(pipeline, {**get_all_passes(), **PASSES}):
        with keep_locations():
            each.apply(context, module)
        module.verify()
        after = printed(module)
        if after != before:
            yield each.name, module
        before = after


def printed(module: ModuleOp, *, generic: bool = False, locations: bool = False) -> str:
    """The module as text."""
    stream = StringIO()
    printer = Printer(stream, print_generic_format=generic, print_debuginfo=locations)
    printer.print_op(module)
    return stream.getvalue() + "\n"
