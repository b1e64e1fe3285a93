"""From IR to the host's task: what there is to run, on which data, with which parameters."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from enum import Enum

from pydantic import ValidationError
from xdsl.dialects.builtin import ModuleOp

from spikeloom.backend.host.plan import Task, TrainingPlan
from spikeloom.backend.host.task import describe, describe_interface, training_of
from spikeloom.diagnostics import SourceLocation, error
from spikeloom.dialects.bptt import StepOp
from spikeloom.dialects.engine import ProgramOp
from spikeloom.dialects.locations import location_of
from spikeloom.dialects.snn import InterfaceOp, NetworkOp, TrainOp
from spikeloom.dialects.snn.crossbars import CrossbarsOp
from spikeloom.ir_streams import IrStream
from spikeloom.passes.engine.interface import interface_of


class Level(Enum):
    """How far IR has come: a network, a training step, a program of the machine."""

    NETWORK = "snn"
    STEP = "bptt"
    PROGRAM = "engine"


def level_of(module: ModuleOp, path: str) -> Level:
    """The one level of what can be run in the module.

    Raises:
        DiagnosticError: there is nothing to run, or there are several levels (E0209).
    """
    place = SourceLocation(path, 1, 1)
    kinds = {NetworkOp: Level.NETWORK, StepOp: Level.STEP, ProgramOp: Level.PROGRAM}
    if any(isinstance(op, CrossbarsOp) for op in module.ops):
        message = "the IR holds a clustered network, which no training machine runs"
        raise error("E0209", message, place, "`spikeloom map PROGRAM` executes it on crossbars")
    found = {kinds[type(op)]: op.name for op in module.ops if type(op) in kinds}
    if not found:
        message = "the IR holds nothing that can be run"
        raise error("E0209", message, place, "expected snn.network, bptt.step or engine.program")
    if len(found) > 1:
        message = f"the IR holds {' and '.join(found.values())}, of which only one can be run"
        raise error("E0209", message, place, "send all of it through the same passes")
    return next(iter(found))


def task_of_network(module: ModuleOp, path: str) -> Task:
    """The task of IR with one network, whose shapes are known.

    Raises:
        DiagnosticError: a number lies outside its range (E0209), or data do not fit (E0107).
    """
    with _ranges(path):
        return describe(module, path)


def task_of_streams(module: ModuleOp, streams: Sequence[IrStream], path: str) -> Task:
    """The task of IR with steps or programs, all of one network.

    Steps and batch are what the step that trains says, whatever `snn.train` says.

    Raises:
        DiagnosticError: the IR does not say what the host must know, or contradicts itself
            (E0209); data do not fit (E0107).
    """
    interface = _interface(module, streams, path)
    training = _training(module, streams, path)
    with _ranges(path):
        return describe_interface(interface, training, path)


def _interface(module: ModuleOp, streams: Sequence[IrStream], path: str) -> InterfaceOp:
    found = [op for op in module.ops if isinstance(op, InterfaceOp)]
    for each in streams:
        if isinstance(each.op, StepOp):
            interface = interface_of(each.op)
            if interface is None:
                name = each.op.sym_name.data
                message = f"@{name} has no bptt.readout, so that it answers nothing"
                raise error("E0209", message, location_of(each.op))
            found.append(interface)
    if not found:
        message = "there is no snn.interface, which says parameters and shapes of a program"
        help = "lower-to-engine writes it; IR of the levels snn and bptt needs none"
        raise error("E0209", message, SourceLocation(path, 1, 1), help)
    for other in found[1:]:
        if _facts(other) != _facts(found[0]):
            names = [op.network.root_reference.data for op in (found[0], other)]
            message = f"@{names[0]} and @{names[1]} are different networks, and one can be run"
            raise error("E0209", message, location_of(other))
    return found[0]


def _facts(interface: InterfaceOp) -> tuple[object, ...]:
    """What must be the same of all streams; the order of the layers means nothing."""
    parameters = tuple(str(op) for op in interface.parameters)
    layers = frozenset((op.layer.data, op.type) for op in interface.layers)
    return interface.function_type, parameters, layers


def _training(module: ModuleOp, streams: Sequence[IrStream], path: str) -> TrainingPlan | None:
    """How the IR is trained; None where nothing in it trains."""
    steps = {each.steps: each for each in streams}
    if len(steps) > 1:
        names = " and ".join(f"@{each.op.sym_name.data} {n}" for n, each in steps.items())
        message = f"all streams run for the same number of steps, but {names}"
        raise error("E0209", message, SourceLocation(path, 1, 1))
    training = [each for each in streams if each.kind == "train"]
    if not training:
        return None
    trains = [op for op in module.ops if isinstance(op, TrainOp)]
    if len(trains) != 1:
        found = "no snn.train says" if not trains else f"{len(trains)} snn.train say"
        message = f"@{training[0].op.sym_name.data} trains, but {found} on which data"
        help = "keep the one that expand-bptt leaves beside the step"
        raise error("E0209", message, location_of(training[0].op), help)
    batch = max(each.batch for each in training)
    with _ranges(path):
        plan = training_of(trains[0])
    return plan.model_copy(update={"steps": training[0].steps, "batch": batch})


@contextmanager
def _ranges(path: str) -> Generator[None]:
    """The ranges of the host's plan hold for IR, too; a text keeps them from the start."""
    try:
        yield
    except ValidationError as problems:
        first = problems.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        message = f"`{field}` of the network is not valid: {first['msg']}"
        raise error("E0209", message, SourceLocation(path, 1, 1)) from None
