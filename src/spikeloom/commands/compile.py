"""`spikeloom compile PROGRAM`: writes the validated instruction streams to a file, or their IR."""

from __future__ import annotations

import argparse

from spikeloom.backend.atomic_file import write_atomically
from spikeloom.backend.host.session import RunOptions
from spikeloom.backend.snx import write_image
from spikeloom.backend.validation.validator import validate
from spikeloom.commands.preparation import prepare
from spikeloom.compiler import compile_streams
from spikeloom.ir_file import is_ir
from spikeloom.ir_output import module_of_streams, text_of
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
    if is_ir(str(parsed.output)):
        module = module_of_streams(source, machine, dataset.sizes, pipeline)
        write_atomically(parsed.output, text_of(module).encode())
        return EXIT_OK
    image = compile_streams(
        source.stream_module, source.task, machine, sizes=dataset.sizes, pipeline=pipeline
    )
    for _, stream in image.streams:
        validate(stream, machine.memory_bytes)
    write_image(parsed.output, image)
    return EXIT_OK
