"""A second model of time: a plain discrete-event simulation of engines with queues.

Instructions are issued to their engine's queue at a fixed rate, or (in a serial stream) each when
the one before it has finished. An engine starts the head of its queue as soon as every instruction
that it depends on has finished. It shares no code with the interpreter's clock: dependences are
lists of instructions, found by looking at each block of 64 bytes that an operand lies in; time is a
heap of events, and stalls are classified cycle by cycle.
"""

from __future__ import annotations

import heapq
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil, prod

import numpy as np
from reference_machine import Executed

from spikeloom.backend.machine.description import Machine, SparseEngine, TableEngine
from spikeloom.backend.stream.stream import ELEMENTS, Stream
from spikeloom.dialects.instruction_set import MEMORIES, Element, Engine


@dataclass
class Job:
    """A dynamic instruction with what it waits for."""

    engine: Engine
    service: int
    issue: int
    producers: set[int] = field(default_factory=set)
    occupants: set[int] = field(default_factory=set)
    start: int = -1
    finish: int = -1


NO_FACTORS = ("input_positions", "cells", "left_units", "right_units", "table_groups", "entries")
"""Axes that say how long a box is, but not how much work there is."""


def worked_cells(instruction: Executed) -> int:
    """Cells that an instruction works on: for a pool, those of every window."""
    factors = [n for axis, n in instruction.axes.items() if axis not in NO_FACTORS]
    return prod(factors) * int(instruction.immediates.get("kernel", 1)) ** 2


def service_cycles(
    instruction: Executed, events: np.ndarray, machine: Machine, stream: Stream
) -> int:
    """Service time from the machine's description."""
    spec, axes = instruction.spec, instruction.axes
    if spec.engine.value.startswith("dma"):
        element = ELEMENTS[stream.buffers["element"][instruction.buffers["target"]]]
        *outer, features = [axes[a] for a in spec.writes[0].dims]
        row = ceil(features / 8) if element is Element.BIT else 4 * features
        share = getattr(machine.dram.queues, spec.engine.value).value
        return machine.dram.latency.value + ceil(prod(outer) * row / share)
    unit = getattr(machine.engines, spec.engine.value)
    cells = worked_cells(instruction)
    if spec.engine in (Engine.NEURON, Engine.LOSS, Engine.OPTIMIZER):
        return unit.latency.value + ceil(cells / unit.lanes.value)
    if spec.name == "backpropagate":
        return unit.latency.value + slowest_multipliers(events == 0, unit)
    if "entries" in axes:
        return unit.latency.value + _table_cycles(instruction, unit)
    rows = axes["steps"] * axes["samples"] * axes["positions"]
    into, out = axes.get("inputs", 1), axes["outputs"]
    into *= axes.get("taps", 1)
    columns = ceil(out / unit.output_lanes.value)
    if instruction.immediates.get("dense") == 0:
        passes = sum(ceil(int(n) / unit.input_lanes.value) for n in events)
        return unit.latency.value + passes * columns
    return unit.latency.value + rows * ceil(into / unit.input_lanes.value) * columns


def slowest_multipliers(issued: np.ndarray, unit: SparseEngine) -> int:
    """Cycles for the products that are `issued`, (rows, taps, outputs, inputs), block by block."""
    _, taps, outputs, inputs = issued.shape
    into = np.arange(taps * outputs).reshape(taps, outputs, 1) % unit.input_lanes.value
    out = np.arange(inputs) % unit.output_lanes.value
    multiplier = (into * unit.output_lanes.value + out).ravel()
    depth = unit.queue_rows.value
    blocks = [issued[r : r + depth].sum(axis=0).ravel() for r in range(0, len(issued), depth)]
    return sum(int(np.bincount(multiplier, weights=block).max()) for block in blocks)


def _table_cycles(instruction: Executed, unit: TableEngine) -> int:
    axes, spec = instruction.axes, instruction.spec
    width, columns = (
        axes["entries"].bit_length() - 1,
        ceil(axes["outputs"] / unit.output_lanes.value),
    )
    if spec.engine is Engine.FORWARD:
        tables = axes["taps"] * ceil(axes["inputs"] / width)
        uses = prod(axes[a] for a in ("steps", "samples", "positions") if a in axes)
    else:
        tables = ceil(axes["steps"] * axes["samples"] * axes["positions"] / width)
        uses = axes.get("taps", 1) * axes.get("inputs", 1)
    turns = axes["entries"] if spec.name.startswith("build") else uses
    return turns * ceil(tables / unit.input_lanes.value) * columns


