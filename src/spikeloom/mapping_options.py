"""The options of `spikeloom map` and `spikeloom check`; nothing heavy, so that help is quick."""

from __future__ import annotations

import argparse
from pathlib import Path

from spikeloom.arguments import integer, ratio


def add_check_options(parser: argparse.ArgumentParser) -> None:
    """The program, the machine, and what is wanted of them."""
    add = parser.add_argument
    add("program", metavar="PROGRAM", help="a program (.snn)")
    words = "a machine of crossbars (.toml; default: the bundled dynapse.toml)"
    add("--machine", metavar="FILE", type=Path, help=words)
    words = "neurons with too many inputs become chains or trees of partial sums, or an error"
    forms = ("auto", "chain", "tree", "none")
    add("--unroll", choices=forms, default="auto", help=f"{words} (default: %(default)s)")
    wanted = parser.add_mutually_exclusive_group()
    words = "cycles that one time step may take (247, 247/2); refused if not guaranteed"
    wanted.add_argument("--period", metavar="CYCLES", type=ratio(1, 2**48), help=words)
    words = "the same as time steps in a second of the machine's clock"
    wanted.add_argument("--throughput", metavar="STEPS", type=integer(1, 2**48), help=words)


def add_map_options(parser: argparse.ArgumentParser) -> None:
    """Those of `check`, how to map, and what to write."""
    add_check_options(parser)
    add = parser.add_argument
    ways = ("grow", "published", "kahypar")
    words = "how clusters are found (default: %(default)s)"
    add("--strategy", choices=ways, default="grow", help=words)
    words = "count spikes as a run of this program measured them (its --json)"
    add("--profile", metavar="FILE", type=Path, help=f"{words}; without it everybody spikes once")
    words = "time steps of one inference (default: those of the profile, or of the program)"
    add("--steps", metavar="N", type=integer(1, 2**24), help=words)
    words = "execute with the parameters in a file of `run --save` (default: untrained ones)"
    add("--load", metavar="FILE", type=Path, help=words)
    words = "execute the first of these recordings (.npz), for a program without `train`"
    add("--data", metavar="FILE", type=Path, help=words)
    add("--static", action="store_true", help="execute nothing: tables, places and guarantee only")
    add("--energy-table", metavar="NAME", help="energies of the machine file to count with")
    words = "write everything as JSON, with the place of every neuron"
    add("--json", metavar="FILE", type=Path, help=words)
    words = "draw the tiles with utilisation and traffic"
    add("--svg", metavar="FILE", type=Path, help=words)
