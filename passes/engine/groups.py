"""Sample groups: the loops over samples of many nests become one, and values stay on chip.

Every nest of a grouped step works on one tile of samples at a time, the same for all of them. So
their loops over samples can be one loop around all nests: a group of samples goes through the whole
step before the next one, or while the next one begins. What a nest does once, in front of its loop
(weights are loaded, sums cleared) or behind it (sums stored), stays in front of or behind them all.

    nest 1: load weights; loop { ... }          load weights; clear sums
    nest 2: clear sums; loop { ... }; store     loop { nest 1; nest 2 }
                                                store sums
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from xdsl.dialects.builtin import IndexType
from xdsl.ir import Block, Operation, Region, SSAValue

from spikeloom.dialects.engine import INSTRUCTION_OPS, InstructionOp, LoopOp
from spikeloom.passes.engine.addresses import Lifetime

Operations = list[Operation]


@dataclass
class Nests:
    """Lowered nests, taken apart at their loops over samples.

    Attributes:
        bounds: start, stop and step of the loop over groups.
        front: what is done once, before all groups.
        turn: what is done with every group; the block's argument is where the group begins.
        tail: what is done once, behind all groups.
    """

    bounds: tuple[int, int, int]
    front: Block = field(default_factory=Block)
    turn: Block = field(default_factory=lambda: Block(arg_types=[IndexType()]))
    tail: Block = field(default_factory=Block)

    def add(self, nests: Block, over_samples: Collection[Operation]) -> bool:
        """Takes apart what one operation was lowered to; False where that cannot be done.

        It cannot where a loop of several turns stands around one over samples, or where something
        is done between two such loops.
        """
        parts = _parts(list(nests.ops), over_samples)
        if parts is None:
            return False
        front, inner, tail = parts
        if not all(self._take(op, over_samples, front, tail) for op in inner):
            return False
        self.front.add_ops(_detached(front))
        self.tail.add_ops(_detached(tail))
        return True

    def add_update(self, nests: Block, over_samples: Collection[Operation]) -> bool:
        """Takes apart an update of parameters: what waits for a gradient stands in the tail.

        False where a loop has several turns, or goes over samples.
        """
        single = all(
            len(range(*op.bounds)) == 1 and op not in over_samples
            for op in nests.walk()
            if isinstance(op, LoopOp)
        )
        if single:
            late = _homes([self.tail])[1]
            self._divide(list(nests.ops), [], late)
        return single

    def _divide(self, ops: Sequence[Operation], around: list[LoopOp], late: set[str]) -> None:
        """Moves what needs one of the buffers in `late`, and what follows from that, to the tail.

        All else goes to the front.
        """
        waiting: dict[bool, Operations] = {False: [], True: []}
        for op in ops:
            if isinstance(op, LoopOp):
                self._divide(list(op.body.block.ops), [*around, op], late)
                continue
            assert isinstance(op, InstructionOp)
            waits = not late.isdisjoint(_named(op))
            if waits:
                late |= {*_named(op)}
            waiting[waits].append(op if waits else _unhurried(op))
        self.front.add_ops(_wrapped(around, waiting[False]))
        self.tail.add_ops(_wrapped(around, waiting[True]))

    def _take(
        self,
        op: Operation,
        over_samples: Collection[Operation],
        front: Operations,
        tail: Operations,
    ) -> bool:
        """Moves the inside of one nest to the turn, and its ends to `front` and `tail`."""
        around: list[LoopOp] = []
        while op not in over_samples:
            if not (isinstance(op, LoopOp) and len(range(*op.bounds)) == 1):
                return False
            parts = _parts(list(op.body.block.ops), over_samples)
            if parts is None or len(parts[1]) != 1:
                return False
            before, (inside,), behind = parts
            around.append(op)
            front += _wrapped(around, before)
            tail[:0] = _wrapped(around, behind)
            op = inside
        assert isinstance(op, LoopOp)
        body = op.body.block
        if op.bounds != self.bounds:
            return False
        body.args[0].replace_all_uses_with(self.turn.args[0])
        self.turn.add_ops(_wrapped(around, list(body.ops)))
        return True

    def parts(self) -> list[Block]:
        """Everything, in order."""
        return [self.front, self.turn, self.tail]

    def are_independent(self) -> bool:
        """Whether no group needs what only all groups together yield."""
        (front, _), (turn, turned), (_, done) = (_homes([part]) for part in self.parts())
        return not (turn & done or front & turned)

    def lifetimes(self) -> dict[str, Lifetime]:
        """When each tile is in use that neither the front nor the tail names."""
        outside = {name for op in _instructions([self.front, self.tail]) for name in _named(op)}
        found: dict[str, Lifetime] = {}
        for number, op in enumerate(_instructions([self.turn])):
            for name in _named(op):
                first = found[name].first if name in found else number
                found[name] = Lifetime(first, number)
        return {name: life for name, life in found.items() if name not in outside}

    def program(self, source: Operation) -> Operations:
        """Everything, in order, with a loop over all groups."""
        self.turn.args[0].name_hint = "sample"
        loop = LoopOp(*self.bounds, Region(self.turn))
        loop.location = source.location
        return [*_detached(self.front.ops), loop, *_detached(self.tail.ops)]


def _parts(
    ops: Sequence[Operation], over_samples: Collection[Operation]
) -> tuple[Operations, Operations, Operations] | None:
    """What stands before the operations with a loop over samples, those, and what stands behind.

    None where there is no such operation, or something else between them.
    """
    holding = [any(each in over_samples for each in op.walk()) for op in ops]
    if True not in holding:
        return None
    first, count = holding.index(True), sum(holding)
    if not all(holding[first : first + count]):
        return None
    return [*ops[:first]], [*ops[first : first + count]], [*ops[first + count :]]


def _wrapped(around: Sequence[LoopOp], ops: Sequence[Operation]) -> Operations:
    """The operations, taken out of their block, in loops of one turn like those around them."""
    inside: Operations = _detached(ops)
    for loop in reversed(around) if inside else ():
        block = Block(arg_types=[IndexType()])
        block.args[0].name_hint = loop.body.block.args[0].name_hint
        block.add_ops(inside)
        _rename(inside, loop.body.block.args[0], block.args[0])
        op = LoopOp(*loop.bounds, Region(block))
        op.location = loop.location
        inside = Operations([op])
    return inside


def _unhurried(op: InstructionOp) -> InstructionOp:
    """A load that the first group need not wait for, in the queue of the weight updates."""
    if op.SPEC.name != "load":
        return op
    properties = dict(op.properties)
    later = INSTRUCTION_OPS["load_update"].create(operands=op.operands, properties=properties)
    later.location = op.location
    op.detach()
    op.erase()
    return later


def _rename(ops: Iterable[Operation], old: SSAValue, new: SSAValue) -> None:
    for op in ops:
        for inner in op.walk():
            for index, operand in enumerate(inner.operands):
                if operand is old:
                    inner.operands[index] = new


def _instructions(parts: Iterable[Operation | Block]) -> Iterator[InstructionOp]:
    """All instructions, in order."""
    for part in parts:
        for op in part.walk():
            if isinstance(op, InstructionOp):
                yield op


def _named(op: InstructionOp) -> Iterator[str]:
    """The buffers of an instruction."""
    return (slice.buffer_name for _, slice in op.role_slices() if slice is not None)


def _homes(parts: Iterable[Operation | Block]) -> tuple[set[str], set[str]]:
    """The buffers in DRAM that are read, and those that are written."""
    read, written = set[str](), set[str]()
    for op in _instructions(parts):
        writes = len(op.SPEC.writes)
        for index, (role, slice) in enumerate(op.role_slices()):
            if slice is not None and role.dram:
                (written if index < writes else read).add(slice.buffer_name)
    return read, written


def _detached(ops: Iterable[Operation]) -> Operations:
    found = [*ops]
    for op in found:
        if op.parent is not None:
            op.detach()
    return found
