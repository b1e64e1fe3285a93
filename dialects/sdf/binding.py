"""Where a dataflow graph runs: tiles, what is bound to them, and in which order it fires there."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import ArrayAttr, StringAttr, SymbolNameConstraint, SymbolRefAttr
from xdsl.irdl import IRDLOperation, irdl_op_definition, lazy_traits_def, opt_prop_def, prop_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import SymbolOpInterface
from xdsl.utils.exceptions import VerifyException

from spikeloom.dialects.number_text import Count, count, parse_count
from spikeloom.dialects.sdf.graph_parts import check_range, of_a_graph


@irdl_op_definition
class TileOp(IRDLOperation):
    """A processor: `sdf.tile @t wheel 8 slice 4` owns 4 of every 8 cycles (TDMA)."""

    name = "sdf.tile"

    sym_name = prop_def(SymbolNameConstraint())
    wheel = opt_prop_def(Count)
    slice = opt_prop_def(Count)

    traits = lazy_traits_def(lambda: (SymbolOpInterface(), *of_a_graph()))

    def __init__(self, name: str, wheel: int | None = None, slice: int | None = None):
        super().__init__(
            properties={
                "sym_name": StringAttr(name),
                "wheel": None if wheel is None else count(wheel),
                "slice": None if slice is None else count(slice),
            }
        )

    def verify_(self) -> None:
        if (self.wheel is None) != (self.slice is None):
            raise VerifyException("a wheel and its slice stand together")
        if self.wheel is not None and self.slice is not None:
            check_range("wheel", self.wheel, 1)
            if not 1 <= self.slice.value.data <= self.wheel.value.data:
                raise VerifyException(
                    f"a slice lies in [1, {self.wheel.value.data}], got {self.slice.value.data}"
                )

    @classmethod
    def parse(cls, parser: Parser) -> TileOp:
        name = parser.parse_symbol_name().data
        wheel = slice = None
        if parser.parse_optional_keyword("wheel"):
            wheel = parse_count(parser).value.data
            parser.parse_keyword("slice")
            slice = parse_count(parser).value.data
        op = cls(name, wheel, slice)
        op.attributes = parser.parse_optional_attr_dict()
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.sym_name.data)
        if self.wheel is not None and self.slice is not None:
            printer.print_string(f" wheel {self.wheel.value.data} slice {self.slice.value.data}")
        printer.print_op_attributes(self.attributes)


@irdl_op_definition
class BindOp(IRDLOperation):
    """An actor runs on a tile: `sdf.bind @a on @t`."""

    name = "sdf.bind"

    actor = prop_def(SymbolRefAttr)
    tile = prop_def(SymbolRefAttr)

    traits = lazy_traits_def(of_a_graph)
    assembly_format = "$actor `on` $tile attr-dict"

    def __init__(self, actor: str, tile: str):
        super().__init__(properties={"actor": SymbolRefAttr(actor), "tile": SymbolRefAttr(tile)})


@irdl_op_definition
class OrderOp(IRDLOperation):
    """A tile fires its actors in this order, again and again: `sdf.order on @t [@a, @b]`."""

    name = "sdf.order"

    tile = prop_def(SymbolRefAttr)
    firings = prop_def(ArrayAttr[SymbolRefAttr])

    traits = lazy_traits_def(of_a_graph)
    assembly_format = "`on` $tile $firings attr-dict"

    def __init__(self, tile: str, firings: Sequence[str]):
        super().__init__(
            properties={
                "tile": SymbolRefAttr(tile),
                "firings": ArrayAttr([SymbolRefAttr(actor) for actor in firings]),
            }
        )

    @property
    def actors(self) -> list[str]:
        """The names of the actors in order."""
        return [actor.root_reference.data for actor in self.firings]
