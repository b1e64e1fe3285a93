"""A network in clusters, one crossbar each: what `cluster-crossbars` adds to a module.

```mlir
snn.crossbars @net <inputs 4, outputs 4> strategy "grow" {
  snn.layer "x" 4 input
  snn.layer "hidden" 6 after 1
  snn.cluster 0 computes ["hidden"[0:4]] from ["x"[0:2], "hidden"[4:6]] synapses 12
  snn.cluster 1 computes ["hidden"[4:6]] from ["x"[2:4], "hidden"[0:2]] synapses 8
  snn.link 0 -> 1 spikes 2 after 1
  snn.link 1 -> 0 spikes 2 after 1
}
```

A layer's spikes are used `after` so many time steps, 0 unless said. A cluster reads spikes `from`
neurons, its own included; a link says what one cluster sends another, or itself, in one inference.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from xdsl.dialects.builtin import ArrayAttr, StringAttr, SymbolRefAttr
from xdsl.ir import Operation, Region
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
from xdsl.traits import HasParent, NoTerminator
from xdsl.utils.exceptions import VerifyException

from spikeloom.dialects.number_text import Count, count, parse_count
from spikeloom.dialects.snn.crossbars_checks import (
    ClusterFacts,
    CrossbarsFacts,
    LayerFacts,
    check_crossbars,
)
from spikeloom.dialects.snn.crossbars_types import (
    LimitsAttr,
    NeuronsAttr,
    parse_neuron_lists,
    print_neuron_lists,
)
from spikeloom.dialects.snn.network import NetworkOp

KINDS = ("input", "neurons", "partial", "relay")
"""Of layers: inputs of the network, its neurons, partial sums of unrolled ones, repeaters."""

Member = TypeVar("Member", bound=Operation)


@irdl_op_definition
class CrossbarsOp(IRDLOperation):
    """A clustering of a network; `cut` says what its search gave up."""

    name = "snn.crossbars"

    network = prop_def(SymbolRefAttr)
    limits = prop_def(LimitsAttr)
    strategy = prop_def(StringAttr)
    cut = opt_prop_def(StringAttr)
    body = region_def("single_block")

    traits = traits_def(NoTerminator())

    def __init__(
        self, network: str, limits: LimitsAttr, strategy: str, cut: str | None, body: Region
    ):
        super().__init__(
            properties={
                "network": SymbolRefAttr(network),
                "limits": limits,
                "strategy": StringAttr(strategy),
                "cut": None if cut is None else StringAttr(cut),
            },
            regions=[body],
        )

    @property
    def layers(self) -> list[LayerOp]:
        """All layers in the order of the text."""
        return self._members(LayerOp)

    @property
    def clusters(self) -> list[ClusterOp]:
        """All clusters in the order of the text, which is that of their numbers."""
        return self._members(ClusterOp)

    @property
    def links(self) -> list[LinkOp]:
        """All links in the order of the text."""
        return self._members(LinkOp)

    def _members(self, kind: type[Member]) -> list[Member]:
        return [op for op in self.body.block.ops if isinstance(op, kind)]

    def verify_(self) -> None:
        parent = self.parent
        name = self.network.root_reference.data
        if parent is not None and not any(
            isinstance(op, NetworkOp) and op.sym_name.data == name for op in parent.ops
        ):
            raise VerifyException(f"there is no network @{name} in this module")
        check_crossbars(
            CrossbarsFacts(
                self.limits.limits,
                [op.facts for op in self.layers],
                [op.facts for op in self.clusters],
                [op.ends for op in self.links],
            )
        )

    @classmethod
    def parse(cls, parser: Parser) -> CrossbarsOp:
        network = parser.parse_symbol_name().data
        limits = LimitsAttr.new(LimitsAttr.parse_parameters(parser))
        parser.parse_keyword("strategy")
        strategy = parser.parse_str_literal()
        cut = parser.parse_str_literal() if parser.parse_optional_keyword("cut") else None
        attributes = parser.parse_optional_attr_dict_with_keyword()
        op = cls(network, limits, strategy, cut, parser.parse_region())
        if attributes is not None:
            op.attributes = dict(attributes.data)
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.network.root_reference.data)
        printer.print_string(" ")
        self.limits.print_parameters(printer)
        printer.print_string(" strategy ")
        printer.print_string_literal(self.strategy.data)
        if self.cut is not None:
            printer.print_string(" cut ")
            printer.print_string_literal(self.cut.data)
        printer.print_op_attributes(self.attributes, print_keyword=True)
        printer.print_string(" ")
        printer.print_region(self.body)


@irdl_op_definition
class LayerOp(IRDLOperation):
    """Neurons of one kind: `snn.layer "hidden" 128`, `snn.layer "hidden.partial" 512 partial`."""

    name = "snn.layer"

    layer = prop_def(StringAttr)
    units = prop_def(Count)
    kind = prop_def(StringAttr)
    delay = prop_def(Count)

    traits = traits_def(HasParent(CrossbarsOp))

    def __init__(self, layer: str, units: int, kind: str = "neurons", delay: int = 0):
        super().__init__(
            properties={
                "layer": StringAttr(layer),
                "units": count(units),
                "kind": StringAttr(kind),
                "delay": count(delay),
            }
        )

    @property
    def facts(self) -> LayerFacts:
        """What it says, as plain data."""
        name, is_input = self.layer.data, self.kind.data == "input"
        return LayerFacts(name, self.units.value.data, is_input, self.delay.value.data)

    def verify_(self) -> None:
        if self.kind.data not in KINDS:
            raise VerifyException(f"a layer is one of {', '.join(KINDS)}, got {self.kind.data}")
        for name, number in (("units", self.units), ("delay", self.delay)):
            if not 0 <= number.value.data < 2**31:
                raise VerifyException(f"{name} must lie in [0, 2^31), got {number.value.data}")

    @classmethod
    def parse(cls, parser: Parser) -> LayerOp:
        layer = parser.parse_str_literal()
        units = parse_count(parser).value.data
        kinds = (kind for kind in KINDS if parser.parse_optional_keyword(kind))
        kind = next(kinds, "neurons")
        delay = parse_count(parser).value.data if parser.parse_optional_keyword("after") else 0
        op = cls(layer, units, kind, delay)
        op.attributes = parser.parse_optional_attr_dict()
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_string_literal(self.layer.data)
        printer.print_string(f" {self.units.value.data}")
        if self.kind.data != "neurons":
            printer.print_string(f" {self.kind.data}")
        if self.delay.value.data:
            printer.print_string(f" after {self.delay.value.data}")
        printer.print_op_attributes(self.attributes)


@irdl_op_definition
class ClusterOp(IRDLOperation):
    """What one crossbar computes, and from which neurons' spikes; its synapses are counted."""

    name = "snn.cluster"

    number = prop_def(Count)
    computes = prop_def(ArrayAttr[NeuronsAttr])
    reads = prop_def(ArrayAttr[NeuronsAttr])
    synapses = prop_def(Count)

    traits = traits_def(HasParent(CrossbarsOp))

    def __init__(
        self,
        number: int,
        computes: Sequence[NeuronsAttr],
        reads: Sequence[NeuronsAttr],
        synapses: int,
    ):
        super().__init__(
            properties={
                "number": count(number),
                "computes": ArrayAttr(computes),
                "reads": ArrayAttr(reads),
                "synapses": count(synapses),
            }
        )

    @property
    def facts(self) -> ClusterFacts:
        """What it says, as plain data."""
        number, synapses = self.number.value.data, self.synapses.value.data
        return ClusterFacts(number, self.computes, self.reads, synapses)

    @classmethod
    def parse(cls, parser: Parser) -> ClusterOp:
        number = parse_count(parser).value.data
        parser.parse_keyword("computes")
        computes = parse_neuron_lists(parser)
        parser.parse_keyword("from")
        reads = parse_neuron_lists(parser)
        parser.parse_keyword("synapses")
        op = cls(number, list(computes), list(reads), parse_count(parser).value.data)
        op.attributes = parser.parse_optional_attr_dict()
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(f" {self.number.value.data} computes ")
        print_neuron_lists(printer, self.computes)
        printer.print_string(" from ")
        print_neuron_lists(printer, self.reads)
        printer.print_string(f" synapses {self.synapses.value.data}")
        printer.print_op_attributes(self.attributes)


