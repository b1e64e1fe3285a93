"""Counting mode: the clock and the counters of a stream without its data.

The same validated stream is walked as by the interpreter, but no memory is allocated and no kernel
runs. What kernels would have counted comes from the statistics of a run, and then everything
equals that run to the integer, or is expected from densities.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.accounts.identities import IdentityError, check_identities
from spikeloom.backend.accounts.quantities import QUANTITIES
from spikeloom.backend.accounts.results import ENGINES, Owners, RunResult
from spikeloom.backend.counting.data_counts import DATA_COUNTS, NOTHING
from spikeloom.backend.counting.densities import Densities
from spikeloom.backend.counting.density_trace import DensityTrace, Span
from spikeloom.backend.counting.expected_counts import (
    CARRY_COLUMNS,
    EVENTS_ROLE,
    MASK_ROLE,
    NO_ROLE,
    PRODUCTS_ROLE,
    RULE_COLUMNS,
    TALLY,
)
from spikeloom.backend.execution.clock import ClockState, clock_at_zero
from spikeloom.backend.execution.program import Program, decode, spec_of
from spikeloom.backend.kernels.operands import BOX_COLUMNS, COUNTS
from spikeloom.backend.machine.description import Machine
from spikeloom.backend.stream.records import records
from spikeloom.backend.stream.stream import MAX_LOOP_DEPTH, OPCODE_END, Stream
from spikeloom.backend.validation.loop_rules import place
from spikeloom.backend.validation.validator import ValidatedStream
from spikeloom.dialects.instruction_set import MAX_AXES, MAX_ROLES

if TYPE_CHECKING:
    from spikeloom.backend.counting.walk import Locals, Tables


class UnfitStatistics(Exception):
    """Statistics that no run of the stream can have written; the text says why."""


class Counter:
    """Counts one stream on a machine; takes memory for its records only."""

    def __init__(self, validated: ValidatedStream, machine: Machine):
        self._validated = validated
        self._machine = machine
        stream = validated.stream
        # There are no buffers, hence no addresses.
        self._program = decode(stream, machine, np.zeros(len(stream.buffers), np.int64))
        self._owners = Owners.of(stream)

    def count_with_statistics(self, statistics: NDArray[np.int64]) -> RunResult:
        """The result of the run that wrote these statistics [executed instructions, COUNTS].

        Raises:
            UnfitStatistics: they are of another stream, or no run can have counted them.
        """
        from spikeloom.backend.counting.walk import walk_with_statistics

        executed = self._validated.dynamic_instructions
        if statistics.shape != (executed, COUNTS):
            expected = f"{executed} instructions and {COUNTS} counts each"
            rows, columns = statistics.shape
            raise UnfitStatistics(f"they have {rows} rows of {columns} counts, not {expected}")
        state = self._state()
        rates = (self._machine.clock.issue_rate.value, int(self._program.serial))
        if walk_with_statistics(*state, statistics, *rates) != executed:
            raise UnfitStatistics("an instruction counted more than it can have worked on")
        try:
            return self._result(*state[2:])
        except IdentityError as broken:
            raise UnfitStatistics(f"no run can have counted them: {broken}") from None

    def count_with_densities(
        self, densities: Densities, written: Mapping[int, tuple[Span, ...]] | None = None
    ) -> RunResult:
        """What a run is expected to give with these densities; `backend.data_counts` says how.

        `written` says, per input buffer that the host fills in part, which cells it fills.

        Raises:
            IdentityError: a conservation law is broken (an error of the counter).
        """
        from spikeloom.backend.counting.walk import walk_with_densities

        stream = self._validated.stream
        nest, _ = place(records(stream))
        trace = DensityTrace(
            len(stream.instructions), nest.placed, self._validated.buffers, densities, written or {}
        )
        carries = np.zeros((len(stream.instructions), CARRY_COLUMNS))
        state = self._state()
        rates = (self._machine.clock.issue_rate.value, int(self._program.serial))
        walk_with_densities(*state, _rules(stream), trace.found, carries, *rates)
        return self._result(*state[2:])

    def _state(self) -> tuple[Tables, Locals, ClockState, NDArray[np.int64]]:
        """The program's tables, what the walk writes to, the clock at cycle 0, and counts."""
        program: Program = self._program
        local = (
            np.zeros((MAX_LOOP_DEPTH, 2), np.int64),
            np.zeros((MAX_ROLES, BOX_COLUMNS), np.int64),
            np.zeros(MAX_AXES, np.int64),
            np.zeros(COUNTS, np.int64),
        )
        tables = (program.record, program.extent, program.operand, program.immediate)
        counts = np.zeros((len(program.record), QUANTITIES), np.int64)
        return tables, local, clock_at_zero(program.segments), counts

    def _result(self, clock: ClockState, counts: NDArray[np.int64]) -> RunResult:
        engine_free = clock[0][: len(ENGINES)]
        elapsed = int(engine_free.max())
        result = RunResult(self._machine, self._owners, counts, elapsed - engine_free, elapsed)
        check_identities(result)
        return result


def _rules(stream: Stream) -> NDArray[np.int64]:
    """`DATA_COUNTS` of every record, as `expected_counts` reads it."""
    found = np.full((len(stream.instructions), RULE_COLUMNS), NO_ROLE, np.int64)
    opcodes: list[int] = stream.instructions["opcode"].tolist()
    for index, opcode in enumerate(opcodes):
        if opcode <= OPCODE_END:
            continue
        spec = spec_of(opcode)
        names = [role.name for role in spec.roles]
        counts = DATA_COUNTS.get(spec.name, NOTHING)
        if counts.events:
            found[index, EVENTS_ROLE] = names.index(counts.events)
        if counts.products is not None:
            roles = [names.index(name) for name in counts.products]
            found[index, [PRODUCTS_ROLE, MASK_ROLE]] = roles
        for number, tally in enumerate(counts.tallies):
            found[index, TALLY + 2 * number :][:2] = tally.column, names.index(tally.role)
    return found
