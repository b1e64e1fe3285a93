"""What stands around the instructions: the machine, buffers and counted loops."""

from __future__ import annotations

from collections.abc import Mapping

from xdsl.dialects.builtin import (
    ArrayAttr,
    DictionaryAttr,
    IndexType,
    IntAttr,
    IntegerAttr,
    StringAttr,
    SymbolNameConstraint,
)
from xdsl.ir import Attribute, Operation, Region
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    opt_prop_def,
    prop_def,
    region_def,
    traits_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import NoTerminator, SymbolOpInterface
from xdsl.utils.exceptions import VerifyException

from spikeloom.dialects.instruction_set import (
    ARRAY_RATES,
    DIMENSIONS,
    DMA_ENGINES,
    LANE_RATES,
    MAX_COPIES,
    MEMORIES,
    ON_CHIP_MEMORIES,
    Element,
    Shape,
    buffer_bytes,
)
from spikeloom.dialects.number_text import Count, count, parse_count
from spikeloom.dialects.remembered_symbols import RememberedSymbols

_MAX_EXTENT = 2**31 - 1

RATES = (
    *(engine.value for engine in DMA_ENGINES),
    "dram_latency",
    *(f"{e}_{rate}" for e in ("fe", "be", "wue") for rate in ARRAY_RATES),
    *(f"{e}_{rate}" for e in ("nu", "loss", "opt") for rate in LANE_RATES),
)
"""The rates of a machine: bytes per cycle of each queue, cycles, lanes of the engines."""


@irdl_op_definition
class MachineOp(IRDLOperation):
    """What the compiler must know of the machine: bytes of each on-chip memory, and other numbers.

    ```mlir
    engine.machine @h2learn {spike_sram = 1048576 : i64, weight_sram = 4194304 : i64, ...}
                    numbers {fe_input_lanes = 64 : i64, fe_table_width = 4 : i64, ...}
    ```

    Numbers are for passes that weigh costs: lanes and table widths by engine, femtojoules.
    """

    name = "engine.machine"

    sym_name = prop_def(SymbolNameConstraint())
    memories = prop_def(DictionaryAttr)
    numbers = opt_prop_def(DictionaryAttr)

    traits = traits_def(SymbolOpInterface())
    assembly_format = "$sym_name $memories (`numbers` $numbers^)? attr-dict"

    def __init__(
        self, name: str, memories: Mapping[str, int], numbers: Mapping[str, int] | None = None
    ):
        super().__init__(
            properties={
                "sym_name": StringAttr(name),
                "memories": _dictionary(memories),
                "numbers": None if numbers is None else _dictionary(numbers),
            }
        )

    def sizes(self) -> dict[str, int]:
        """Bytes of each on-chip memory, by name."""
        return _integers(self.memories)

    def known_numbers(self) -> dict[str, int]:
        """The other numbers, by name; empty where the machine does not say any."""
        return {} if self.numbers is None else _integers(self.numbers)

    def rate_numbers(self) -> dict[str, int]:
        """The numbers that times are estimated with; empty where one of `RATES` is missing."""
        numbers = self.known_numbers()
        known = all(numbers.get(name, 0) > 0 for name in RATES)
        return {name: numbers[name] for name in RATES} if known else {}

    def verify_(self) -> None:
        sizes = self.sizes()
        for memory in ON_CHIP_MEMORIES:
            if sizes.get(memory, 0) < 1:
                raise VerifyException(f"the machine does not say how large {memory} is")


def _dictionary(numbers: Mapping[str, int]) -> DictionaryAttr:
    return DictionaryAttr({name: count(value) for name, value in sorted(numbers.items())})


def _integers(numbers: DictionaryAttr) -> dict[str, int]:
    return {
        name: value.value.data
        for name, value in numbers.data.items()
        if isinstance(value, IntegerAttr)
    }


def enclosing_program(op: Operation) -> Operation:
    """The `engine.program` around an operation, through all loops.

    Raises:
        VerifyException: there is none.
    """
    parent = op.parent_op()
    while parent is not None and parent.name == "engine.loop":
        parent = parent.parent_op()
    if parent is None or parent.name != "engine.program":
        raise VerifyException(f"{op.name} must stand in an engine.program")
    return parent


