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


def _lower_to_engine() -> type[ModulePass]:
    from spikeloom.passes.lower_to_engine import LowerToEnginePass

    return LowerToEnginePass


def _analyze_throughput() -> type[ModulePass]:
    from spikeloom.passes.analyze_throughput import AnalyzeThroughputPass

    return AnalyzeThroughputPass


def _cluster_crossbars() -> type[ModulePass]:
    from spikeloom.passes.cluster_crossbars import ClusterCrossbarsPass

    return ClusterCrossbarsPass


PASSES: dict[str, PassFactory] = {
    "infer-shapes": _infer_shapes,
    "expand-bptt": _expand_bptt,
    "analyze-sparsity": _analyze_sparsity,
    "lower-to-engine": _lower_to_engine,
    "analyze-throughput": _analyze_throughput,
    "cluster-crossbars": _cluster_crossbars,
}
"""Factories import late, so that listing the passes costs nothing."""
