"""What verifiers look at, to compare: an unchanged module need not be verified again.

Most passes of a pipeline that clean up find nothing to do, and verifying a program takes longer
than finding nothing.
"""

from __future__ import annotations

from typing import TypeAlias

from xdsl.ir import Attribute, Block, Operation, SSAValue

_Attributes: TypeAlias = dict[str, Attribute]
OperationState: TypeAlias = tuple[
    Operation,
    Block | None,
    tuple[SSAValue, ...],
    tuple[Attribute, ...],
    _Attributes,
    _Attributes,
    tuple[Block, ...],
    tuple[tuple[Attribute, ...], ...],
]
"""An operation and its place: what it reads, result types, properties, attributes, successors, and
the types of the arguments of its blocks."""


def snapshot(root: Operation) -> list[OperationState]:
    """The state of every operation of `root`, in order; equal lists stand for equal programs."""
    return [
        (
            op,
            op.parent,
            tuple(op.operands),
            tuple(result.type for result in op.results),
            dict(op.properties),
            dict(op.attributes),
            tuple(op.successors),
            tuple(tuple(block.arg_types) for region in op.regions for block in region.blocks),
        )
        for op in root.walk()
    ]
