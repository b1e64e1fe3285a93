"""The reference pages docs/ir.md and docs/passes.md, made from the dialects and passes themselves.

What the pages show as IR is printed by the compiler while they are generated.
"""

from __future__ import annotations

import inspect
from io import StringIO
from types import ModuleType

from xdsl.ir import Dialect
from xdsl.passes import ModulePass
from xdsl.printer import Printer
from xdsl.transforms import get_all_passes

from spikeloom.backend.machine.description import load_machine
from spikeloom.compiler import attach_machine, new_context
from spikeloom.default_pipeline import PIPELINE
from spikeloom.dialects import bptt, engine, snn
from spikeloom.frontend.program import parse_program
from spikeloom.pass_options import pass_options
from spikeloom.pass_pipeline import parse_passes
from spikeloom.passes.registry import PASSES
from spikeloom.universe import ALL_PASSES

RECURRENT = """network echo(x: spikes[4]) -> spikes[3] {
    output = lif(linear(x, 3) + linear(previous(output), 3, bias = false))
    return output
}

train echo {
    data      = random(rate = 0.5, classes = 3, samples = 8)
    steps     = 4
    batch     = 8
    epochs    = 1
    loss      = cross_entropy
    optimizer = sgd(rate = 0.1)
    seed      = 1
}
"""

FEED_FORWARD = """network layer(x: spikes[4]) -> spikes[3] {
    return lif(linear(x, 3))
}
"""

LEVELS = (
    (snn, snn.SNN, RECURRENT, ""),
    (bptt, bptt.BPTT, RECURRENT, "expand-bptt"),
    (engine, engine.ENGINE, FEED_FORWARD, "expand-bptt{steps=4 batch=8},lower-to-engine"),
)
"""Dialect, the program that its example comes from, and the passes that lead to it."""


def ir_reference() -> str:
    """docs/ir.md: every dialect with an example and its operations."""
    lines = [
        "# The IR",
        "",
        "Generated from the dialects by `python -m spikeloom.documentation`. Each level is a",
        "dialect that can be printed, parsed and verified; `spikeloom-opt` reads and writes all of",
        "them. `--print-op-generic` shows the same in MLIR's generic form, `--print-debuginfo` the",
        "place of the program that each operation comes from.",
        "",
    ]
    for module, dialect, program, pipeline in LEVELS:
        lines += [f"## `{dialect.name}`", "", _text(module), "", "```", program.strip(), "```", ""]
        lines += [f"becomes{f' after `{pipeline}`' if pipeline else ''}", ""]
        lines += ["```mlir", _printed(program, pipeline), "```", ""]
        lines += ["| operation | what it is |", "|---|---|"]
        lines += [f"| `{op.name}` | {_summary(op)} |" for op in dialect.operations]
        lines.append("")
        lines += _attributes(dialect)
    return "\n".join(lines).rstrip("\n") + "\n"


def _printed(program: str, pipeline: str) -> str:
    """The IR that the program becomes, without the machine."""
    module, context = parse_program(program, "program.snn"), new_context()
    attach_machine(module, load_machine())
    for each in parse_passes(pipeline, {**get_all_passes(), **PASSES}):
        each.apply(context, module)
    stream = StringIO()
    for op in module.ops:
        if not isinstance(op, engine.MachineOp):
            Printer(stream).print_op(op)
            stream.write("\n")
    return stream.getvalue().strip()


def _attributes(dialect: Dialect) -> list[str]:
    rows = [f"| `{each.name}` | {_summary(each)} |" for each in dialect.attributes]
    return ["| attribute | what it is |", "|---|---|", *rows, ""] if rows else []


def _summary(documented: type[object]) -> str:
    """The first paragraph of a docstring as a table cell, up to a colon that announces code."""
    paragraph = (inspect.getdoc(documented) or "").partition("\n\n")[0]
    return " ".join(paragraph.split()).replace("|", "\\|")


def _text(documented: ModuleType | type[object]) -> str:
    """A docstring as it stands."""
    return inspect.getdoc(documented) or ""


BORROWED = {
    "canonicalize": "xDSL's; removes operations whose results nothing reads, whole dead cycles "
    "included.",
    "cse": "xDSL's; computes what is computed twice only once. Layers of neurons stay apart, "
    "because each bears its statement's name.",
    "dce": "xDSL's; removes what `cse` has left without readers.",
}


DATAFLOW = ("extract-dataflow", "analyze-throughput", "bind-tiles")
"""Passes over dataflow graphs, which no program's pipeline runs."""


def pass_reference() -> str:
    """docs/passes.md: every pass with its options, in the order of the pipeline."""
    pipeline = PIPELINE.format(expand="expand-bptt", analysis="")
    lines = [
        "# Passes",
        "",
        "Generated from the passes by `python -m spikeloom.documentation`. `spikeloom` runs",
        "",
        "```",
        f"spikeloom-opt program.snn -p {pipeline}",
        "```",
        "",
        "once for every stream that a program needs: for training and for testing, for the full",
        "batch and for the smaller last one. Time and batch are dimensions on every level: no size",
        "and no compile time depends on them. `spikeloom-opt --help` lists xDSL's passes too;",
        "`--print-ir-after-all` shows the IR after each pass. `spikeloom run --pipeline` sends a",
        "program through other passes, and `spikeloom run FILE.mlir` runs what passes have made",
        "([pipelines](pipelines.md)).",
        "",
    ]
    for name in dict.fromkeys(pipeline.split(",")):
        lines += [f"## `{name}`", ""]
        lines += [BORROWED[name], ""] if name in BORROWED else _pass(PASSES[name]())
    lines += ["# Passes over dataflow graphs", ""]
    for name in DATAFLOW:
        lines += [f"## `{name}`", "", *_pass(ALL_PASSES[name]())]
    return "\n".join(lines).rstrip("\n") + "\n"


def _pass(kind: type[ModulePass]) -> list[str]:
    """The docstring with its errors as a list, then a table of the options."""
    description, _, errors = _text(kind).partition("\nRaises:\n")
    lines = [description.strip(), ""]
    if errors:
        raised = " ".join(errors.split()).removeprefix("DiagnosticError: ")
        lines += [f"Errors: {raised}", ""]
    options = pass_options(kind)
    if options:
        lines += ["| option | values | default |", "|---|---|---|"]
        for option in options:
            values = option.values.replace("|", "\\|")
            lines.append(f"| `{option.name}` | {values} | {option.default} |")
        lines.append("")
    return lines