@irdl_op_definition
class BufferOp(IRDLOperation):
    """A named box of a memory; `role` is what the host knows it as.

    `copies 2` is a double buffer: twice the bytes, written in turns. A write that does not update
    and starts at the origin begins the next copy; everything else works on that copy.

    ```mlir
    engine.buffer @hidden.weight : f32[1, 1, 64, 128] in dram at 0x00000000 role parameter
      "hidden.weight"
    ```
    """

    name = "engine.buffer"

    sym_name = prop_def(SymbolNameConstraint())
    element = prop_def(StringAttr)
    shape = prop_def(ArrayAttr[IntAttr])
    memory = prop_def(StringAttr)
    offset = prop_def(Count)
    role = opt_prop_def(StringAttr)
    subject = opt_prop_def(StringAttr)
    copies = opt_prop_def(Count)

    traits = traits_def(SymbolOpInterface())

    def __init__(
        self,
        name: str,
        element: Element,
        shape: Shape,
        memory: str,
        offset: int,
        role: tuple[str, str] | None = None,
        copies: int = 1,
    ):
        super().__init__(
            properties={
                "sym_name": StringAttr(name),
                "element": StringAttr(element.value),
                "shape": ArrayAttr([IntAttr(extent) for extent in shape]),
                "memory": StringAttr(memory),
                "offset": count(offset),
                "role": None if role is None else StringAttr(role[0]),
                "subject": None if role is None else StringAttr(role[1]),
                "copies": None if copies == 1 else count(copies),
            }
        )

    @property
    def extents(self) -> Shape:
        """Cells along (step, sample, position, feature) or (tap, 0, input, output)."""
        first, second, third, fourth = (extent.data for extent in self.shape)
        return first, second, third, fourth

    @property
    def kind(self) -> Element:
        """What a cell holds."""
        return Element(self.element.data)

    @property
    def size(self) -> int:
        """Bytes of one copy, rows padded."""
        return buffer_bytes(self.kind, self.extents)

    @property
    def copy_count(self) -> int:
        """How many areas of that size there are, one behind the other."""
        return 1 if self.copies is None else self.copies.value.data

    def verify_(self) -> None:
        if enclosing_program(self) is not self.parent_op():
            raise VerifyException("a buffer is declared outside of all loops")
        if self.element.data not in {element.value for element in Element}:
            raise VerifyException(f"unknown element {self.element.data!r}")
        if self.memory.data not in MEMORIES:
            raise VerifyException(
                f"unknown memory {self.memory.data!r}, expected one of {', '.join(MEMORIES)}"
            )
        in_range = all(1 <= extent.data <= _MAX_EXTENT for extent in self.shape)
        if len(self.shape) != DIMENSIONS or not in_range:
            raise VerifyException("a buffer has four dimensions of at least one cell")
        if self.offset.value.data < 0:
            raise VerifyException("a buffer's offset must not be negative")
        if not 1 <= self.copy_count <= MAX_COPIES:
            raise VerifyException(f"a buffer has 1 to {MAX_COPIES} copies")
        if self.copy_count > 1 and self.memory.data == MEMORIES[0]:
            raise VerifyException("only an on-chip buffer has copies")

    @classmethod
    def parse(cls, parser: Parser) -> BufferOp:
        name = parser.parse_symbol_name().data
        parser.parse_punctuation(":")
        element = parser.parse_identifier()
        shape = parser.parse_comma_separated_list(
            parser.Delimiter.SQUARE, lambda: IntAttr(parser.parse_integer())
        )
        parser.parse_keyword("in")
        memory = parser.parse_identifier()
        parser.parse_keyword("at")
        offset = parse_count(parser).value.data
        properties: dict[str, Attribute] = {
            "sym_name": StringAttr(name),
            "element": StringAttr(element),
            "shape": ArrayAttr(shape),
            "memory": StringAttr(memory),
            "offset": count(offset),
        }
        if parser.parse_optional_keyword("copies"):
            copies = parse_count(parser)
            if copies.value.data != 1:
                properties["copies"] = copies
        if parser.parse_optional_keyword("role"):
            properties["role"] = StringAttr(parser.parse_identifier())
            properties["subject"] = StringAttr(parser.parse_optional_str_literal() or "")
        return cls.create(properties=properties, attributes=parser.parse_optional_attr_dict())

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.sym_name.data)
        shape = ", ".join(str(extent.data) for extent in self.shape)
        printer.print_string(f" : {self.element.data}[{shape}] in {self.memory.data}")
        printer.print_string(f" at 0x{self.offset.value.data:08x}")
        if self.copy_count != 1:
            printer.print_string(f" copies {self.copy_count}")
        if self.role is not None:
            printer.print_string(f" role {self.role.data}")
            if self.subject is not None and self.subject.data:
                printer.print_string(" ")
                printer.print_string_literal(self.subject.data)
        printer.print_op_attributes(self.attributes)


PROGRAM_BUFFERS = RememberedSymbols(BufferOp)
"""All buffers of an `engine.program` by name, in the order in which they are declared."""


@irdl_op_definition
class LoopOp(IRDLOperation):
    """A counted loop: `engine.loop %tile = 0 to 128 step 64 { ... }`; a step may be negative.

    Where an axis follows the loop, its length follows what is left: min(|step|, |stop - value|).
    """

    name = "engine.loop"

    start = prop_def(Count)
    stop = prop_def(Count)
    step = prop_def(Count)
    body = region_def("single_block")

    traits = traits_def(NoTerminator())

    def __init__(self, start: int, stop: int, step: int, body: Region):
        super().__init__(
            properties={"start": count(start), "stop": count(stop), "step": count(step)},
            regions=[body],
        )

    @property
    def bounds(self) -> tuple[int, int, int]:
        """(start, stop, step)."""
        return self.start.value.data, self.stop.value.data, self.step.value.data

    def verify_(self) -> None:
        enclosing_program(self)
        if tuple(self.body.block.arg_types) != (IndexType(),):
            raise VerifyException("a loop's block has one argument of type index")
        start, stop, step = self.bounds
        if step == 0:
            raise VerifyException("a loop's step must not be 0")
        if len(range(start, stop, step)) == 0:
            raise VerifyException(f"the loop from {start} to {stop} by {step} never runs")

    @classmethod
    def parse(cls, parser: Parser) -> LoopOp:
        variable = parser.parse_argument(expect_type=False).resolve(IndexType())
        parser.parse_punctuation("=")
        start = parse_count(parser).value.data
        parser.parse_keyword("to")
        stop = parse_count(parser).value.data
        parser.parse_keyword("step")
        step = parse_count(parser).value.data
        attributes = parser.parse_optional_attr_dict_with_keyword()
        op = cls(start, stop, step, parser.parse_region([variable]))
        if attributes is not None:
            op.attributes = dict(attributes.data)
        return op

    def print(self, printer: Printer) -> None:
        start, stop, step = self.bounds
        printer.print_string(" ")
        printer.print_ssa_value(self.body.block.args[0])
        printer.print_string(f" = {start} to {stop} step {step}")
        printer.print_op_attributes(self.attributes, print_keyword=True)
        printer.print_string(" ")
        printer.print_region(self.body, print_entry_block_args=False)
