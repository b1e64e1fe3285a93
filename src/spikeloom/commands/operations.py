"""`spikeloom operations`: what a program computes, in closed form, layer by layer."""

from __future__ import annotations

import argparse

from rich.markup import escape
from rich.table import Table
from xdsl.dialects.builtin import ModuleOp

from spikeloom.commands.program_file import read_program
from spikeloom.compiler import apply_pipeline
from spikeloom.default_pipeline import PREPARATION, expansion_text
from spikeloom.dialects.bptt import StepOp
from spikeloom.operation_counts import OperationCounts, counts_of_step
from spikeloom.tables import print_table
from spikeloom.terminal import EXIT_OK


def operations_of(module: ModuleOp) -> tuple[str, int, OperationCounts]:
    """The network's name, the steps of its training and its counts, which no size changes."""
    copy = module.clone()
    expansion = expansion_text(training=True, steps=0, batch=0)
    apply_pipeline(copy, PREPARATION.format(expand=expansion))
    (step,) = (op for op in copy.ops if isinstance(op, StepOp))
    return step.sym_name.data, step.steps.value.data, counts_of_step(step)


def operations_table(counts: OperationCounts) -> Table:
    """Multiply-accumulates and weights per layer, per sample and time step."""
    table = Table(box=None, pad_edge=False)
    table.add_column("per sample and step", no_wrap=True)
    for heading in ("forward MAC", "backward MAC", "update MAC", "weights"):
        table.add_column(heading, justify="right", no_wrap=True)
    for layer in counts.layers:
        numbers = (layer.forward, layer.backward, layer.update, layer.weights)
        table.add_row(f"  {escape(layer.name)}", *(f"{number:,}" for number in numbers))
    totals = (counts.forward, counts.backward, counts.update, counts.weights)
    table.add_row("[bold]total[/bold]", *(f"{number:,}" for number in totals))
    return table


def command(parsed: argparse.Namespace) -> int:
    """Prints the table and the sums over the steps of one sample; returns the exit code.

    Raises:
        DiagnosticError: the program cannot be expanded, for instance because it says no steps.
    """
    name, steps, counts = operations_of(read_program(parsed.program))
    print_table(operations_table(counts))
    print(f"\n`{name}`: {counts.neurons:,} neurons, {counts.parameters:,} trained numbers")
    print(f"one sample trained for {steps} steps: {steps * counts.total:,} MAC")
    return EXIT_OK
