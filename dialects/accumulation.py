"""How an engine adds up what spikes select: one attribute on synapses and weight gradients.

`accumulation = #bptt.accumulation<tables of 4, cycles 1024, femtojoules 5000>`: with tables of the
sums of 4 inputs, `events` (only the inputs that spiked), or `plain` (all of them, the silent ones
as zeros). Beside the choice stands what `fuse-luts` expects it to cost. Without the attribute an
engine works on events.
"""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import NoneAttr
from xdsl.dialects.utils import EnumAttribute
from xdsl.ir import Attribute, Operation, ParametrizedAttribute, SpacedOpaqueSyntaxAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.str_enum import StrEnum

from spikeloom.dialects.instruction_set import MAX_TABLE_WIDTH
from spikeloom.dialects.number_text import Count, count, parse_count

ACCUMULATION = "accumulation"
"""The name of the attribute on an operation."""


class Way(StrEnum):
    """What is added: every input, only those that spiked, or an entry of a table."""

    PLAIN = "plain"
    EVENTS = "events"
    TABLES = "tables"


@irdl_attr_definition
class WayAttr(EnumAttribute[Way], SpacedOpaqueSyntaxAttribute):
    """`#bptt<way tables>`."""

    name = "bptt.way"


@irdl_attr_definition
class AccumulationAttr(ParametrizedAttribute):
    """A way of accumulating with its predicted cost; tables have a width, others none."""

    name = "bptt.accumulation"

    way: WayAttr
    width: Count | NoneAttr
    cycles: Count
    femtojoules: Count

    @classmethod
    def get(cls, way: Way, width: int, cycles: int, femtojoules: int) -> AccumulationAttr:
        """The attribute; `width` counts for tables only."""
        inputs = count(width) if way is Way.TABLES else NoneAttr()
        return cls(WayAttr(way), inputs, count(cycles), count(femtojoules))

    @property
    def table_width(self) -> int:
        """Inputs of a table; 0 where there are none."""
        return 0 if isinstance(self.width, NoneAttr) else self.width.value.data

    def verify(self) -> None:
        """Raises VerifyException where a number lies outside its range."""
        if isinstance(self.width, NoneAttr) is (self.way.data is Way.TABLES):
            raise VerifyException("tables, and nothing else, have a width")
        if self.way.data is Way.TABLES and not 1 <= self.table_width <= MAX_TABLE_WIDTH:
            raise VerifyException(
                f"a table has 1 to {MAX_TABLE_WIDTH} inputs, got {self.table_width}"
            )
        if min(self.cycles.value.data, self.femtojoules.value.data) < 0:
            raise VerifyException("a predicted cost is not negative")

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string(self.way.data.value)
            if self.way.data is Way.TABLES:
                printer.print_string(f" of {self.table_width}")
            printer.print_string(f", cycles {self.cycles.value.data}")
            printer.print_string(f", femtojoules {self.femtojoules.value.data}")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            way = parser.parse_str_enum(Way)
            width: Count | NoneAttr = NoneAttr()
            if way is Way.TABLES:
                parser.parse_keyword("of")
                width = parse_count(parser)
            parser.parse_punctuation(",")
            parser.parse_keyword("cycles")
            cycles = parse_count(parser)
            parser.parse_punctuation(",")
            parser.parse_keyword("femtojoules")
            return (WayAttr(way), width, cycles, parse_count(parser))


def way_of(op: Operation) -> tuple[Way, int]:
    """How an operation accumulates, and the width of its tables (0: none)."""
    found = op.attributes.get(ACCUMULATION)
    if isinstance(found, AccumulationAttr):
        return found.way.data, found.table_width
    return Way.EVENTS, 0
