"""`schedule-engines`: what overlaps, in which order, and what is stored or computed again.

The decisions are attributes on the `bptt` step (`dialects.schedule`), and the order of its
operations; `lower-to-engine` honours them. No option but `tiles` and `groups` changes a result by a
bit: they cut the batch elsewhere, and with it the sums over samples in weight gradients.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr, UnitAttr
from xdsl.ir import Operation
from xdsl.passes import ModulePass

from spikeloom.diagnostics import did_you_mean, error
from spikeloom.dialects import bptt
from spikeloom.dialects.bptt.neurons import FireOp
from spikeloom.dialects.bptt.scan import ScanOp
from spikeloom.dialects.engine import MachineOp
from spikeloom.dialects.instruction_set import Engine
from spikeloom.dialects.schedule import (
    ATTRIBUTES,
    DOUBLE_BUFFERS,
    MODE,
    MODES,
    OVERLAPPED,
    PIPELINED,
    group_of,
    is_recomputed,
    mark_group,
    mark_tiles,
    moves_for_update,
)
from spikeloom.dialects.snn import ParameterOp
from spikeloom.passes.lower_to_engine import fits_in_groups
from spikeloom.passes.schedule.costs import Size, wished_tiles
from spikeloom.passes.schedule.group_room import lies_side_by_side, may_fit
from spikeloom.passes.schedule.groups import (
    can_be_grouped,
    full_group,
    group_sizes,
    small_group_sizes,
)
from spikeloom.passes.schedule.order import let_updates_trail
from spikeloom.passes.schedule.potentials import (
    recomputable,
    recompute,
    recomputing_is_cheaper,
)
from spikeloom.passes.schedule.queues import choose_queues, choose_queues_of_groups

AUTO, OFF, STORED, RECOMPUTED = "auto", "off", "stored", "recomputed"
POTENTIALS = (AUTO, STORED, RECOMPUTED)
OVERLAPPING, LARGEST = "overlapping", "largest"
TILINGS = (OVERLAPPING, LARGEST)
GROUPINGS = (AUTO, OFF)


@dataclass(frozen=True)
class ScheduleEnginesPass(ModulePass):
    """Lets the engines of every `bptt.step` work side by side.

    Options: `mode=serial` runs one instruction at a time; `double_buffers=false` gives every tile
    a single buffer; `potentials=stored` or `recomputed` instead of what costs less by the
    machine's rates; `tiles=largest` instead of tiles that overlap; `groups=off`, or a number of
    samples that go through all layers before the next ones, instead of what costs less. What
    needs rates is left as it is where the module has no machine with rates.

    Raises:
        DiagnosticError: an option has another value than these (E0405).
    """

    name = "schedule-engines"

    mode: Annotated[str, MODES] = PIPELINED
    double_buffers: bool = True
    potentials: Annotated[str, POTENTIALS] = AUTO
    tiles: Annotated[str, TILINGS] = OVERLAPPING
    groups: Annotated[str, GROUPINGS] | int = AUTO

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        self._check("mode", self.mode, MODES)
        self._check("potentials", self.potentials, POTENTIALS)
        self._check("tiles", self.tiles, TILINGS)
        machine = next((m for m in op.ops if isinstance(m, MachineOp)), None)
        self._check_groups()
        rates = {} if machine is None else machine.rate_numbers()
        memories = {} if machine is None else machine.sizes()
        for step in op.ops:
            if isinstance(step, bptt.StepOp):
                group = self._choose_group(step, rates, memories)
                self._schedule(step, rates, group)

    def _check(self, name: str, value: str, words: tuple[str, ...]) -> None:
        if value not in words:
            help = did_you_mean(value, words) or f"expected one of: {', '.join(words)}"
            raise error("E0405", f"schedule-engines{{{name}={value}}}: unknown {name}", help=help)

    def _check_groups(self) -> None:
        if isinstance(self.groups, str):
            self._check("groups", self.groups, GROUPINGS)
        elif self.groups < 1:
            message = f"a group has at least one sample, not {self.groups}"
            help = "expected auto, off, or such a number"
            raise error("E0405", f"schedule-engines{{groups={self.groups}}}: {message}", help=help)

    def _choose_group(
        self, step: bptt.StepOp, rates: Mapping[str, int], memories: Mapping[str, int]
    ) -> int | None:
        """How many samples go through the step at once, None for all of them."""
        if self.mode != PIPELINED:
            return None
        if isinstance(self.groups, int):
            return self.groups
        if self.groups == OFF or not (rates and can_be_grouped(step, memories)):
            return None
        large = group_sizes(step, rates)
        if not large:
            return None
        group = self._first_that_fits(step, large, rates, memories)
        if group is None:
            small = small_group_sizes(step, rates)
            overlapping = [size for size in small if lies_side_by_side(step, size, memories)]
            others = [size for size in small if size not in overlapping]
            group = self._first_that_fits(step, [*overlapping, *others], rates, memories)
        return group

    def _first_that_fits(
        self,
        step: bptt.StepOp,
        sizes: Sequence[int],
        rates: Mapping[str, int],
        memories: Mapping[str, int],
    ) -> int | None:
        """The first size that the memories hold with all steps; what is larger than one that they
        do not hold is not tried."""
        too_large = math.inf
        for group in sizes:
            if group >= too_large:
                continue
            tried = full_group(step, group)
            self._schedule(tried, rates, group)
            if may_fit(tried, group, memories) and fits_in_groups(tried, memories):
                return group
            too_large = group
        return None

    def _schedule(self, step: bptt.StepOp, rates: Mapping[str, int], group: int | None) -> None:
        for op in step.walk():
            for name in ATTRIBUTES:
                op.attributes.pop(name, None)
        size = Size(step.steps.value.data, step.batch.value.data)
        if group is not None:
            mark_group(step, group)
        self._choose_potentials(step, rates)
        tail = let_updates_trail(step.body.block)
        if group is None:
            choose_queues(step.body.block, tail, rates)
        else:
            choose_queues_of_groups(step.body.block, rates)
        step.attributes[MODE] = StringAttr(self.mode)
        if self.double_buffers:
            step.attributes[DOUBLE_BUFFERS] = UnitAttr()
        if self.tiles == OVERLAPPING:
            step.attributes[OVERLAPPED] = UnitAttr()
            _choose_tiles(step, size, rates)

    def _choose_potentials(self, step: bptt.StepOp, rates: Mapping[str, int]) -> None:
        stays = group_of(step) is not None  # on chip, where nothing is cheaper
        if self.potentials == STORED or (self.potentials == AUTO and (stays or not rates)):
            return
        for op in [op for op in step.body.block.ops if isinstance(op, FireOp)]:
            gradient = recomputable(op)
            forced = self.potentials == RECOMPUTED
            if gradient and (forced or recomputing_is_cheaper(op, rates)):
                recompute(op, gradient)


def _choose_tiles(step: bptt.StepOp, size: Size, rates: Mapping[str, int]) -> None:
    """Asks for as many tiles of every nest as let it overlap best."""
    if not rates:
        return
    for op in step.body.block.ops:
        if isinstance(op, ScanOp):
            continue  # its tiles are steps already
        if group_of(step) is not None and not isinstance(op, bptt.OptimizeOp):
            continue  # a group is its tile
        if not isinstance(op, ParameterOp | bptt.ReportOp) and not is_recomputed(op):
            mark_tiles(op, wished_tiles(op, size, rates, _queue(op)))


def _queue(op: Operation) -> Engine:
    return Engine.DMA_UPDATE if moves_for_update(op) else Engine.DMA
