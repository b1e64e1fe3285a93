"""Numbers of a machine file: each a table of value, unit and source, with its unit checked.

A source is a reference or the word "assumed"; a number without one is refused.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictInt

from spikeloom.dialects.instruction_set import MAX_TABLE_WIDTH

_LARGEST = 2**40
"""No number may be larger: products of a few of them still fit 64 bits."""


class Table(BaseModel):
    """A table of a machine file: unknown keys are refused, nothing can be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Number(Table):
    """A value with its unit and the source it was taken from (or "assumed")."""

    value: Annotated[StrictInt, Field(ge=0, le=_LARGEST)]
    unit: str
    source: Annotated[str, Field(min_length=1)]


class NumberList(Table):
    """Several values with their unit and their source."""

    value: tuple[Annotated[StrictInt, Field(ge=0, le=_LARGEST)], ...]
    unit: str
    source: Annotated[str, Field(min_length=1)]


def _check_list(numbers: NumberList, unit: str) -> NumberList:
    if numbers.unit != unit:
        raise ValueError(f"the unit must be `{unit}`, not `{numbers.unit}`")
    return numbers


def _check(number: Number, unit: str, least: int, most: int = _LARGEST) -> Number:
    if number.unit != unit:
        raise ValueError(f"the unit must be `{unit}`, not `{number.unit}`")
    if number.value < least:
        raise ValueError(f"the value must be at least {least}")
    if number.value > most:
        raise ValueError(f"the value must be at most {most}")
    return number


Megahertz = Annotated[Number, AfterValidator(partial(_check, unit="MHz", least=1))]
Rate = Annotated[Number, AfterValidator(partial(_check, unit="instructions/cycle", least=1))]
# Kernels hold distances inside an on-chip memory in 32 bits.
Bytes = Annotated[Number, AfterValidator(partial(_check, unit="bytes", least=0, most=2**31))]
Parts = Annotated[Number, AfterValidator(partial(_check, unit="parts", least=1, most=1024))]
Bandwidth = Annotated[Number, AfterValidator(partial(_check, unit="bytes/cycle", least=1))]
# 200 million instructions of the longest latency still fit 64 bits of cycles.
Cycles = Annotated[Number, AfterValidator(partial(_check, unit="cycles", least=1, most=2**24))]
Lanes = Annotated[Number, AfterValidator(partial(_check, unit="lanes", least=1))]
Rows = Annotated[Number, AfterValidator(partial(_check, unit="rows", least=1))]
TableInputs = Annotated[
    Number, AfterValidator(partial(_check, unit="inputs", least=0, most=MAX_TABLE_WIDTH))
]
Femtojoule = Annotated[Number, AfterValidator(partial(_check, unit="fJ", least=0))]
FemtojoulePerByte = Annotated[Number, AfterValidator(partial(_check, unit="fJ/byte", least=0))]
FemtojoulePerCycle = Annotated[Number, AfterValidator(partial(_check, unit="fJ/cycle", least=0))]
FemtojoulePerCyclePerMebibyte = Annotated[
    Number, AfterValidator(partial(_check, unit="fJ/cycle/MiB", least=0))
]
SquareMicrometre = Annotated[Number, AfterValidator(partial(_check, unit="um2", least=0))]
SquareNanometrePerBit = Annotated[Number, AfterValidator(partial(_check, unit="nm2/bit", least=0))]
SquareMillimetre = Annotated[Number, AfterValidator(partial(_check, unit="mm2", least=1))]
Nanometre = Annotated[Number, AfterValidator(partial(_check, unit="nm", least=1))]
Watt = Annotated[Number, AfterValidator(partial(_check, unit="W", least=1))]
GigaflopPerSecond = Annotated[Number, AfterValidator(partial(_check, unit="GFLOP/s", least=1))]
GigabytePerSecond = Annotated[Number, AfterValidator(partial(_check, unit="GB/s", least=1))]
Percent = Annotated[Number, AfterValidator(partial(_check, unit="percent", least=1, most=100))]

# Of machines of crossbars. A network has at most 2^24 neurons.
_NEURONS = 2**24
Tiles = Annotated[Number, AfterValidator(partial(_check, unit="tiles", least=1, most=1024))]
TileList = Annotated[NumberList, AfterValidator(partial(_check_list, unit="tiles"))]
Crossbars = Annotated[Number, AfterValidator(partial(_check, unit="crossbars", least=1))]
Destinations = Annotated[
    Number, AfterValidator(partial(_check, unit="crossbars", least=1, most=_NEURONS))
]
Bits = Annotated[Number, AfterValidator(partial(_check, unit="bits", least=0))]
BitsPerCycle = Annotated[Number, AfterValidator(partial(_check, unit="bits/cycle", least=1))]
Connections = Annotated[Number, AfterValidator(partial(_check, unit="connections", least=0))]
Inputs = Annotated[Number, AfterValidator(partial(_check, unit="inputs", least=1, most=_NEURONS))]
Neurons = Annotated[Number, AfterValidator(partial(_check, unit="neurons", least=1, most=_NEURONS))]
Synapses = Annotated[
    Number, AfterValidator(partial(_check, unit="synapses", least=1, most=_LARGEST))
]
Spikes = Annotated[Number, AfterValidator(partial(_check, unit="spikes", least=1, most=_NEURONS))]
# A connection may cost nothing but the time of its bits.
Hops = Annotated[Number, AfterValidator(partial(_check, unit="cycles", least=0, most=2**24))]
