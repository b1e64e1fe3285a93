"""`spikeloom check`: every limit of a machine of crossbars against a program, within a second."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from spikeloom.backend.machine.crossbar_machine import CrossbarMachine, load_crossbar_machine
from spikeloom.commands.program_file import read_program
from spikeloom.mapping.demand import Basis, Demand, require
from spikeloom.mapping.needs import needs_of
from spikeloom.mapping.options import wanted_of
from spikeloom.mapping.program import network_in
from spikeloom.passes.clustering.extents import extents_of_network
from spikeloom.tables import print_table
from spikeloom.terminal import EXIT_OK


def command(parsed: argparse.Namespace) -> int:
    """Prints the margins of every limit; returns the exit code.

    Raises:
        DiagnosticError: one diagnostic for each limit that is exceeded (E0306, E0307); or machine
            or options are not valid.
    """
    module = read_program(parsed.program)
    machine = load_crossbar_machine(parsed.machine)
    wanted = wanted_of(parsed, machine)
    demands = needs_of(extents_of_network(network_in(module)), machine, wanted)
    require(demands)
    print_table(margins_table(demands))
    print(f"\n{verdict(demands, machine)}")
    return EXIT_OK


def margins_table(demands: Sequence[Demand]) -> Table:
    """A row for each limit: what is needed, where most, what is allowed, the share in use."""
    table = Table(box=None, pad_edge=False)
    table.add_column("limit", no_wrap=True)
    for heading in ("needed", "allowed", "share"):
        table.add_column(heading, justify="right", no_wrap=True)
    for heading in ("of", "most by", "remark"):
        table.add_column(heading)
    for each in demands:
        place = f", {each.location}" if each.location is not None else ""
        share = "" if each.eased else f"{each.share:.1%}"
        table.add_row(
            escape(each.limit),
            each.needed,
            each.allowed,
            share,
            escape(each.what),
            escape(each.where + place),
            escape(each.eased),
        )
    return table


def verdict(demands: Sequence[Demand], machine: CrossbarMachine) -> str:
    """Whether it is settled that the program fits."""
    open_questions = any(each.basis is Basis.BOUND for each in demands)
    settled = "; what says `at least` is settled by `spikeloom map`" if open_questions else ""
    return f"no limit of {machine.name} is known to be exceeded{settled}"
