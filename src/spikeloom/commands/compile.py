"""`spikeloom compile PROGRAM`: writes the validated instruction streams to a file."""

from __future__ import annotations

import argparse

from spikeloom.backend.host.session import RunOptions
from spikeloom.backend.snx import write_image
from spikeloom.backend.validation.validator import validate
from spikeloom.commands.preparation import prepare
from spikeloom.compiler import compile_streams
from spikeloom.program_source import read_source
from spikeloom.terminal import EXIT_OK


def command(parsed: argparse.Namespace) -> int:
    """Compiles and writes the file; returns the exit code.

    Raises:
        DiagnosticError: program, options, data or machine are not valid, or do not fit together;
            the file cannot be written (E0402).
    """
    source = read_source(parsed.program)
    dataset, machine, pipeline = prepare(parsed, source, RunOptions(data=parsed.data))
    image = compile_streams(
        source.stream_module, source.task, machine, sizes=dataset.sizes, pipeline=pipeline
    )
    for _, stream in image.streams:
        validate(stream, machine.memory_bytes)
    write_image(parsed.output, image)
    return EXIT_OK
