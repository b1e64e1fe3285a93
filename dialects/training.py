"""How a network is trained: the attributes of `snn.train`."""

from __future__ import annotations

import math
from collections.abc import Sequence

from xdsl.dialects.builtin import DictionaryAttr, FloatAttr, IntegerAttr, StringAttr
from xdsl.dialects.utils import EnumAttribute
from xdsl.ir import Attribute, ParametrizedAttribute, SpacedOpaqueSyntaxAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.str_enum import StrEnum

from spikeloom.dialects.number_text import Real, parse_real, print_real, real


class LossKind(StrEnum):
    """What is minimised, on the output read out over time."""

    CROSS_ENTROPY = "cross_entropy"
    MSE = "mse"


@irdl_attr_definition
class LossAttr(EnumAttribute[LossKind], SpacedOpaqueSyntaxAttribute):
    """`#snn<loss cross_entropy>`."""

    name = "snn.loss"


class OptimizerKind(StrEnum):
    """How a gradient becomes an update."""

    SGD = "sgd"
    ADAM = "adam"
    ADAMW = "adamw"


OPTIMIZER_ARGUMENTS: dict[OptimizerKind, tuple[str, ...]] = {
    OptimizerKind.SGD: ("rate", "momentum"),
    OptimizerKind.ADAM: ("rate",),
    OptimizerKind.ADAMW: ("rate", "decay"),
}
"""The arguments of each optimizer in the order in which they are printed."""

ADAM_BETA1, ADAM_BETA2, ADAM_EPSILON = 0.9, 0.999, 1e-8
"""The constants of Kingma & Ba 2015, which the language does not let a program change."""


@irdl_attr_definition
class OptimizerKindAttr(EnumAttribute[OptimizerKind], SpacedOpaqueSyntaxAttribute):
    """`#snn<optimizer_kind adam>`."""

    name = "snn.optimizer_kind"


@irdl_attr_definition
class OptimizerAttr(ParametrizedAttribute):
    """`<sgd, rate 0.1, momentum 0.9>`, `<adam, rate 0.002>`, `<adamw, rate 0.002, decay 0.01>`."""

    name = "snn.optimizer"

    kind: OptimizerKindAttr
    rate: Real
    momentum: Real
    decay: Real

    @classmethod
    def get(
        cls, kind: OptimizerKind, *, rate: float, momentum: float = 0.0, decay: float = 0.0
    ) -> OptimizerAttr:
        """The optimizer with these values."""
        return cls(OptimizerKindAttr(kind), real(rate), real(momentum), real(decay))

    def _value(self, argument: str) -> Real:
        return {"rate": self.rate, "momentum": self.momentum, "decay": self.decay}[argument]

    def verify(self) -> None:
        """Raises VerifyException where a number lies outside its range."""
        rate, momentum, decay = (v.value.data for v in (self.rate, self.momentum, self.decay))
        if not (math.isfinite(rate) and rate > 0.0):
            raise VerifyException(f"the optimizer's rate must be above 0, got {rate}")
        if not 0.0 <= momentum < 1.0:
            raise VerifyException(f"the optimizer's momentum must lie in [0, 1), got {momentum}")
        if not (math.isfinite(decay) and decay >= 0.0):
            raise VerifyException(f"the optimizer's decay must not be negative, got {decay}")

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string(self.kind.data)
            for argument in OPTIMIZER_ARGUMENTS[self.kind.data]:
                printer.print_string(f", {argument} ")
                print_real(printer, self._value(argument))

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        values = {"rate": real(0.0), "momentum": real(0.0), "decay": real(0.0)}
        with parser.in_angle_brackets():
            kind = parser.parse_str_enum(OptimizerKind)
            for argument in OPTIMIZER_ARGUMENTS[kind]:
                parser.parse_punctuation(",")
                parser.parse_keyword(argument)
                values[argument] = parse_real(parser)
        return (OptimizerKindAttr(kind), values["rate"], values["momentum"], values["decay"])


DATA_ARGUMENTS: dict[str, dict[str, type]] = {
    "digits": {"encode": str, "test": float},
    "file": {"path": str, "encode": str, "test": float},
    "random": {"rate": float, "classes": int, "samples": int, "test": float},
    "delayed_match": {"symbols": int, "samples": int, "noise": float, "test": float},
}
"""The data sources and the arguments that each takes."""

ENCODINGS = ("rate", "latency", "direct")


@irdl_attr_definition
class DataAttr(ParametrizedAttribute):
    """`<digits {encode = "rate", test = 0.2 : f64}>`: where samples and labels come from."""

    name = "snn.data"

    source: StringAttr
    arguments: DictionaryAttr

    @property
    def expected_share(self) -> float | None:
        """The share of the input's cells that are not zero on average, where the source says it."""
        rate = self.arguments.data.get("rate")
        if self.source.data != "random" or not isinstance(rate, FloatAttr):
            return None
        share: float = rate.value.data
        return share if 0.0 <= share <= 1.0 else None

    def verify(self) -> None:
        """Raises VerifyException for an unknown source or argument or one of the wrong kind."""
        source = self.source.data
        if source not in DATA_ARGUMENTS:
            raise VerifyException(
                f"unknown data source {source!r}, expected one of {', '.join(DATA_ARGUMENTS)}"
            )
        expected = DATA_ARGUMENTS[source]
        kinds = {str: StringAttr, float: FloatAttr, int: IntegerAttr}
        for name, value in self.arguments.data.items():
            if name not in expected:
                raise VerifyException(f"data source {source!r} takes no argument {name!r}")
            if not isinstance(value, kinds[expected[name]]):
                raise VerifyException(
                    f"argument {name!r} of data source {source!r} must be of type "
                    f"{expected[name].__name__}"
                )

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_identifier_or_string_literal(self.source.data)
            printer.print_string(" ")
            printer.print_attr_dict(self.arguments.data)

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            source = parser.parse_identifier_or_str_literal()
            arguments = parser.parse_optional_dictionary_attr_dict()
        return (StringAttr(source), DictionaryAttr(arguments))
