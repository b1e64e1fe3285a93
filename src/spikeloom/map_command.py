"""`spikeloom map`: a program on the tiles of a machine of crossbars; "does it fit?" comes first."""

from __future__ import annotations

import argparse

from xdsl.dialects.builtin import ModuleOp

from spikeloom.backend.atomic_file import write_atomically
from spikeloom.backend.crossbar_machine import load_crossbar_machine
from spikeloom.backend.host.plan import Task
from spikeloom.backend.host.session import check_outputs
from spikeloom.diagnostics import DiagnosticError
from spikeloom.mapping.demand import DoesNotFit
from spikeloom.mapping.map_json import mapping_json
from spikeloom.mapping.map_tables import print_mapping, refused_words
from spikeloom.mapping.mapper import map_network
from spikeloom.mapping.options import options_of
from spikeloom.mapping.program import network_in
from spikeloom.mapping.tile_picture import tile_picture
from spikeloom.terminal import EXIT_OK

FIT_CODES = ("E0205", "E0302", "E0306")
"""Of diagnostics that say that a program does not fit a machine."""


def map_to_tiles(parsed: argparse.Namespace, module: ModuleOp, task: Task) -> int:
    """Maps, prints the tables, and writes JSON and picture; returns the exit code.

    Raises:
        DiagnosticError: the program does not fit (E0306, E0307, E0302), an option, the machine or
            the profile is not valid, or a file cannot be written (E0402).
    """
    check_outputs((parsed.json, parsed.svg))
    machine = load_crossbar_machine(parsed.machine).with_energy_table(parsed.energy_table)
    options = options_of(parsed, machine, task)
    try:
        mapping = map_network(network_in(module), task.program, machine, options)
    except DiagnosticError as problem:
        if words := _refusal(problem):
            print(f"fits            no: {words}", flush=True)
        raise
    print_mapping(mapping)
    if parsed.json is not None:
        write_atomically(parsed.json, mapping_json(mapping).encode())
    if parsed.svg is not None:
        write_atomically(parsed.svg, tile_picture(mapping).encode())
    return EXIT_OK


def _refusal(problem: DiagnosticError) -> str:
    """Why the program does not fit; nothing if that is not what is wrong."""
    if isinstance(problem, DoesNotFit):
        return refused_words(problem.demands)
    first = problem.diagnostics[0]
    return first.message if first.code in FIT_CODES else ""
