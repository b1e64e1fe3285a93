"""Verification by running: after each pass the program is executed and must compute the same.

A copy of the module goes through the same passes at sizes that are quick to execute; time and
batch are open in the IR, so that nothing but `steps` and `batch` differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from spikeloom.backend.machine.description import Machine
from spikeloom.diagnostics import Diagnostic, DiagnosticError
from spikeloom.dialects import bptt, snn
from spikeloom.dialects.locations import location_of
from spikeloom.dialects.number_text import count
from spikeloom.dialects.shape_inference import infer_network_shapes
from spikeloom.passes.expand_bptt import ExpandBpttPass
from spikeloom.verification.comparison import disagreements
from spikeloom.verification.execution import Executor
from spikeloom.verification.meaning import Meaning
from spikeloom.verification.sizes import Sizes

SIZES = (Sizes(3, 2), Sizes(2, 1), Sizes(1, 1))
"""Sizes that are tried where the user gives none: the first at which executing is quick."""

Apply = Callable[[ModulePass, ModuleOp], None]
"""Applies a pass as the driver does."""


class PipelineVerifier:
    """Executes a copy of `module` now and after every pass.

    Args:
        passes: the pipeline that the module will go through.
        machine: loads the machine that programs are executed on.
        sizes: what is executed; chosen so that it is quick when not given.

    Raises:
        DiagnosticError: E0602, the module cannot be executed at these sizes.
    """

    def __init__(
        self,
        module: ModuleOp,
        passes: Iterable[ModulePass],
        machine: Callable[[], Machine],
        sizes: Sizes | None = None,
    ):
        # A network that is trained normalizes by other statistics than one that only runs.
        expansions = [each for each in passes if isinstance(each, ExpandBpttPass)]
        training = all(each.training for each in expansions)
        self._passes = self._values = 0
        for index, candidate in enumerate(SIZES if sizes is None else [sizes]):
            self.sizes = candidate
            self._copy = _resized(module, candidate)
            self._executor = Executor(machine, candidate, training=training)
            try:
                self._before = self._executed()
                return
            except DiagnosticError:
                if sizes is not None or index + 1 == len(SIZES):
                    raise

    @property
    def summary(self) -> str:
        """What was verified, in a line."""
        steps, batch = self.sizes.steps, self.sizes.batch
        return (
            f"verified by running: {self._passes} passes change none of {self._values} values "
            f"(steps {steps}, batch {batch})"
        )

    def after(self, current: ModulePass, apply: Apply) -> None:
        """Applies a pass to the copy and compares.

        Raises:
            DiagnosticError: E0601, the program computes something else now; one diagnostic for
                each value. E0602, it cannot be executed.
        """
        if isinstance(current, ExpandBpttPass):
            current = replace(current, steps=self.sizes.steps, batch=self.sizes.batch)
        apply(current, self._copy)
        after = self._executed()
        problems: list[Diagnostic] = []
        for name, before in self._before.items():
            if name not in after:
                words = f"the pass `{current.name}` removes @{name}"
                problems.append(Diagnostic("E0601", words, location_of(self._copy)))
                continue
            problems += self._compare(name, current.name, before, after[name])
        if problems:
            raise DiagnosticError(*problems)
        self._passes += 1
        self._before = after

    def _compare(self, name: str, by: str, before: Meaning, after: Meaning) -> list[Diagnostic]:
        known = self._executor.known(name)
        start, rounding = ({}, {}) if known is None else (known.draw.parameters, known.rounding)
        self._values += len(after.values)
        return [
            Diagnostic("E0601", f"the pass `{by}` changes what @{name} computes: {found.words}")
            for found in disagreements(before, after, start, rounding)
        ]

    def _executed(self) -> dict[str, Meaning]:
        """What the copy computes; shapes that are still open are inferred for that."""
        module = self._copy
        if any(isinstance(op, snn.NetworkOp) for op in module.ops):
            module = module.clone()
            for op in module.ops:
                if isinstance(op, snn.NetworkOp):
                    infer_network_shapes(op)
        return self._executor(module)


def _resized(module: ModuleOp, sizes: Sizes) -> ModuleOp:
    copy = module.clone()
    for op in copy.ops:
        if isinstance(op, bptt.StepOp):
            op.steps, op.batch = count(sizes.steps), count(sizes.batch)
    return copy
