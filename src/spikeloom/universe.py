"""Our dialects and passes for every tool of xDSL; each is imported when it is first used."""

from __future__ import annotations

from xdsl.ir import Dialect
from xdsl.passes import ModulePass
from xdsl.universe import Universe

from spikeloom.passes.registry import PASSES, PassFactory


def _snn() -> Dialect:
    from spikeloom.dialects.snn import SNN

    return SNN


def _bptt() -> Dialect:
    from spikeloom.dialects.bptt import BPTT

    return BPTT


def _engine() -> Dialect:
    from spikeloom.dialects.engine import ENGINE

    return ENGINE


def _sdf() -> Dialect:
    from spikeloom.dialects.sdf import SDF

    return SDF


def _extract_dataflow() -> type[ModulePass]:
    from spikeloom.extract_dataflow import ExtractDataflowPass

    return ExtractDataflowPass


ALL_PASSES: dict[str, PassFactory] = {**PASSES, "extract-dataflow": _extract_dataflow}
"""The passes of `spikeloom.passes`, and that which needs to know the machine from inside."""

SPIKELOOM_UNIVERSE = Universe(
    all_dialects={"snn": _snn, "bptt": _bptt, "sdf": _sdf, "engine": _engine},
    all_passes=dict(ALL_PASSES),
)
