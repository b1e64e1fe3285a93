"""What `run` and `compile` do before they compile: data, machine, pipeline, verification."""

from __future__ import annotations

import argparse

from spikeloom.backend.host.dataset import Dataset
from spikeloom.backend.host.session import RunOptions, check_options, load_dataset
from spikeloom.backend.machine.description import Machine, load_machine
from spikeloom.commands.pipeline import pipeline_of
from spikeloom.commands.verification import verify_if_asked
from spikeloom.default_pipeline import PipelineText
from spikeloom.program_source import ProgramSource


def prepare(
    parsed: argparse.Namespace, source: ProgramSource, options: RunOptions
) -> tuple[Dataset, Machine, PipelineText]:
    """The data, the machine and the pipeline of every stream, the program verified if asked for.

    Raises:
        DiagnosticError: program, options, data or machine are not valid, or do not fit together.
    """
    pipeline = pipeline_of(parsed, source)
    source.require_data(given=options.data is not None)
    check_options(source.task, options)
    dataset = source.testable(load_dataset(source.task, options))
    machine = load_machine(parsed.machine)
    source.check_machine(machine)
    verify_if_asked(parsed, source, machine, dataset.sizes, pipeline)
    return dataset, machine, pipeline
