"""`spikeloom run PROGRAM`: compiles in memory and executes as `exec` does, or only counts."""

from __future__ import annotations

import argparse

from spikeloom.commands.compiled_for import compiled_words
from spikeloom.commands.count import check_count_options, count_program, counted_words
from spikeloom.commands.execution import execute, gpu_beside, print_result, run_options
from spikeloom.commands.preparation import prepare
from spikeloom.compiler import compile_streams
from spikeloom.program_source import read_source
from spikeloom.terminal import EXIT_OK


def command(parsed: argparse.Namespace) -> int:
    """Trains the program, or runs its inference; returns the exit code.

    Raises:
        DiagnosticError: program, options, data or machine are not valid, or do not fit together.
    """
    check_count_options(parsed)
    options = run_options(parsed)
    source = read_source(parsed.program)
    if parsed.count_only:
        counted = count_program(parsed, source, options)
        words = (counted_words(counted), compiled_words(parsed, source))
        print_result(counted.result, gpu_beside(parsed), "\n".join(filter(None, words)))
        return EXIT_OK
    dataset, machine, pipeline = prepare(parsed, source, options)
    image = compile_streams(
        source.stream_module, source.task, machine, sizes=dataset.sizes, pipeline=pipeline
    )
    words = compiled_words(parsed, source)
    return execute(image, dataset, options, gpu_beside(parsed), words)
