"""`fuse-luts`: chooses how each layer's spikes are accumulated: tables, events, or all inputs.

A table of n inputs holds the sums of all 2^n subsets of their weights, so that n additions become
one read and one addition. The choice is an attribute of the operation, which `lower-to-engine`
follows. It is exact up to the order of summation: within a group first, then over groups.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeGuard

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, i1
from xdsl.ir import Operation
from xdsl.passes import ModulePass

from spikeloom.diagnostics import error
from spikeloom.dialects import bptt
from spikeloom.dialects.accumulation import ACCUMULATION, AccumulationAttr, Way
from spikeloom.dialects.engine import MachineOp
from spikeloom.dialects.instruction_set import MAX_TABLE_WIDTH, Element, buffer_bytes
from spikeloom.dialects.locations import location_of
from spikeloom.passes.accumulation_cost import (
    WORD,
    Accumulation,
    Array,
    Cost,
    events_cost,
    forward_tables_cost,
    plain_cost,
    update_tables_cost,
)
from spikeloom.passes.accumulation_work import Nests, SumLike, SynapseLike
from spikeloom.passes.engine.images import image_of
from spikeloom.passes.engine.tiles import LANES

Choice = tuple[Way, int]
"""A way and the width of its tables, 0 for none."""


@dataclass(frozen=True)
class FuseLutsPass(ModulePass):
    """Chooses tables, events or plain accumulation for every sum that spikes select.

    Options: `width` forces tables of so many inputs, 0 none; `accumulate` forces one of the three
    ways; `engines` are those to choose for; `goal` says what counts first, cycles or energy, the
    other decides between equals. Analog inputs are multiplied as before.

    Raises:
        DiagnosticError: the tables are wider than the machine's, or it has none (E0302); there is
            no machine with lanes and energies (E0204); the options contradict each other (E0405).
    """

    name = "fuse-luts"

    width: int | None = None
    accumulate: Literal["plain", "events", "tables"] | None = None
    engines: tuple[Literal["fe", "wue"], ...] = ("fe", "wue")
    goal: Literal["time", "energy"] = "time"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        self._check_options()
        machine = next((m for m in op.ops if isinstance(m, MachineOp)), None)
        for step in [step for step in op.ops if isinstance(step, bptt.StepOp)]:
            sums = [each for each in step.walk() if selects(each)]
            if not sums:
                continue
            if machine is None or not machine.known_numbers():
                raise error(
                    "E0204",
                    "fuse-luts finds no engine.machine with numbers in the module",
                    location_of(op),
                    "run it with spikeloom-opt, which adds one (--machine FILE chooses)",
                )
            asked = [each for each in sums if _engine(each) in self.engines]
            for each in asked:
                each.attributes.pop(ACCUMULATION, None)
                if (forced := self._forced) is not None:  # so that groups of samples have room
                    each.attributes[ACCUMULATION] = AccumulationAttr.get(*forced, 0, 0)
            nests = Nests.of(step, machine.sizes(), machine.rate_numbers())
            for each in asked:
                each.attributes[ACCUMULATION] = self._chosen(each, nests, machine, _engine(each))

    def _check_options(self) -> None:
        tables = self.width is not None and self.width > 0
        if self.width is not None and self.width < 0:
            raise error("E0405", f"fuse-luts{{width={self.width}}}: a width is at least 0")
        forced = Way(self.accumulate) if self.accumulate else None
        if forced is not None and self.width is not None and (forced is Way.TABLES) is not tables:
            message = f"fuse-luts{{width={self.width} accumulate={self.accumulate}}}"
            raise error("E0405", f"{message}: only tables have a width, and it is at least 1")

    @property
    def _forced(self) -> Choice | None:
        """The choice that the options ask for, with the narrowest tables if they say no width."""
        if self.width:
            return Way.TABLES, min(self.width, MAX_TABLE_WIDTH)
        if self.accumulate is None:
            return None
        return Way(self.accumulate), int(self.accumulate == "tables")

    def _chosen(
        self, op: SumLike, nests: Nests, machine: MachineOp, engine: str
    ) -> AccumulationAttr:
        array = _array(machine, engine)
        choices = list(self._choices(op, nests, array, machine, engine))
        works: dict[int, Accumulation] = {}
        for way, width in choices:
            if width not in works:  # without tables all ways have the same tiles
                op.attributes[ACCUMULATION] = AccumulationAttr.get(way, width, 0, 0)
                works[width] = nests.accumulation(op)
        costs = {choice: _cost(choice, works[choice[1]], array, engine) for choice in choices}

        def weight(choice: Choice) -> tuple[int, int]:
            cost = costs[choice]
            if self.goal == "time":
                return cost.busy, cost.femtojoules
            return cost.femtojoules, cost.busy

        best = min(choices, key=weight)  # of equals the simplest, which comes first
        return AccumulationAttr.get(*best, costs[best].cycles, costs[best].femtojoules)

    def _choices(
        self, op: SumLike, nests: Nests, array: Array, machine: MachineOp, engine: str
    ) -> Iterator[Choice]:
        """What the options leave, simple ways first.

        Tables too large for their memory are left out, except for the narrowest ones where the
        options ask for tables: `lower-to-engine` then says what they need.
        """
        forced = Way.TABLES if self.width else Way(self.accumulate) if self.accumulate else None
        for way in (Way.EVENTS, Way.PLAIN):
            if forced in (None, way):
                yield way, 0
        if self.width == 0 or forced not in (None, Way.TABLES):
            return
        widest = self.width or 1
        if forced is Way.TABLES and widest > array.table_width:
            raise self._too_wide(op, widest, array.table_width, machine, engine)
        if self.width:
            yield Way.TABLES, self.width
            return
        room = machine.sizes().get(_table_memory(engine), 0)
        widths = range(1, array.table_width + 1)
        fitting = [width for width in widths if _smallest_tables(op, nests, width) <= room]
        for width in fitting or ([1] if forced else []):
            yield Way.TABLES, width

    def _too_wide(self, op: Operation, width: int, limit: int, machine: MachineOp, engine: str):
        has = f"has tables of {limit}" if limit else "has none"
        remedy = f"a machine with engines.{engine}.table_width of {width}"
        return error(
            "E0302",
            f"fuse-luts asks for tables of {width} inputs, but engine {engine} of the machine "
            f"`{machine.sym_name.data}` {has}",
            location_of(op),
            f"use width={limit}, or {remedy}" if limit else f"use width=0, or {remedy}",
        )


def selects(op: Operation) -> TypeGuard[SumLike]:
    """Whether an operation adds up what spikes select."""
    return isinstance(op, SumLike) and bptt.tensor_of(op.input).element_type == i1


def _engine(op: SumLike) -> Literal["fe", "wue"]:
    return "fe" if isinstance(op, SynapseLike) else "wue"


def _table_memory(engine: str) -> str:
    return "forward_tables" if engine == "fe" else "update_tables"


def _smallest_tables(op: SumLike, nests: Nests, width: int) -> int:
    """Bytes of the tables that the lowering cannot do without.

    Forward they are of `LANES` outputs and as many inputs. In an update they are of `LANES`
    outputs, if there are that many, and of one group of an image's rows. Of vectors all steps of
    a sample are looked up together.
    """
    if isinstance(op, SynapseLike):
        return buffer_bytes(Element.F32, (1, -(-LANES // width), 2**width, LANES))
    is_image = max(image_of(op.input).positions, image_of(op.gradient).positions) > 1
    rows = 1 if is_image else nests.size.steps
    outputs = min(LANES, bptt.channel_count(op.gradient.type))
    return buffer_bytes(Element.F32, (-(-rows // width), 1, 2**width, outputs))


def _array(machine: MachineOp, engine: str) -> Array:
    numbers = machine.known_numbers()

    def number(name: str) -> int:
        if name not in numbers:
            raise error("E0204", f"the engine.machine does not say its number `{name}`")
        return numbers[name]

    tables = _table_memory(engine)
    if engine == "fe":
        operand = number("weight_sram_read")
        row = number("state_sram_read") + number("state_sram_write")
    else:
        operand = number("gradient_sram_read") + number("gradient_sram_write")
        row = number("state_sram_read")
    # IR that was written by hand may say more than any machine file can.
    widest = min(number(f"{engine}_table_width"), MAX_TABLE_WIDTH)
    table_width = widest if machine.sizes().get(tables) else 0
    return Array(
        number(f"{engine}_input_lanes"),
        number(f"{engine}_output_lanes"),
        table_width,
        numbers.get(f"{engine}_latency", 0),
        number("addition"),
        WORD * operand,
        WORD * number(f"{tables}_read"),
        WORD * number(f"{tables}_write"),
        WORD * row,
    )


def _cost(choice: Choice, work: Accumulation, array: Array, engine: str) -> Cost:
    way, width = choice
    if way is Way.PLAIN:
        return plain_cost(work, array)
    if way is Way.EVENTS:
        return events_cost(work, array)
    tables = forward_tables_cost if engine == "fe" else update_tables_cost
    return tables(work, array, width)
