"""`spikeloom run --count-only`: the counters of one batch without executing it."""

from __future__ import annotations

import argparse

from spikeloom.backend.accounts.actions import action_counts, write_actions
from spikeloom.backend.counting.densities import parse_densities, profile_densities
from spikeloom.backend.host.counting import (
    CountedBatch,
    FromDensities,
    FromStatistics,
    Source,
    check_profile,
    count_image,
    count_sizes,
)
from spikeloom.backend.host.plan import Task
from spikeloom.backend.host.run_result import result_json, write_result
from spikeloom.backend.host.session import RunOptions, check_outputs, machine_in_use
from spikeloom.backend.host.statistics import read_statistics
from spikeloom.backend.machine.description import load_machine
from spikeloom.commands.pipeline import pipeline_of
from spikeloom.compiler import compile_streams
from spikeloom.diagnostics import error
from spikeloom.program_source import ProgramSource

_SOURCES = {
    "statistics": "--statistics FILE",
    "density": "--density spikes=.17,mask=.36,gradients=.5",
    "profile": "--profile FILE",
}
"""Where counts come from, with examples; not every command that counts has all of them."""

_FOR_RUNS = (
    "epochs",
    "batches",
    "seed",
    "data",
    "dump",
    "save",
    "load",
    "save_statistics",
)
"""Options that mean nothing where nothing is executed."""


def check_count_options(parsed: argparse.Namespace) -> None:
    """Refuses options of counting mode without it, and those of runs with it.

    Raises:
        DiagnosticError: E0405 or E0402.
    """
    if parsed.count_only:
        for name in _FOR_RUNS:
            if getattr(parsed, name) is not None:
                option = f"--{name.replace('_', '-')}"
                raise error("E0405", f"{option} does not apply: --count-only executes nothing")
    check_count_source(parsed)
    if parsed.count_only:
        check_outputs((parsed.json, parsed.actions))


def check_count_source(parsed: argparse.Namespace) -> None:
    """Refuses sources of counts without counting mode, and another number of them than one with it.

    Raises:
        DiagnosticError: E0405.
    """
    possible = [name for name in _SOURCES if hasattr(parsed, name)]
    given = [name for name in possible if getattr(parsed, name) is not None]
    if not parsed.count_only:
        if "statistics" in given:
            raise error("E0405", "--statistics does not apply: it is for --count-only")
    elif len(given) != 1:
        words = " and ".join(f"--{name}" for name in given) or "nothing"
        *others, last = (_SOURCES[name] for name in possible)
        help = f"{', '.join(others)} or {last}"
        raise error("E0405", f"--count-only takes one source of counts, not {words}", help=help)


def read_source(parsed: argparse.Namespace, task: Task) -> Source:
    """What the user gives instead of data.

    Raises:
        DiagnosticError: E0401, E0405 or E0407, it cannot be read or does not fit the program.
    """
    if parsed.statistics is not None:
        return FromStatistics(parsed.statistics, read_statistics(parsed.statistics))
    return read_densities(parsed, task)


def read_densities(parsed: argparse.Namespace, task: Task) -> FromDensities:
    """The same for a command without `--statistics`."""
    if parsed.density is not None:
        return FromDensities(parse_densities(parsed.density), f"densities {parsed.density}")
    from spikeloom.passes.sparsity.density_profile import read_profile

    profile = read_profile(str(parsed.profile))
    check_profile(profile, task, str(parsed.profile))
    return FromDensities(profile_densities(profile), f"profile {parsed.profile.name}")


def count_program(
    parsed: argparse.Namespace, program: ProgramSource, options: RunOptions
) -> CountedBatch:
    """Compiles one batch of a program, counts it, and writes the files that are asked for.

    Raises:
        DiagnosticError: the program, the machine and the source of counts do not go together.
    """
    task = program.task
    source = read_source(parsed, task)
    sizes = count_sizes(task, source)
    machine = load_machine(parsed.machine)
    program.check_machine(machine)
    pipeline = pipeline_of(parsed, program, counting=True)
    image = compile_streams(program.stream_module, task, machine, sizes=sizes, pipeline=pipeline)
    machine = machine_in_use(image, options)
    prepare_counting()
    counted = count_image(image, machine, source)
    totals = counted.result.totals
    if options.actions is not None:
        write_actions(options.actions, action_counts(totals.ledger(), totals.cycles, machine))
    if options.json is not None:
        seed = 0 if task.training is None else task.training.seed
        text = result_json(counted.plan, seed, machine, (), None, totals, counted.describe())
        write_result(options.json, text)
    return counted


def counted_words(counted: CountedBatch) -> str:
    """The line of the report that says that nothing was executed."""
    kind = "training" if counted.kind == "train" else "test"
    batch = f"one {kind} batch of {counted.samples} samples over {counted.plan.sizes.steps} steps"
    return f"counted        {batch}, not executed; {counted.source}"


def prepare_counting() -> None:
    """Compiles all kernels and the walk of counting mode, or loads them."""
    from importlib import import_module

    from spikeloom.backend.execution.interpreter import prepare_kernels
    from spikeloom.console import Console

    # The walk registers its functions with those of the interpreter.
    import_module("spikeloom.backend.counting.walk")
    with Console().kernels() as progress:
        prepare_kernels(progress)
