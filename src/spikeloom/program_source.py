"""What `run` and `compile` are given: a program, or IR of any level on the way to the machine."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.builtin import ModuleOp

from spikeloom.backend.host.dataset import Dataset
from spikeloom.backend.host.plan import StreamKind, Task
from spikeloom.backend.host.task import describe
from spikeloom.backend.machine.description import Machine
from spikeloom.compiler import machine_operation
from spikeloom.diagnostics import Diagnostic, Severity, SourceLocation, error
from spikeloom.dialects.engine import MachineOp
from spikeloom.dialects.snn import TrainOp
from spikeloom.ir_file import complete_network, is_ir, read_module
from spikeloom.ir_streams import IrStream, IrStreams, streams_of
from spikeloom.ir_task import Level, level_of, task_of_network, task_of_streams
from spikeloom.terminal import show


@dataclass(frozen=True, eq=False)
class ProgramSource:
    """A program with everything that compiling and running it takes.

    Attributes:
        module: the verified module.
        level: of the module.
        task: what the host knows of it; without training where nothing in the IR trains.
        streams: what IR below the level of the network holds.
    """

    path: str
    module: ModuleOp
    level: Level
    task: Task
    streams: tuple[IrStream, ...] = ()

    def stream_module(self, kind: StreamKind, *, steps: int, batch: int) -> ModuleOp:
        """The module of one stream; a `compiler.StreamModule`.

        Raises:
            DiagnosticError: the IR holds no such stream (E0209).
        """
        if self.level is Level.NETWORK:
            return self.module
        found = IrStreams(self.module, self.path, self.streams)
        return found(kind, steps=steps, batch=batch)

    def require_data(self, *, given: bool) -> None:
        """Refuses IR that says how to train, but does not; `given` data can be run on it.

        Raises:
            DiagnosticError: E0209.
        """
        says_how = any(isinstance(op, TrainOp) for op in self.module.ops)
        if says_how and self.task.training is None and not given:
            message = "the IR says how to train, but nothing in it trains"
            help = "expand-bptt{training=true} makes a step that does; or run it on --data FILE.npz"
            raise error("E0209", message, SourceLocation(self.path, 1, 1), help)

    def testable(self, dataset: Dataset) -> Dataset:
        """The data, without test samples (and with a warning) where there is no stream for them."""
        if self.level is Level.NETWORK or self.task.training is None:
            return dataset
        if any(each.kind == "test" for each in self.streams) or not len(dataset.test):
            return dataset
        message = f"{len(dataset.test)} test samples are left out: nothing in `{self.path}` tests"
        help = "`spikeloom compile PROGRAM -o FILE.mlir` writes IR that trains and tests"
        show(Diagnostic("W0503", message, help=help, severity=Severity.WARNING))
        return dataset.without_test()

    def check_machine(self, machine: Machine) -> None:
        """Refuses IR that was made for another machine than the one that it is to run on.

        Raises:
            DiagnosticError: E0209.
        """
        expected = machine_operation(machine)
        for op in self.module.ops:
            if isinstance(op, MachineOp) and op.properties != expected.properties:
                named = op.sym_name.data
                message = f"the IR was made for another machine, `{named}`, than `{machine.name}`"
                if named == machine.name:
                    message = f"the IR was made for a machine `{named}` with other numbers"
                help = "--machine FILE names its description"
                raise error("E0209", message, SourceLocation(self.path, 1, 1), help)


def read_source(path: str) -> ProgramSource:
    """The program or the IR in a file.

    Raises:
        DiagnosticError: it cannot be read (E0401), is not valid (E01.., E0201, E0202), or does not
            hold what can be run (E0209).
    """
    module = read_module(path)
    if not is_ir(path):
        return ProgramSource(path, module, Level.NETWORK, describe(module, path))
    level = level_of(module, path)
    if level is Level.NETWORK:
        complete_network(module, path)
        return ProgramSource(path, module, level, task_of_network(module, path))
    streams = streams_of(module)
    return ProgramSource(path, module, level, task_of_streams(module, streams, path), streams)
