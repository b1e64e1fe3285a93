"""`spikeloom run PROGRAM`: compiles in memory and executes as `exec` does, or only counts."""

from __future__ import annotations

import argparse

from spikeloom.backend.host.session import check_options, load_dataset
from spikeloom.backend.host.task import describe
from spikeloom.backend.machine.description import load_machine
from spikeloom.commands.compiled_for import compiled_for, compiled_words
from spikeloom.commands.count import check_count_options, count_program, counted_words
from spikeloom.commands.execution import execute, gpu_beside, print_result, run_options
from spikeloom.commands.program_file import read_program
from spikeloom.commands.verification import verify_if_asked
from spikeloom.compiler import compile_program
from spikeloom.terminal import EXIT_OK


def command(parsed: argparse.Namespace) -> int:
    """Trains the program, or runs its inference; returns the exit code.

    Raises:
        DiagnosticError: program, options, data or machine are not valid, or do not fit together.
    """
    check_count_options(parsed)
    options = run_options(parsed)
    module = read_program(parsed.program)
    task = describe(module, parsed.program)
    if parsed.count_only:
        counted = count_program(parsed, module, task, options)
        words = f"{counted_words(counted)}\n{compiled_words(parsed, task)}"
        print_result(counted.result, gpu_beside(parsed), words)
        return EXIT_OK
    pipeline = compiled_for(parsed)
    check_options(task, options)
    dataset = load_dataset(task, options)
    machine = load_machine(parsed.machine)
    verify_if_asked(parsed, module, machine)
    image = compile_program(module, task, machine, sizes=dataset.sizes, pipeline=pipeline)
    return execute(image, dataset, options, gpu_beside(parsed), compiled_words(parsed, task))
