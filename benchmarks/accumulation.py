"""What `fuse-luts` chooses beside every choice forced: `python benchmarks/accumulation.py`.

One training batch of each published workload is counted with declared densities; with `--executed`
the first batch of small examples is executed, compiled for the densities that it measured. Printed
are the cycles of the batch, and the energy of the sums' engines, by those of the best forced
choice: above 1 the choice is worse. Nothing here depends on how fast this computer is.
"""

from __future__ import annotations

import argparse
from importlib import import_module
from importlib.resources import files

from spikeloom.ablation.accumulation_choices import Compared, compare_counted, compare_executed
from spikeloom.ablation.experiment import Executed
from spikeloom.backend.host.session import RunOptions, load_dataset
from spikeloom.backend.host.task import describe
from spikeloom.backend.machine.description import Machine, load_machine
from spikeloom.frontend.program import parse_program_bytes
from spikeloom.reproduction.measurement import Workload
from spikeloom.reproduction.published import DENSITIES, WORKLOADS

SMALL = ("digits", "conv_digits", "match", "residual_digits", "memory", "readout")


def executed(name: str, machine: Machine) -> Compared:
    """The choices of an example's first batch."""
    filename = f"{name}.snn"
    data = (files("spikeloom") / "examples" / filename).read_bytes()
    module = parse_program_bytes(data, filename)
    task = describe(module, filename)
    dataset = load_dataset(task, RunOptions())
    return compare_executed(Executed.of(module, task, machine, dataset, threads=2))


def print_compared(name: str, found: Compared) -> None:
    """Two lines, of cycles and of energy."""
    best, how = found.best_cycles
    print(f"{name:16s}{found.cycles:>13,} cycles {found.cycles / best:.4f} x {best:,} ({how})")
    best, how = found.best_energy
    ratio, chosen, least = found.energy_fj / best, found.energy_fj / 1e9, best / 1e9
    print(f"{'':16s}{chosen:>13,.2f} uJ     {ratio:.4f} x {least:,.2f} ({how})", flush=True)


def main() -> None:
    """Prints two lines per program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--density", default=DENSITIES)
    parser.add_argument("--executed", action="store_true")
    parser.add_argument("programs", nargs="*")
    options = parser.parse_args()
    import_module("spikeloom.backend.counting.walk")
    machine = load_machine()
    for name in options.programs or (SMALL if options.executed else WORKLOADS):
        if options.executed:
            print_compared(name, executed(name, machine))
        else:
            found = compare_counted(Workload.load(name), options.density, machine)
            print_compared(name, found)


if __name__ == "__main__":
    main()
