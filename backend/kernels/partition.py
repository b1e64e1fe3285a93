"""Who computes what: threads share the output of an instruction in contiguous parts.

A *block* is up to 64 neighbouring cells of one row: one word of bits. Blocks are numbered row by
row. Two threads never write the same word or vector.
"""

from __future__ import annotations

from spikeloom.backend.kernels.compile import helper

BLOCK = 64


@helper
def share_start(total: int, thread: int, threads: int) -> int:
    """The first of `total` items that belongs to `thread`; `thread + 1` gives the end."""
    return total * thread // threads


@helper
def blocks_of(features: int) -> int:
    """Blocks in a row of so many cells."""
    return (features + 63) // 64
