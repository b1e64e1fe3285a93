"""Our dialects and passes for every tool of xDSL; each is imported when it is first used."""

from __future__ import annotations

from xdsl.ir import Dialect
from xdsl.universe import Universe

from spikeloom.passes.registry import PASSES


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


SPIKELOOM_UNIVERSE = Universe(
    all_dialects={"snn": _snn, "bptt": _bptt, "sdf": _sdf, "engine": _engine},
    all_passes=dict(PASSES),
)