@irdl_op_definition
class LinkOp(IRDLOperation):
    """`snn.link 0 -> 1 spikes 64 after 1`: spikes of one inference, used a time step later."""

    name = "snn.link"

    source = prop_def(Count)
    target = prop_def(Count)
    spikes = prop_def(Count)
    delay = prop_def(Count)

    traits = traits_def(HasParent(CrossbarsOp))

    def __init__(self, source: int, target: int, spikes: int, delay: int = 0):
        super().__init__(
            properties={
                "source": count(source),
                "target": count(target),
                "spikes": count(spikes),
                "delay": count(delay),
            }
        )

    @property
    def ends(self) -> tuple[int, int, int]:
        """Source, target and delay."""
        return self.source.value.data, self.target.value.data, self.delay.value.data

    def verify_(self) -> None:
        if self.spikes.value.data < 0:
            raise VerifyException(f"spikes are counted, got {self.spikes.value.data}")

    @classmethod
    def parse(cls, parser: Parser) -> LinkOp:
        source = parse_count(parser).value.data
        parser.parse_punctuation("->")
        target = parse_count(parser).value.data
        parser.parse_keyword("spikes")
        spikes = parse_count(parser).value.data
        delay = parse_count(parser).value.data if parser.parse_optional_keyword("after") else 0
        op = cls(source, target, spikes, delay)
        op.attributes = parser.parse_optional_attr_dict()
        return op

    def print(self, printer: Printer) -> None:
        ends = f"{self.source.value.data} -> {self.target.value.data}"
        printer.print_string(f" {ends} spikes {self.spikes.value.data}")
        if self.delay.value.data:
            printer.print_string(f" after {self.delay.value.data}")
        printer.print_op_attributes(self.attributes)
