"""A module, executed: every network, training step and program in it, each on its own draw.

The draw of a network is chosen when the network is met first, and stays the same through all
levels that it goes through.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation

from spikeloom.backend.machine.description import Machine
from spikeloom.diagnostics import error
from spikeloom.dialects import bptt, snn
from spikeloom.dialects.engine import ProgramOp
from spikeloom.dialects.locations import location_of
from spikeloom.operation_counts import counts_of_network, counts_of_step
from spikeloom.verification.arrays import Closeness, Precision
from spikeloom.verification.comparison import Rounding
from spikeloom.verification.draws import ATTEMPTS, Draw, Signature, draw, is_clear
from spikeloom.verification.engine_execution import DrawnInputs, RawInputs, execute_program
from spikeloom.verification.meaning import Meaning, ValueName, network_meaning, step_meaning
from spikeloom.verification.network_evaluator import evaluate_network
from spikeloom.verification.rounding import rounding_of
from spikeloom.verification.sizes import Sizes
from spikeloom.verification.step_evaluator import Observer, evaluate_step

WORK_LIMIT = 2 * 10**10
"""Multiply-accumulates of one execution, which takes some seconds."""

FEWER = "give fewer --verify-steps and --verify-batch, or a smaller network"

RAW_SEED = 7

Evaluate = Callable[[Draw, Precision], tuple[Meaning, Closeness]]


@dataclass
class Known:
    """What is kept of a network on its way through the levels.

    Attributes:
        rounding: what single precision does to its values, once it is a training step.
        shapes: of the values that the training step reports.
    """

    draw: Draw
    rounding: Rounding = field(default_factory=dict)
    shapes: dict[ValueName, tuple[int, ...]] = field(default_factory=dict)


class Executor:
    """Executes modules; what belongs to one network is known by its name."""

    def __init__(self, machine: Callable[[], Machine], sizes: Sizes, *, training: bool):
        self._training = training
        self._machine = machine
        self._sizes = sizes
        self._known: dict[str, Known] = {}

    def __call__(self, module: ModuleOp) -> dict[str, Meaning]:
        """What every network of the module computes, by name.

        Raises:
            DiagnosticError: E0602, it cannot be executed in reasonable time, or whatever is drawn,
                rounding decides about a spike.
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
        self._check_work(network, passes * counts_of_network(network).forward)
        signature = Signature.of_network(network, self._sizes.steps, self._sizes.batch)

        def evaluate(draw: Draw, precision: Precision) -> tuple[Meaning, Closeness]:
            frame = evaluate_network(
                network, draw.parameters, draw.signal, precision, training=training
            )
            return network_meaning(frame, network, train, draw.labels), frame.closeness

        return self._on_a_clear_draw(network, signature, evaluate)

    def _step(self, step: bptt.StepOp) -> Meaning:
        self._check_work(step, counts_of_step(step).total)

        def evaluate(draw: Draw, precision: Precision) -> tuple[Meaning, Closeness]:
            batch = (draw.parameters, draw.signal, draw.labels)
            found = evaluate_step(step, *batch, precision)
            return step_meaning(step, found), found.closeness

        meaning = self._on_a_clear_draw(step, Signature.of_step(step), evaluate)
        known = self._known[step.sym_name.data]
        if not known.shapes:
            known.rounding = self._rounding(step, known.draw, meaning)
            known.shapes = {name: values.shape for name, values in meaning.values.items()}
        return meaning

    def _rounding(self, step: bptt.StepOp, drawn: Draw, single: Meaning) -> Rounding:
        def evaluate(observer: Observer | None) -> Meaning:
            batch = (drawn.parameters, drawn.signal, drawn.labels)
            return step_meaning(step, evaluate_step(step, *batch, np.float64, observer))

        return rounding_of(single, evaluate(None), evaluate)

    def _check_work(self, op: Operation, each: int) -> None:
        """Refuses to execute what takes `each` multiply-accumulates per sample and time step."""
        work = each * self._sizes.steps * self._sizes.batch
        if work > WORK_LIMIT:
            message = (
                f"verification would execute {work:,} multiply-accumulates in every pass, but "
                f"stops at {WORK_LIMIT:,}"
            )
            raise error("E0602", message, location_of(op), FEWER)

    def _on_a_clear_draw(self, op: Operation, signature: Signature, evaluate: Evaluate) -> Meaning:
        if (known := self._known.get(signature.name)) is not None:
            return evaluate(known.draw, np.float32)[0]
        for seed in range(ATTEMPTS):
            drawn = draw(signature, seed)
            meaning, single = evaluate(drawn, np.float32)
            if is_clear(single, evaluate(drawn, np.float64)[1]):
                self._known[signature.name] = Known(drawn)
                return meaning
        message = (
            f"@{signature.name} cannot be verified by running: in each of {ATTEMPTS} draws "
            "rounding decides about a spike"
        )
        raise error("E0602", message, location_of(op), FEWER)

    def _program(self, program: ProgramOp) -> Meaning:
        known = self._known.get(program.sym_name.data)
        if known is None:
            return execute_program(program, self._machine(), RawInputs(RAW_SEED), {})
        return execute_program(program, self._machine(), DrawnInputs(known.draw), known.shapes)


def _train_of(network: snn.NetworkOp, module: ModuleOp) -> snn.TrainOp | None:
    trains = [op for op in module.ops if isinstance(op, snn.TrainOp)]
    name = network.sym_name.data
    return next((train for train in trains if train.network.root_reference.data == name), None)