class _Places:
    """Where the values of every buffer lie now: the copy that was begun last."""

    def __init__(self, stream: Stream, parts: int):
        self._buffers = stream.buffers
        self._parts = parts
        self._begun = [0] * len(stream.buffers)

    def begin(self, buffer: int) -> None:
        """The next copy takes over."""
        self._begun[buffer] += 1

    def blocks(self, buffer: int, box: tuple[slice, ...]) -> list[tuple[int, int]]:
        """What an operand touches: blocks of 64 bytes of the present copy, or parts in DRAM."""
        b = self._buffers[buffer]
        if MEMORIES[b["memory"]] == "dram":
            dimension = 1 if b["shape"][1] > 1 else 2
            length = int(b["shape"][dimension])
            cells = range(box[dimension].start, box[dimension].stop)
            size = next(2**n for n in range(32) if 2**n * self._parts >= length)
            return [(-1 - buffer, part) for part in sorted({c // size for c in cells})]
        turn = self._begun[buffer] % int(b["copies"])
        first = (int(b["offset"]) + turn * int(b["bytes"])) // 64
        return [(int(b["memory"]), first + i) for i in range(int(b["bytes"]) // 64)]


def jobs_of(
    stream: Stream, executed: Sequence[Executed], services: Sequence[int], machine: Machine
) -> list[Job]:
    """Jobs in program order with the jobs each of them waits for."""
    places = _Places(stream, machine.dram.watched_parts.value)
    rate = machine.clock.issue_rate.value
    writer: dict[tuple[int, int], int] = {}
    readers: dict[tuple[int, int], list[int]] = defaultdict(list)
    jobs: list[Job] = []
    for number, (instruction, service) in enumerate(zip(executed, services, strict=True)):
        job = Job(instruction.spec.engine, service, number // rate)
        present = instruction.buffers
        written = [r.name for r in instruction.spec.writes if r.name in present]
        updated = [r.name for r in instruction.spec.writes if r.updates]
        read = [r.name for r in instruction.spec.reads] + updated
        boxes = instruction.boxes
        sources = {
            block
            for name in read
            if name in present
            for block in places.blocks(present[name], boxes[name])
        }
        for name in written:
            if name not in updated and not any(s.start for s in boxes[name]):
                places.begin(present[name])
        targets = {block for name in written for block in places.blocks(present[name], boxes[name])}
        job.producers = {writer[block] for block in sources if block in writer}
        job.occupants = {writer[block] for block in targets if block in writer}
        job.occupants = job.occupants.union(*(readers[block] for block in targets))
        for block in sources:
            readers[block].append(number)
        for block in targets:
            writer[block] = number
            readers[block] = [number] if block in sources else []
        jobs.append(job)
    return jobs


def one_by_one(jobs: list[Job]) -> None:
    """Fills in when each job starts and finishes in a serial stream."""
    now = 0
    for job in jobs:
        job.issue = job.start = now
        now = job.finish = now + job.service


def simulate(jobs: list[Job]) -> None:
    """Fills in when each job starts and finishes."""
    queues: dict[Engine, deque[int]] = defaultdict(deque)
    busy: set[Engine] = set()
    done: set[int] = set()
    events = [(job.issue, 0, number) for number, job in enumerate(jobs)]
    heapq.heapify(events)
    while events:
        now = events[0][0]
        while events and events[0][0] == now:
            _, kind, number = heapq.heappop(events)
            if kind == 0:
                queues[jobs[number].engine].append(number)
            else:
                busy.discard(jobs[number].engine)
                done.add(number)
        for engine, queue in queues.items():
            if engine in busy or not queue:
                continue
            job = jobs[queue[0]]
            if job.producers | job.occupants <= done:
                job.start, job.finish = now, now + job.service
                heapq.heappush(events, (job.finish, 1, queue.popleft()))
                busy.add(engine)


def states(jobs: list[Job]) -> dict[Engine, dict[str, int]]:
    """Cycles of each engine in each state, classified one by one."""
    elapsed = max((job.finish for job in jobs), default=0)
    found: dict[Engine, dict[str, int]] = {engine: defaultdict(int) for engine in Engine}
    for engine in Engine:
        free = 0
        for job in (j for j in jobs if j.engine is engine):
            for cycle in range(free, job.start):
                found[engine][_why(job, jobs, cycle)] += 1
            found[engine]["cycles_active"] += job.service
            free = job.finish
        found[engine]["cycles_idle"] = elapsed - free
    return found


def _why(job: Job, jobs: list[Job], cycle: int) -> str:
    if cycle < job.issue:
        return "cycles_waiting_for_issue"
    late = {jobs[p].engine for p in job.producers if jobs[p].finish > cycle}
    for engine in reversed(Engine):
        if engine in late:
            return f"cycles_stalled_on_{engine.value}"
    return "cycles_stalled_on_backpressure"
