"""The gate before the machine: only what passes here is executed.

The interpreter's kernels check nothing, so everything that could go wrong is excluded here:
every address of every iteration in bounds, every cell written before it is read, every loop
bounded, no integer accumulator out of range. The rules are in `spikeloom.backend.validation`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass, replace
from typing import Final

from spikeloom.backend.stream.records import Buffer, Record, buffers, records
from spikeloom.backend.stream.stream import Stream
from spikeloom.backend.validation.buffer_rules import check_buffers
from spikeloom.backend.validation.counter_rules import check_counters
from spikeloom.backend.validation.instruction_rules import check_instruction
from spikeloom.backend.validation.loop_rules import Nest, place
from spikeloom.backend.validation.number_rules import check_numbers
from spikeloom.backend.validation.shape_rules import check_shapes
from spikeloom.backend.validation.table_rules import check_tables
from spikeloom.backend.validation.violation import MAX_REPORTED, Violation, violations_error
from spikeloom.backend.validation.well_formed import check_well_formed
from spikeloom.backend.validation.written_before_read import check_written_before_read
from spikeloom.dialects.instruction_set import TRAINING_ENGINES, Engine
from spikeloom.garbage import garbage_collection_paused

_TOKEN: Final = object()


@dataclass(frozen=True, eq=False)
class ValidatedStream:
    """A stream that obeys every rule of a machine. Only `validate` makes one.

    Attributes:
        stream: the stream; its arrays are copies that cannot be written to.
        memories: bytes of every memory that it was validated for, by name.
        buffers: its buffers as objects.
        engines: those that it may use.
        executions: how often each record runs in one run of the stream.
        dynamic_instructions: instructions that one run executes, loop records not counted.
    """

    stream: Stream
    memories: tuple[tuple[str, int], ...]
    buffers: tuple[Buffer, ...]
    engines: tuple[Engine, ...]
    executions: tuple[int, ...]
    dynamic_instructions: int
    _token: InitVar[object]

    def __post_init__(self, _token: object) -> None:
        # Not a field: `dataclasses.replace` cannot carry it over to another stream.
        if _token is not _TOKEN:
            raise TypeError(
                "only spikeloom.backend.validation.validator.validate makes a ValidatedStream"
            )


@garbage_collection_paused()
def validate(
    stream: Stream,
    memories: Mapping[str, int],
    engines: Sequence[Engine] = TRAINING_ENGINES,
) -> ValidatedStream:
    """Checks a stream against every rule of a machine with these memories (bytes by name).

    The machine has these `engines`: all of a training machine unless told otherwise.

    Raises a `DiagnosticError` (E0304) with up to ten violations. Each names the instruction,
    its line in the assembly and in the program, the limit and the value. Rules that build on
    each other are checked in stages; a stage that finds something is the last one.
    """
    stream = _frozen(stream)
    if found := check_well_formed(stream):
        raise violations_error(stream, found)
    all_records = tuple(records(stream))
    all_buffers = buffers(stream)
    nest, found = place(all_records)
    found += check_buffers(all_buffers, memories)
    found += _check_instructions(nest, all_buffers, engines)
    if not found:
        found = _check_whole(all_records, nest, all_buffers)
    if found:
        raise violations_error(stream, found)
    return ValidatedStream(
        stream,
        tuple(sorted(memories.items())),
        all_buffers,
        tuple(engines),
        nest.executions,
        nest.instructions,
        _TOKEN,
    )


def _check_instructions(
    nest: Nest, all_buffers: tuple[Buffer, ...], engines: Sequence[Engine]
) -> list[Violation]:
    found: list[Violation] = []
    for placed in nest.placed:
        found += check_instruction(placed, all_buffers, engines)
        broken = list(check_numbers(placed.instruction))
        found += broken or check_shapes(placed)
        found += check_tables(placed)
        if len(found) >= MAX_REPORTED:
            break
    return found


def _check_whole(
    all_records: tuple[Record, ...], nest: Nest, all_buffers: tuple[Buffer, ...]
) -> list[Violation]:
    """The rules about the course of a whole run."""
    found = list(check_counters(nest.placed, all_buffers))
    return found or check_written_before_read(all_records, nest.placed, all_buffers)


def _frozen(stream: Stream) -> Stream:
    """The stream with arrays of its own that nobody can change after they were checked."""
    copies = (stream.buffers.copy(), stream.instructions.copy())
    for array in copies:
        array.flags.writeable = False
    return replace(stream, buffers=copies[0], instructions=copies[1])
