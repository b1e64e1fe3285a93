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
from spikeloom.verification.decisions import Adopting
from spikeloom.verification.execution import QUICK_WORK, WORK_LIMIT, Executor, Known
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
        self._passes = self._values = self._adopted = 0
        candidates = SIZES if sizes is None else (sizes,)
        for candidate in candidates:
            is_last = candidate is candidates[-1]
            limit = WORK_LIMIT if is_last else QUICK_WORK
            self.sizes = candidate
            self._copy = _resized(module, candidate)
            self._executor = Executor(machine, candidate, training=training, limit=limit)
            try:
                self._before = self._executed()
                return
            except DiagnosticError:
                if is_last:
                    raise

    @property
    def summary(self) -> str:
        """What was verified, in a line."""
        steps, batch = self.sizes.steps, self.sizes.batch
        return (
            f"verified by running: {self._passes} passes change none of {self._values} values "
            f"(steps {steps}, batch {batch})"
        ) + self._decided_by_rounding

    @property
    def _decided_by_rounding(self) -> str:
        if not self._adopted:
            return ""
        spikes = "1 spike" if self._adopted == 1 else f"{self._adopted} spikes"
        return f"; rounding decides about {spikes}, which the later level settles"

    def after(self, current: ModulePass, apply: Apply) -> None:
        """Applies a pass to the copy and compares; what stays as it was is not executed again.

        Raises:
            DiagnosticError: E0601, the program computes something else now; one diagnostic for
                each value. E0602, it cannot be executed.
        """
        if isinstance(current, ExpandBpttPass):
            current = replace(current, steps=self.sizes.steps, batch=self.sizes.batch)
        unchanged = self._copy.clone()
        apply(current, self._copy)
        self._passes += 1
        if self._copy.is_structurally_equivalent(unchanged):
            self._values += sum(len(meaning.values) for meaning in self._before.values())
            return
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
        self._before = after

    def _compare(self, name: str, by: str, before: Meaning, after: Meaning) -> list[Diagnostic]:
        known = self._executor.known(name)
        start, rounding = ({}, {}) if known is None else (known.draw.parameters, known.rounding)
        self._values += len(after.values)
        found = list(disagreements(before, after, start, rounding))
        if found and known is not None and before.level is not after.level:
            decided = self._decided_as(after, before, known)
            found = list(disagreements(decided, after, start, rounding))
        return [
            Diagnostic("E0601", f"the pass `{by}` changes what @{name} computes: {each.words}")
            for each in found
        ]

    def _decided_as(self, after: Meaning, before: Meaning, known: Known) -> Meaning:
        """`before` with the spikes of `after` where rounding decides about them."""
        if before.again is None:
            return before
        spikes = {name: found for (kind, name), found in after.values.items() if kind == "spikes"}
        adopting = Adopting(spikes, known.margins)
        decided = before.again(adopting)
        self._adopted += adopting.adopted
        return decided

    def _executed(self) -> dict[str, Meaning]:
        """What the copy computes; shapes that are still open are inferred for that."""
        module = self._copy
        if any(isinstance(op, snn.NetworkOp | bptt.StepOp) for op in module.ops):
            # What is compared may be executed again, when passes have changed the copy.
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
