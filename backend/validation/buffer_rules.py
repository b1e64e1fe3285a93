"""Buffers: they fit into their memories, and those in DRAM lie apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.stream.records import Buffer
from spikeloom.backend.validation.violation import Violation, spell_text
from spikeloom.dialects.instruction_set import BUFFER_ALIGNMENT

DRAM = "dram"
MAX_DRAM_BYTES = 2**40
MAX_ON_CHIP_BYTES = 2**31 - 1
"""Whatever the machine has: the kernels reach on-chip rows by 32-bit distances."""


def check_buffers(buffers: Sequence[Buffer], memories: Mapping[str, int]) -> Iterator[Violation]:
    """The rules that the buffers of a well-formed stream break; `memories` in bytes by name."""
    roles: dict[tuple[str, str], Buffer] = {}
    for buffer in buffers:
        yield from _check_place(buffer, memories)
        if buffer.role == ("", ""):
            continue
        other = roles.setdefault(buffer.role, buffer)
        if other is not buffer:
            kind, subject = buffer.role
            yield Violation(
                f"buffers {spell_text(other.name)} and {spell_text(buffer.name)} have the same"
                f" role {spell_text(kind)} {spell_text(subject)}"
            )
    yield from _check_dram_overlaps(buffers)


def overlap(first: Buffer, second: Buffer) -> bool:
    """Whether two buffers have bytes of a memory in common."""
    same = first.memory == second.memory
    return same and first.offset < second.end and second.offset < first.end


def overlapping(buffers: Sequence[Buffer], limit: int) -> NDArray[np.int64] | None:
    """All pairs [pairs, 2] of on-chip buffers with bytes in common; None when over `limit`."""
    pairs, found = [np.zeros((0, 2), np.int64)], 0
    for memory in sorted({buffer.memory for buffer in buffers} - {DRAM}):
        inside = [buffer for buffer in buffers if buffer.memory == memory]
        inside.sort(key=lambda buffer: buffer.offset)
        rows = np.array([(b.index, b.offset, b.end) for b in inside], np.int64)
        numbers, starts, ends = (np.ascontiguousarray(column) for column in rows.T)
        # Whoever starts behind a buffer's start and before its end overlaps it.
        first = np.arange(1, len(inside) + 1)
        counts: NDArray[np.int64] = np.searchsorted(starts, ends) - first
        found += int(counts.sum())
        if found > limit:
            return None
        skipped = np.repeat(np.cumsum(counts) - counts, counts)
        others = np.arange(len(skipped)) - skipped + np.repeat(first, counts)
        pairs.append(np.stack([np.repeat(numbers, counts), numbers[others]], axis=1))
    return np.concatenate(pairs)


def _check_place(buffer: Buffer, memories: Mapping[str, int]) -> Iterator[Violation]:
    label = f"buffer {spell_text(buffer.name)}"
    if buffer.offset < 0 or buffer.offset % BUFFER_ALIGNMENT:
        yield Violation(
            f"{label} starts at byte {buffer.offset}, not at a multiple of {BUFFER_ALIGNMENT}"
        )
    if buffer.memory == DRAM and buffer.copies > 1:
        yield Violation(f"{label} has {buffer.copies} copies; only an on-chip buffer may have them")
    most = MAX_DRAM_BYTES if buffer.memory == DRAM else MAX_ON_CHIP_BYTES
    absent = most if buffer.memory == DRAM else 0
    limit = min(memories.get(buffer.memory, absent), most)
    if buffer.end > limit:
        yield Violation(
            f"{label} ends at byte {buffer.end} of {buffer.memory}, which has {limit} bytes"
        )


def _check_dram_overlaps(buffers: Sequence[Buffer]) -> Iterator[Violation]:
    in_dram = [buffer for buffer in buffers if buffer.memory == DRAM]
    in_dram.sort(key=lambda buffer: buffer.offset)
    furthest: Buffer | None = None
    for buffer in in_dram:
        if furthest is not None and overlap(furthest, buffer):
            yield Violation(
                f"buffers {spell_text(furthest.name)} and {spell_text(buffer.name)} overlap in"
                f" dram: one ends at byte {furthest.end}, the other starts at {buffer.offset}"
            )
        if furthest is None or buffer.end > furthest.end:
            furthest = buffer
