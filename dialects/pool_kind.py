"""What a pool makes of a window's pixels: one enumeration for all levels."""

from __future__ import annotations

from xdsl.dialects.utils import EnumAttribute
from xdsl.ir import SpacedOpaqueSyntaxAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.utils.str_enum import StrEnum


class PoolKind(StrEnum):
    """The number that stands for a window; the maximum of spikes is a spike."""

    SUM = "sum"
    AVG = "avg"
    MAX = "max"


@irdl_attr_definition
class PoolKindAttr(EnumAttribute[PoolKind], SpacedOpaqueSyntaxAttribute):
    """`#snn<pool_kind max>`."""

    name = "snn.pool_kind"
