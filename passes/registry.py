"""All passes of Spikeloom, by the name that a pipeline spells; the one place to add one."""

from __future__ import annotations

from collections.abc import Callable

from xdsl.passes import ModulePass

PassFactory = Callable[[], type[ModulePass]]


def _infer_shapes() -> type[ModulePass]:
    from spikeloom.passes.infer_shapes import InferShapesPass

    return InferShapesPass


def _expand_bptt() -> type[ModulePass]:
    from spikeloom.passes.expand_bptt import ExpandBpttPass

    return ExpandBpttPass


def _analyze_sparsity() -> type[ModulePass]:
    from spikeloom.passes.analyze_sparsity import AnalyzeSparsityPass

    return AnalyzeSparsityPass


def _mask_gradients() -> type[ModulePass]:
    from spikeloom.passes.mask_gradients import MaskGradientsPass

    return MaskGradientsPass


def _fuse_luts() -> type[ModulePass]:
    from spikeloom.passes.fuse_luts import FuseLutsPass

    return FuseLutsPass


def _schedule_engines() -> type[ModulePass]:
    from spikeloom.passes.schedule_engines import ScheduleEnginesPass

    return ScheduleEnginesPass


def _lower_to_engine() -> type[ModulePass]:
    from spikeloom.passes.lower_to_engine import LowerToEnginePass

    return LowerToEnginePass


PASSES: dict[str, PassFactory] = {
    "infer-shapes": _infer_shapes,
    "expand-bptt": _expand_bptt,
    "analyze-sparsity": _analyze_sparsity,
    "mask-gradients": _mask_gradients,
    "fuse-luts": _fuse_luts,
    "schedule-engines": _schedule_engines,
    "lower-to-engine": _lower_to_engine,
}
"""Factories import late, so that listing the passes costs nothing."""
