"""The graphs of all loops of a stream."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from spikeloom.backend.dataflow.loop_graph import LoopGraph, loop_graph
from spikeloom.backend.dataflow.loops import Loop, loops_of
from spikeloom.backend.execution.program import Program, decode
from spikeloom.backend.machine.description import Machine
from spikeloom.backend.stream.stream import Stream


def decoded_of(stream: Stream, machine: Machine) -> Program:
    return decode(stream, machine, np.zeros(len(stream.buffers), np.int64))


def graphs(stream: Stream, machine: Machine) -> Iterator[tuple[Loop, LoopGraph]]:
    """All loops that run more than once."""
    decoded, rate = decoded_of(stream, machine), machine.clock.issue_rate.value
    for loop in loops_of(decoded):
        if loop.iterations > 1:
            yield loop, loop_graph(stream, decoded, loop, rate)
