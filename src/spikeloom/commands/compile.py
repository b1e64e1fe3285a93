"""`spikeloom compile PROGRAM`: writes the validated instruction streams to a file."""

from __future__ import annotations

import argparse

from spikeloom.backend.host.session import RunOptions, check_options, load_dataset
from spikeloom.backend.host.task import describe
from spikeloom.backend.machine.description import load_machine
from spikeloom.backend.snx import write_image
from spikeloom.backend.validation.validator import validate
from spikeloom.commands.compiled_for import compiled_for
from spikeloom.commands.program_file import read_program
from spikeloom.commands.verification import verify_if_asked
from spikeloom.compiler import compile_program
from spikeloom.terminal import EXIT_OK


def command(parsed: argparse.Namespace) -> int:
    """Compiles and writes the file; returns the exit code.

    Raises:
        DiagnosticError: program, options, data or machine are not valid, or do not fit together;
            the file cannot be written (E0402).
    """
    options, pipeline = RunOptions(data=parsed.data), compiled_for(parsed)
    module = read_program(parsed.program)
    task = describe(module, parsed.program)
    check_options(task, options)
    sizes = load_dataset(task, options).sizes
    machine = load_machine(parsed.machine)
    verify_if_asked(parsed, module, machine)
    image = compile_program(module, task, machine, sizes=sizes, pipeline=pipeline)
    for _, stream in image.streams:
        validate(stream, machine.memory_bytes)
    write_image(parsed.output, image)
    return EXIT_OK
