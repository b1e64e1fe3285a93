"""Streams whose service times depend on data, told not to."""

from __future__ import annotations

from dataclasses import replace

from spikeloom.backend.stream.stream import Stream
from spikeloom.dialects.instruction_set import OPCODES


def without_sparsity(stream: Stream) -> Stream:
    """The stream with every instruction told to work on what is silent or masked, too."""
    instructions = stream.instructions.copy()
    for name in ("accumulate", "correlate_spikes"):
        instructions["immediate"][instructions["opcode"] == OPCODES[name], 6] = 1
    products = instructions["opcode"] == OPCODES["backpropagate"]
    instructions["immediate"][products, 6:8] = 0
    return replace(stream, instructions=instructions)
