"""A module, executed: every network, training step and program in it, each on its own draw.

The draw of a network is chosen when the network is met first, and stays the same through all
levels that it goes through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation

from spikeloom.backend.machine.description import Machine
from spikeloom.diagnostics import error
from spikeloom.dialects import bptt, snn
from spikeloom.dialects.engine import ProgramOp
from spikeloom.dialects.locations import location_of
from spikeloom.operation_counts import counts_of_network, counts_of_step
from spikeloom.verification.arrays import Precision
from spikeloom.verification.comparison import Rounding
from spikeloom.verification.decisions import (
    Decide,
    Margins,
    Record,
    by_comparison,
    following,
    is_clear,
    margins_of,
    with_other_masks,
)
from spikeloom.verification.draws import Draw, Signature, draw
from spikeloom.verification.engine_execution import DrawnInputs, RawInputs, execute_program
from spikeloom.verification.meaning import Meaning, ValueName, network_meaning, step_meaning
from spikeloom.verification.network_evaluator import evaluate_network
from spikeloom.verification.rounding import DISTURBANCES, disturbance, rounding_of
from spikeloom.verification.sizes import Sizes
from spikeloom.verification.step_evaluator import Observer, evaluate_step

WORK_LIMIT = 2 * 10**10
"""Multiply-accumulates of one execution; it takes up to half a minute."""

QUICK_WORK = 8 * 10**9
"""The same, where sizes may be chosen so that it is quick."""

FEWER = "give fewer --verify-steps and --verify-batch, or a smaller network"

RAW_SEED = 7

ATTEMPTS = 20
"""Draws among which a clear one is looked for; fewer if they take more than `QUICK_WORK`."""

Evaluate = Callable[[Draw, Precision, Decide], tuple[Meaning, Record]]


@dataclass
class Known:
    """What is kept of a network on its way through the levels.

    Attributes:
        margins: by layer, how near to a comparison rounding decides.
        is_clear: whether no potential comes that near.
        rounding: what single precision does to its values, once it is a training step.
        shapes: of the values that the training step reports.
    """

    draw: Draw
    margins: Margins
    is_clear: bool
    rounding: Rounding = field(default_factory=dict)
    shapes: dict[ValueName, tuple[int, ...]] = field(default_factory=dict)


class Executor:
    """Executes modules; what belongs to one network is known by its name."""

    def __init__(
        self,
        machine: Callable[[], Machine],
        sizes: Sizes,
        *,
        training: bool,
        limit: int = WORK_LIMIT,
    ):
        self._limit = limit
        self._training = training
        self._machine = machine
        self._sizes = sizes
        self._known: dict[str, Known] = {}

    def __call__(self, module: ModuleOp) -> dict[str, Meaning]:
        """What every network of the module computes, by name.

        Raises:
            DiagnosticError: E0602, it cannot be executed in reasonable time.
        """
        meanings: dict[str, Meaning] = {}
        for op in module.ops:
            match op:
                case snn.NetworkOp():
                    meanings[op.sym_name.data] = self._network(op, _train_of(op, module))
                case bptt.StepOp():
                    meanings[op.sym_name.data] = self._step(op)
                case ProgramOp():
                    meanings[op.sym_name.data] = self._program(op)
                case _:
                    pass
        return meanings

    def known(self, name: str) -> Known | None:
        """What is known of a network; None of one that was met as a program only."""
        return self._known.get(name)

    def _network(self, network: snn.NetworkOp, train: snn.TrainOp | None) -> Meaning:
        training = self._training and train is not None
        # Backward pass and weight gradients, which are still to come, take as much each.
        passes = 3 if training else 1
        work = self._work(network, passes * counts_of_network(network).forward)
        signature = Signature.of_network(network, self._sizes.steps, self._sizes.batch)

        def evaluate(draw: Draw, precision: Precision, decide: Decide) -> tuple[Meaning, Record]:
            batch = (draw.parameters, draw.signal, precision)
            frame = evaluate_network(network, *batch, training=training, decide=decide)
            return network_meaning(frame, network, train, draw.labels), frame.fire.record

        return self._on_a_draw(signature, work, evaluate)[0]

    def _step(self, step: bptt.StepOp) -> Meaning:
        work = self._work(step, counts_of_step(step).total)

        def evaluate(
            draw: Draw, precision: Precision, decide: Decide, observer: Observer | None = None
        ) -> tuple[Meaning, Record]:
            batch = (draw.parameters, draw.signal, draw.labels)
            found = evaluate_step(step, *batch, precision, observer, decide)
            return step_meaning(step, found), found.record

        meaning, record = self._on_a_draw(Signature.of_step(step), work, evaluate)
        known = self._known[step.sym_name.data]
        if not known.shapes:
            same = partial(evaluate, known.draw, np.float64, following(record))

            def others() -> Iterator[Meaning]:
                yield meaning
                for seed in range(DISTURBANCES):
                    yield same(disturbance(seed))[0]
                if not known.is_clear:
                    other_masks = with_other_masks(record, known.margins)
                    yield evaluate(known.draw, np.float64, other_masks)[0]

            known.rounding = rounding_of(same()[0], others())
            known.shapes = {name: values.shape for name, values in meaning.values.items()}
        return meaning

    def _work(self, op: Operation, each: int) -> int:
        """Multiply-accumulates of an execution, from those per sample and time step.

        Raises:
            DiagnosticError: E0602, they are too many.
        """
        work = each * self._sizes.steps * self._sizes.batch
        if work > self._limit:
            message = (
                f"verification would execute {work:,} multiply-accumulates in every pass, but "
                f"stops at {self._limit:,}"
            )
            raise error("E0602", message, location_of(op), FEWER)
        return work

    def _on_a_draw(
        self, signature: Signature, work: int, evaluate: Evaluate
    ) -> tuple[Meaning, Record]:
        """Executes on the network's draw: the first clear one, or the last that was tried."""
        name = signature.name
        if name not in self._known:
            for seed in range(max(1, min(ATTEMPTS, QUICK_WORK // max(1, work)))):
                drawn = draw(signature, seed)
                single = evaluate(drawn, np.float32, by_comparison)[1]
                double = evaluate(drawn, np.float64, following(single))[1]
                margins = margins_of(single, double)
                self._known[name] = Known(drawn, margins, is_clear(double, margins))
                if self._known[name].is_clear:
                    break
        drawn = self._known[name].draw
        meaning, record = evaluate(drawn, np.float32, by_comparison)

        def again(decide: Decide) -> Meaning:
            return evaluate(drawn, np.float32, decide)[0]

        return replace(meaning, again=again), record

    def _program(self, program: ProgramOp) -> Meaning:
        known = self._known.get(program.sym_name.data)
        if known is None:
            return execute_program(program, self._machine(), RawInputs(RAW_SEED), {})
        return execute_program(program, self._machine(), DrawnInputs(known.draw), known.shapes)


def _train_of(network: snn.NetworkOp, module: ModuleOp) -> snn.TrainOp | None:
    trains = [op for op in module.ops if isinstance(op, snn.TrainOp)]
    name = network.sym_name.data
    return next((train for train in trains if train.network.root_reference.data == name), None)
