"""`spikeloom map`: a program on the tiles of a machine of crossbars; "does it fit?" comes first."""

from __future__ import annotations

import argparse
from dataclasses import replace

from spikeloom.backend.atomic_file import write_atomically
from spikeloom.backend.execution.interpreter import prepare_kernels
from spikeloom.backend.host.plan import Task
from spikeloom.backend.host.session import check_outputs
from spikeloom.backend.host.task import describe
from spikeloom.backend.machine.crossbar_machine import load_crossbar_machine
from spikeloom.commands.program_file import read_program
from spikeloom.console import Console
from spikeloom.diagnostics import DiagnosticError, error
from spikeloom.dialects.snn import NetworkOp
from spikeloom.mapping.binding import BoundNetwork, MapOptions, bind_network
from spikeloom.mapping.demand import DoesNotFit
from spikeloom.mapping.execution import measure
from spikeloom.mapping.inference import inference_of
from spikeloom.mapping.map_json import mapping_json
from spikeloom.mapping.map_tables import print_mapping, refused_words
from spikeloom.mapping.mapper import mapping_of
from spikeloom.mapping.mapping import Measurement
from spikeloom.mapping.options import options_of
from spikeloom.mapping.program import network_in
from spikeloom.mapping.tile_picture import tile_picture
from spikeloom.passes.clustering.kahypar import mt_kahypar
from spikeloom.passes.clustering.strategy import Strategy
from spikeloom.terminal import EXIT_OK

EXECUTED_STEPS = 2**20
"""Time steps of an inference that is executed; more are mapped with `--static`."""

STEPS_HELP = "a smaller --steps, or --static to execute nothing"

FIT_CODES = ("E0205", "E0302", "E0306")
"""Of diagnostics that say that a program does not fit a machine."""


def command(parsed: argparse.Namespace) -> int:
    """Maps, executes, prints the tables, and writes JSON and picture; returns the exit code.

    Raises:
        DiagnosticError: the program does not fit (E0306, E0307, E0302), an option, the machine, the
            profile, parameters or data are not valid, or a file cannot be written (E0402).
    """
    module = read_program(parsed.program)
    task = describe(module, parsed.program)
    check_outputs((parsed.json, parsed.svg))
    if task.training is not None and parsed.data is not None:
        raise error("E0405", "--data: the program names its own data in `train`")
    if parsed.strategy == Strategy.KAHYPAR.value:
        mt_kahypar()
    machine = load_crossbar_machine(parsed.machine).with_energy_table(parsed.energy_table)
    options = options_of(parsed, machine, task)
    _check_steps(parsed, options)
    network = network_in(module)
    try:
        found = bind_network(network, machine, options)
        # A period that is not kept is refused before anything is executed.
        mapping = mapping_of(found, task.network, task.program, options)
    except DiagnosticError as problem:
        if words := _refusal(problem):
            print(f"fits            no: {words}", flush=True)
        raise
    measurement, obstacle = _executed(parsed, found, network, task, options)
    mapping = replace(mapping, measurement=measurement, obstacle=obstacle)
    print_mapping(mapping)
    if parsed.json is not None:
        write_atomically(parsed.json, mapping_json(mapping).encode())
    if parsed.svg is not None:
        write_atomically(parsed.svg, tile_picture(mapping).encode())
    return EXIT_OK


def _executed(
    parsed: argparse.Namespace,
    found: BoundNetwork,
    network: NetworkOp,
    task: Task,
    options: MapOptions,
) -> tuple[Measurement | None, str]:
    """What one inference measured, or why none was executed."""
    executable = found.clusters.executable
    if parsed.static:
        return None, "--static"
    if executable is None:
        return None, found.clusters.obstacle
    inference = inference_of(task, network, options.steps, parsed.load, parsed.data)
    if inference is None:
        return None, "the program names no data, and there is no --data"
    with Console().kernels() as progress:
        prepare_kernels(progress)
    try:
        return measure(
            found, executable, inference.parameters, inference.signal, inference.subject
        ), ""
    except DiagnosticError as problem:
        first = problem.diagnostics[0]
        if first.code == "E0304":
            message = f"--steps: an inference of {options.steps:,} time steps: {first.message}"
            raise error("E0405", message, help=STEPS_HELP) from None
        if first.code not in FIT_CODES:
            raise
        return None, first.message


def _check_steps(parsed: argparse.Namespace, options: MapOptions) -> None:
    """Raises E0405 for an inference that is too long to be executed."""
    if not parsed.static and options.steps > EXECUTED_STEPS:
        message = f"--steps: at most {EXECUTED_STEPS:,} time steps are executed"
        raise error("E0405", f"{message}, not {options.steps:,}", help=STEPS_HELP)


def _refusal(problem: DiagnosticError) -> str:
    """Why the program does not fit; nothing if that is not what is wrong."""
    if isinstance(problem, DoesNotFit):
        return refused_words(problem.demands)
    first = problem.diagnostics[0]
    return first.message if first.code in FIT_CODES else ""
