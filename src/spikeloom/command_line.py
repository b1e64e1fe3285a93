"""`spikeloom`: run, compile, execute and look at spiking programs.

This module holds the options and nothing heavy, so that help appears at once; the commands
themselves are modules of `spikeloom.commands`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from spikeloom import __version__
from spikeloom.arguments import integer as _integer
from spikeloom.mapping_options import add_check_options, add_map_options
from spikeloom.pipeline_options import add_pipeline_options, pipeline_texts
from spikeloom.terminal import EXIT_ERROR, guarded
from spikeloom.verification.options import add_verification_options

_EPILOG = "exit codes: 0 done, 1 an error in the input, 2 usage, 70 internal error, 130 interrupted"


def _add_run_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    count = _integer(1, 2**48)
    add("--epochs", metavar="N", type=count, help="train up to epoch N, from the beginning")
    add(
        "--batches",
        metavar="N",
        type=count,
        help="stop after training batch N, counted from the beginning of training; an epoch that"
        " is not finished is reported over its batches so far",
    )
    add("--seed", metavar="N", type=_integer(0, 2**63), help="instead of the program's seed")
    add(
        "--threads",
        metavar="N",
        type=_integer(1, 257),
        default=min(2, os.cpu_count() or 1),
        help="threads of the interpreter; results do not depend on it (default: %(default)s)",
    )
    _add_data_option(parser)
    add("--json", metavar="FILE", type=Path, help="write accuracies, counters and energy as JSON")
    add("--dump", metavar="DIR", type=Path, help="write the last batch to DIR/tensors.npz")
    add(
        "--save",
        metavar="FILE",
        type=Path,
        help="write parameters, optimizer state and progress (.safetensors) at the end, also when"
        " interrupted by Ctrl-C: --load goes on from there",
    )
    add("--load", metavar="FILE", type=Path, help="start from a file written by --save")
    words = "write what each instruction of the last batch counted, for --count-only --statistics"
    add("--save-statistics", metavar="FILE", type=Path, help=words)
    _add_energy_options(parser)


def _add_count_options(parser: argparse.ArgumentParser, *, statistics: bool) -> None:
    group = parser.add_argument_group(
        "counting without executing",
        "Counts one batch on the same instructions and clock, without data and without memory for"
        " them. What depends on data comes from --profile FILE, --density SHARES or:",
    )
    add = group.add_argument
    add("--count-only", action="store_true", help="count one batch instead of running")
    if statistics:
        words = "of --save-statistics: all counters equal that batch's exactly"
        add("--statistics", metavar="FILE", type=Path, help=words)


def _add_energy_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    words = "energies of the machine file to count with: horowitz or aladdin in the bundled one"
    add("--energy-table", metavar="NAME", help=words)
    words = "write every action that costs energy, with its count and its price, as CSV"
    add("--actions", metavar="FILE", type=Path, help=words)
    words = "show a model of an NVIDIA V100 beside the machine's figures"
    add("--baseline", action="store_true", help=words)
    words = "the same with this share of its peak, from 1 to 100, instead of the assumed one"
    add("--baseline-efficiency", metavar="PERCENT", type=_integer(1, 101), help=words)


def _add_ablation_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--json", metavar="FILE", type=Path, help="write cycles, energies and speedups as JSON")
    add("--svg", metavar="FILE", type=Path, help="draw the speedups as a bar chart")
    words = "energies of the machine file to count with: horowitz or aladdin in the bundled one"
    add("--energy-table", metavar="NAME", help=words)
    words = "threads of the interpreter; results do not depend on it (default: %(default)s)"
    threads = min(2, os.cpu_count() or 1)
    add("--threads", metavar="N", type=_integer(1, 257), default=threads, help=words)


def _add_data_option(parser: argparse.ArgumentParser) -> None:
    words = "recordings (.npz), for a program without `train`"
    parser.add_argument("--data", metavar="FILE", type=Path, help=words)


def _add_density_options(parser: argparse.ArgumentParser) -> None:
    words = "compile for what a run of this network measured per layer (its --json)"
    parser.add_argument("--profile", metavar="FILE", type=Path, help=words)
    words = "compile for these shares of cells that are not zero: spikes=.17,mask=.36,gradients=.5,"
    more = "input=... if it differs from spikes; --count-only counts with them, too"
    parser.add_argument("--density", metavar="SHARES", help=f"{words} {more}")


def _add_program(parser: argparse.ArgumentParser) -> None:
    words = "a program (.snn), or its IR (.mlir)"
    parser.add_argument("program", metavar="PROGRAM", help=words)
    words = "description of the machine (.toml)"
    parser.add_argument("--machine", metavar="FILE", type=Path, help=words)


def _add_image(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", metavar="FILE", type=Path, help="a compiled program (.snx)")


def _add_reproduction_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("subject", metavar="SUBJECT", choices=["h2learn"], help="what to reproduce: h2learn")
    words = "only this workload; may be given again (default: all three)"
    add("--workload", metavar="NAME", action="append", help=words)
    words = "the V100's share of its peak, in per cent (default: 12, chosen so that V2 agrees)"
    add("--efficiency", metavar="PERCENT", type=_integer(1, 101), help=words)
    words = "densities to count with, instead of spikes=.17,mask=.36,gradients=.5"
    add("--density", metavar="KIND=SHARE,...", help=words)
    words = "description of the machine (.toml)"
    add("--machine", metavar="FILE", type=Path, help=words)
    words = "energies of the machine file to count with: horowitz or aladdin in the bundled one"
    add("--energy-table", metavar="NAME", help=words)
    add("--json", metavar="FILE", type=Path, help="write everything as JSON")


def make_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="spikeloom",
        description="Compiles spiking networks to an accelerator and runs them on its interpreter.",
        epilog=_EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"spikeloom {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    run = commands.add_parser("run", help="compile a program and train it, or run inference")
    _add_program(run)
    _add_density_options(run)
    _add_run_options(run)
    add_pipeline_options(run)
    add_verification_options(run)
    _add_count_options(run, statistics=True)

    compile_ = commands.add_parser("compile", help="compile a program to an instruction stream")
    _add_program(compile_)
    _add_density_options(compile_)
    _add_data_option(compile_)
    add_pipeline_options(compile_)
    add_verification_options(compile_)
    words = "the file to write: instruction streams (.snx), or the IR of all of them (.mlir)"
    compile_.add_argument("-o", "--output", metavar="FILE", type=Path, required=True, help=words)

    execute = commands.add_parser("exec", help="execute a compiled program")
    _add_image(execute)
    _add_run_options(execute)

    disassemble = commands.add_parser("disassemble", help="print a compiled program as text")
    _add_image(disassemble)

    words = "measure what every optimisation is worth on one batch, with each on and off"
    ablate = commands.add_parser("ablate", help=words)
    _add_program(ablate)
    _add_density_options(ablate)
    _add_ablation_options(ablate)
    _add_count_options(ablate, statistics=False)

    words = "show what is published of an accelerator beside what the model gives"
    reproduce = commands.add_parser("reproduce", help=words)
    _add_reproduction_options(reproduce)

    words = "count multiply-accumulates and weights of every layer, without running anything"
    operations = commands.add_parser("operations", help=words)
    operations.add_argument("program", metavar="PROGRAM", help="a program (.snn)")

    throughput = commands.add_parser("throughput", help="the exact period of a dataflow graph")
    words = "a graph: SDF3 XML, or IR with one sdf.graph"
    throughput.add_argument("file", metavar="GRAPH", help=words)
    words = "which of several graphs in the IR"
    throughput.add_argument("--graph", metavar="NAME", help=words)
    words = "write period, repetition vector and critical cycle as JSON"
    throughput.add_argument("--json", metavar="FILE", type=Path, help=words)
    words = "also the least storage for every period that storage can buy"
    throughput.add_argument("--storage", action="store_true", help=words)
    _add_cluster(commands.add_parser("cluster", help="crossbars for a list of connections"))
    words = "which programs of a trace may run on a chip, with which guarantees"
    _add_admit(commands.add_parser("admit", help=words))
    words = "say what of a program would not fit a machine of crossbars, and how much room is left"
    add_check_options(commands.add_parser("check", help=words))
    words = "put a program on the tiles of a machine of crossbars, with a guaranteed throughput"
    add_map_options(commands.add_parser("map", help=words))
    return parser


def _add_cluster(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("connections", metavar="CONNECTIONS", help="lines of `source target target ...`")
    words = "lines of `neuron time time ...`; without it everybody spikes once"
    add("--spikes", metavar="FILE", help=words)
    number = _integer(1, 2**48)
    words = "of a crossbar (default: %(default)s)"
    add("--inputs", metavar="N", type=number, default=128, help=f"distinct inputs {words}")
    add("--outputs", metavar="N", type=number, default=128, help=f"neurons {words}")
    add("--crosspoints", metavar="N", type=number, help="synapses of a crossbar")
    add("--fan-in", metavar="N", type=number, help="inputs of one neuron; more are unrolled")
    words = "crossbars that a neuron's spikes may reach; relays serve more"
    add("--destinations", metavar="N", type=number, help=words)
    add("--input-buffer", metavar="N", type=number, help="spikes that enter in a time step")
    add("--output-buffer", metavar="N", type=number, help="spikes that leave in a time step")
    words = "neurons with too many inputs become chains or trees of partial sums, or an error"
    forms = ("auto", "chain", "tree", "none")
    add("--unroll", choices=forms, default="auto", help=f"{words} (default: %(default)s)")
    ways = ("grow", "published", "kahypar")
    words = "how clusters are found (default: %(default)s)"
    add("--strategy", choices=ways, default="grow", help=words)
    add("--json", metavar="FILE", type=Path, help="write clusters and traffic as JSON")


def _add_admit(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    words = "arrivals and departures, a JSON object per line"
    add("trace", metavar="TRACE", help=words)
    words = "keep the chip's state here (SQLite); a trace that was cut short goes on"
    add("--state", metavar="FILE", help=words)
    words = "description of a machine of crossbars (default: the bundled dynapse.toml)"
    add("--machine", metavar="FILE", type=Path, help=words)
    add("--broken", metavar="TILE,...", help="names of tiles that must not be used")
    add("--json", metavar="FILE", type=Path, help="write answers, bindings and orders as JSON")
    group = parser.add_argument_group("a mesh of equal tiles, instead of --machine")
    add, number = group.add_argument, _integer(1, 2**31)
    add("--rows", metavar="N", type=_integer(1, 1025))
    add("--columns", metavar="N", type=_integer(1, 1025))
    add("--delay", metavar="N", type=_integer(0, 2**31), help="cycles per hop (default: 1)")
    add("--bandwidth", metavar="N", type=number, help="of a connection, token sizes per cycle")
    add("--memory", metavar="N", type=number, help="of a tile, in token sizes")
    add("--connections", metavar="N", type=number, help="channels to and from other tiles")
    add("--actors", metavar="N", type=number, help="clusters that a tile can hold")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs `spikeloom` and returns its exit code."""
    try:
        parsed = make_parser().parse_args(arguments)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else EXIT_ERROR

    def command() -> int:
        return import_module(f"spikeloom.commands.{parsed.command}").command(parsed)

    return guarded(command, pipeline_texts(parsed))


if __name__ == "__main__":
    sys.exit(main())
