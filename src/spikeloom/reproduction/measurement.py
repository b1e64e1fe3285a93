"""One batch of a workload, compiled in one way and counted."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

from xdsl.dialects.builtin import ModuleOp

from spikeloom.ablation.variants import Variant
from spikeloom.backend.accounts.baseline import Comparison, Gpu, compare
from spikeloom.backend.counting.densities import parse_densities
from spikeloom.backend.host.counting import FromDensities, count_image, count_sizes
from spikeloom.backend.host.plan import Task
from spikeloom.backend.host.task import describe
from spikeloom.backend.host.totals import Totals
from spikeloom.backend.machine.description import Machine
from spikeloom.compiler import compile_program
from spikeloom.diagnostics import did_you_mean, error
from spikeloom.frontend.program import parse_program_bytes
from spikeloom.reproduction.published import WORKLOADS


@dataclass(frozen=True)
class Workload:
    """A program of the examples, ready to be compiled."""

    name: str
    module: ModuleOp
    task: Task

    @classmethod
    def load(cls, name: str) -> Workload:
        """The bundled program of that name.

        Raises:
            DiagnosticError: E0405, there is none.
        """
        if name not in WORKLOADS:
            help = did_you_mean(name, WORKLOADS)
            raise error("E0405", f"there is no workload `{name}`", help=help)
        filename = f"{name}.snn"
        data = (files("spikeloom") / "examples" / filename).read_bytes()
        module = parse_program_bytes(data, filename)
        return cls(name, module, describe(module, filename))

    def count(self, variant: Variant, machine: Machine, densities: str) -> Totals:
        """The counters of one training batch with these densities.

        Raises:
            DiagnosticError: a pass refuses the program, or the machine is too small for it.
        """
        source = FromDensities(parse_densities(densities), f"densities {densities}")
        sizes = count_sizes(self.task, source)
        image = compile_program(
            self.module, self.task, machine, sizes=sizes, pipeline=variant.pipeline
        )
        return count_image(image, machine, source).result.totals


def beside_gpu(totals: Totals, machine: Machine, gpu: Gpu) -> Comparison:
    """The GPU's model for the same work."""
    return compare(totals.counters, totals.cycles, totals.energy_fj, machine, gpu)
