"""The interpreter: executes a validated stream, learns for real, counts every cycle and joule."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.arena import Arena
from spikeloom.backend.clock import ClockState, clock_at_zero
from spikeloom.backend.identities import check_identities
from spikeloom.backend.kernels.barrier import ABORTED, CONTROL_CELLS
from spikeloom.backend.kernels.compile import Progress, compile_registered
from spikeloom.backend.kernels.operands import BOX_COLUMNS, COUNTS, RATES, scratch_bytes
from spikeloom.backend.machine import Machine
from spikeloom.backend.program import Program, decode, widest_image
from spikeloom.backend.quantities import QUANTITIES
from spikeloom.backend.results import Owners, RunResult
from spikeloom.backend.stream import MAX_LOOP_DEPTH
from spikeloom.backend.validator import ValidatedStream
from spikeloom.backend.walk import Locals, walk
from spikeloom.dialects.instruction_set import MAX_AXES, MAX_IMMEDIATES


def prepare_kernels(progress: Progress | None = None) -> None:
    """Compiles all kernels, or loads them from the user's cache, before the first run.

    `progress(ready, total, name)` is called before each function, and at the end.
    """
    # The validator's compiled loop, which it imports only where a stream is validated.
    import_module("spikeloom.backend.validation.abstract_execution")
    compile_registered(progress)


class Interpreter:
    """Executes one stream, again and again, on memory of its own.

    Results, counts and cycles do not depend on `threads`.
    """

    def __init__(self, validated: ValidatedStream, machine: Machine, threads: int = 1):
        prepare_kernels()
        stream = validated.stream
        self._machine = machine
        self._threads = max(1, threads)
        self._arena = Arena(stream)
        self._program = decode(stream, machine, self._arena.addresses)
        self._owners = Owners.of(stream)
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

    def run(self, statistics: NDArray[np.int64] | None = None) -> RunResult:
        """Executes the stream once, from cycle 0, and checks every conservation law.

        `statistics` [executed instructions, COUNTS] are filled with what each of them counted.

        Raises:
            IdentityError: a law is broken (an error of the interpreter).
        """
        clock = clock_at_zero(self._program.segments)
        counts = np.zeros((len(self._program.record), QUANTITIES), np.int64)
        counted = np.zeros((2, self._threads, COUNTS), np.int64)
        control = np.zeros(CONTROL_CELLS, np.int64)
        rows = np.zeros((0, COUNTS), np.int64) if statistics is None else statistics

        def part(thread: int) -> int:
            space = self._workspaces[thread]
            shared = (counted, rows, control)
            return _walk(self._program, self._machine, space, (clock, counts), shared, thread)

        self._run_together(part, control)
        engine_free = clock[0]
        elapsed = int(engine_free.max())
        result = RunResult(self._machine, self._owners, counts, elapsed - engine_free, elapsed)
        check_identities(result)
        return result

    def _run_together(self, part: Callable[[int], int], control: NDArray[np.int64]) -> None:
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
    machine: Machine,
    space: _Workspace,
    clock: tuple[ClockState, NDArray[np.int64]],
    shared: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
    thread: int,
) -> int:
    counted, statistics, control = shared
    tables = (program.record, program.extent, program.operand, program.immediate)
    return walk(
        tables,
        space.local,
        *clock,
        counted,
        statistics,
        machine.clock.issue_rate.value,
        int(program.serial),
        space.scratch.ctypes.data,
        control.ctypes.data,
        thread,
        counted.shape[1],
    )
