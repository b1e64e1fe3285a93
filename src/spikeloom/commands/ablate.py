"""`spikeloom ablate`: what every optimisation is worth, on one batch of a program."""

from __future__ import annotations

import argparse

from rich.console import Console as Terminal
from xdsl.dialects.builtin import ModuleOp

from spikeloom.ablation.experiment import Counted, Executed, Experiment
from spikeloom.ablation.measurement import measure_all
from spikeloom.ablation.report import ablation_chart, ablation_json, print_ablation
from spikeloom.ablation.variants import Variant, all_variants
from spikeloom.backend.atomic_file import write_atomically
from spikeloom.backend.execution.interpreter import prepare_kernels
from spikeloom.backend.host.plan import Task
from spikeloom.backend.host.session import RunOptions, check_options, check_outputs, load_dataset
from spikeloom.backend.host.task import describe
from spikeloom.backend.machine.description import load_machine
from spikeloom.commands.compiled_for import asked_analysis
from spikeloom.commands.count import check_count_source, prepare_counting, read_densities
from spikeloom.commands.program_file import read_program
from spikeloom.console import Console
from spikeloom.diagnostics import error
from spikeloom.terminal import EXIT_OK


def command(parsed: argparse.Namespace) -> int:
    """Compiles and measures every variant and reports.

    Raises:
        DiagnosticError: the program does not train (E0405), options, data or machine do not fit,
            or a file cannot be written (E0402).
    """
    module = read_program(parsed.program)
    task = describe(module, parsed.program)
    if task.training is None:
        help = "add a `train` block to the program"
        raise error("E0405", f"`{task.program}` has no training to ablate", help=help)
    check_count_source(parsed)
    check_outputs((parsed.json, parsed.svg))
    experiment = _experiment(parsed, module, task)
    variants = all_variants()
    with Terminal(stderr=True).status("") as status:

        def show(done: int, variant: Variant) -> None:
            status.update(f"{done + 1} of {len(variants)}: {variant.name}")

        measurements = measure_all(experiment, variants, show)
    print_ablation(measurements, experiment)
    if parsed.json is not None:
        write_atomically(parsed.json, ablation_json(measurements, experiment).encode())
    if parsed.svg is not None:
        write_atomically(parsed.svg, ablation_chart(measurements, experiment).encode())
    return EXIT_OK


def _experiment(parsed: argparse.Namespace, module: ModuleOp, task: Task) -> Experiment:
    """The program with what it is measured on, and all kernels ready."""
    machine = load_machine(parsed.machine).with_energy_table(parsed.energy_table)
    analysis = asked_analysis(parsed)
    if parsed.count_only:
        source = read_densities(parsed, task)
        prepare_counting()
        return Counted(module, task, machine, analysis, source)
    options = RunOptions(json=parsed.json, threads=parsed.threads)
    check_options(task, options)
    dataset = load_dataset(task, options)
    with Console().kernels() as progress:
        prepare_kernels(progress)
    return Executed.of(module, task, machine, dataset, parsed.threads, analysis)
