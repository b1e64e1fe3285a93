"""Executes a validated stream on memory of its own and on one clock, for any kind of machine."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.accounts.quantities import QUANTITIES
from spikeloom.backend.execution.arena import Arena
from spikeloom.backend.execution.clock import ClockState, clock_at_zero
from spikeloom.backend.execution.program import (
    INSTRUCTION,
    KERNEL,
    KIND,
    Program,
    Unit,
    decode,
    widest_image,
)
from spikeloom.backend.execution.walk import Locals, walk
from spikeloom.backend.kernels.barrier import ABORTED, CONTROL_CELLS
from spikeloom.backend.kernels.compile import Progress, compile_registered
from spikeloom.backend.kernels.dispatch import kernel_addresses
from spikeloom.backend.kernels.operands import BOX_COLUMNS, COUNTS, RATES, scratch_bytes
from spikeloom.backend.machine.timing import AnyMachine, engines_of, issue_rate
from spikeloom.backend.stream.stream import MAX_LOOP_DEPTH
from spikeloom.backend.validation.validator import ValidatedStream
from spikeloom.dialects.instruction_set import MAX_AXES, MAX_IMMEDIATES

Integers = NDArray[np.int64]


def prepare_kernels(progress: Progress | None = None) -> None:
    """Compiles all kernels, or loads them from the user's cache, before the first run.

    `progress(ready, total, name)` is called before each function, and at the end.
    """
    # The validator's compiled loop, which it imports only where a stream is validated.
    import_module("spikeloom.backend.validation.abstract_execution")
    compile_registered(progress)


@dataclass(frozen=True)
class Course:
    """What passes over a stream did.

    Attributes:
        counts: [records of the stream, quantities].
        units: what worked side by side.
        free: [units], the cycle in which each had finished.
        finishes: of each pass, the cycle in which everything up to it was over.
    """

    counts: Integers
    units: tuple[Unit, ...]
    free: Integers
    finishes: tuple[int, ...]

    @property
    def elapsed(self) -> int:
        """Cycles from the first issue to the last finish."""
        return int(self.free.max())


class StreamExecutor:
    """Executes one stream, again and again, on memory of its own.

    Results, counts and cycles do not depend on `threads`.
    """

    def __init__(self, validated: ValidatedStream, machine: AnyMachine, threads: int = 1):
        prepare_kernels()
        stream = validated.stream
        assert set(validated.engines) == set(engines_of(machine)), "validated for another machine"
        self._issue_rate = issue_rate(machine)
        self._threads = max(1, threads)
        self._arena = Arena(stream)
        self._program = decode(stream, machine, self._arena.addresses)
        _name_by_address(self._program.record)
        self._instructions = validated.dynamic_instructions
        bytes_needed = scratch_bytes(
            int(stream.buffers["shape"].max(initial=1)), widest_image(stream)
        )
        self._workspaces = [_Workspace(bytes_needed) for _ in range(self._threads)]
        self._pool = ThreadPoolExecutor(self._threads - 1) if self._threads > 1 else None

    def write(self, buffer: int, values: NDArray[np.generic]) -> None:
        """Fills a buffer of the stream; `values` has the shape of the buffer, bits as 0 and 1."""
        self._arena.write(buffer, values)

    def read(self, buffer: int) -> NDArray[np.generic]:
        """A copy of a buffer's content in the buffer's shape; bits as uint8."""
        return self._arena.read(buffer)

    def course(
        self,
        passes: int = 1,
        prepare: Callable[[int], None] | None = None,
        statistics: Integers | None = None,
        finishes: Integers | None = None,
    ) -> Course:
        """Executes the stream `passes` times on one clock, from cycle 0.

        Args:
            prepare: called with its number before each pass.
            statistics: [executed instructions, COUNTS], filled with what each of them counted.
            finishes: [executed instructions], filled with the cycle in which each was over, or
                with the latest of a serial stream.
        """
        clock = clock_at_zero(self._program.segments, len(self._program.units))
        counts = np.zeros((len(self._program.record), QUANTITIES), np.int64)
        rows = np.zeros((0, COUNTS), np.int64) if statistics is None else statistics
        ends = np.zeros(0, np.int64) if finishes is None else finishes
        over: list[int] = []
        for number in range(passes):
            if prepare is not None:
                prepare(number)
            self._execute((clock, counts), (rows, ends), number * self._instructions)
            over.append(int(clock[0].max()))
        return Course(counts, self._program.units, clock[0], tuple(over))

    def _execute(
        self,
        clock: tuple[ClockState, Integers],
        recorded: tuple[Integers, Integers],
        issued: int,
    ) -> None:
        """One pass on a clock that has seen `issued` instructions."""
        counted = np.zeros((2, self._threads, COUNTS), np.int64)
        control = np.zeros(CONTROL_CELLS, np.int64)

        def part(thread: int) -> int:
            space = self._workspaces[thread]
            shared = (counted, *recorded, control)
            rate = self._issue_rate
            return _walk(self._program, space, clock, shared, (rate, issued, thread))

        self._run_together(part, control)

    def _run_together(self, part: Callable[[int], int], control: Integers) -> None:
        """Runs every thread's part, the first one here."""
        others: list[Future[int]] = []
        try:
            if self._pool is not None:
                others = [self._pool.submit(part, t) for t in range(1, self._threads)]
            part(0)
        except BaseException:
            # The others would wait for this thread for ever.
            control[ABORTED] = 1
            raise
        for other in others:
            other.result()


def _name_by_address(record: Integers) -> None:
    """Puts the addresses of kernels in the place of their numbers: the walk calls by address."""
    instructions = record[:, KIND] == INSTRUCTION
    numbers = record[instructions, KERNEL]
    record[instructions, KERNEL] = kernel_addresses(np.unique(numbers).tolist())[numbers]


class _Workspace:
    """What one thread writes to besides the arena."""

    def __init__(self, scratch: int):
        self.local: Locals = (
            np.zeros((MAX_LOOP_DEPTH, 2), np.int64),
            np.zeros((RATES + 1, BOX_COLUMNS), np.int64),
            np.zeros(MAX_AXES, np.int64),
            np.zeros(MAX_IMMEDIATES, np.float64),
            np.zeros(COUNTS, np.int64),
        )
        self.scratch = np.zeros(scratch, np.uint8)


def _walk(
    program: Program,
    space: _Workspace,
    clock: tuple[ClockState, Integers],
    shared: tuple[Integers, Integers, Integers, Integers],
    numbers: tuple[int, int, int],
) -> int:
    counted, statistics, finishes, control = shared
    rate, issued, thread = numbers
    tables = (program.record, program.extent, program.operand, program.immediate)
    return walk(
        tables,
        space.local,
        *clock,
        counted,
        statistics,
        finishes,
        rate,
        int(program.serial),
        issued,
        space.scratch.ctypes.data,
        control.ctypes.data,
        thread,
        counted.shape[1],
    )
