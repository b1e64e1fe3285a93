"""The pipeline that `spikeloom` sends every program through, as text for each of its streams."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from spikeloom.diagnostics import error

if TYPE_CHECKING:
    from xdsl.passes import ModulePass

    from spikeloom.dialects.declared_shares import DeclaredShares

PREPARATION = "infer-shapes,canonicalize,cse,dce,{expand},canonicalize,cse,dce"
"""Every pipeline begins so; `{expand}` is expand-bptt with its options."""

PIPELINE = f"{PREPARATION},mask-gradients,{{analysis}}fuse-luts,schedule-engines,lower-to-engine"
"""The pipeline that `spikeloom` runs; `{analysis}` is empty, or `analyze-sparsity` with options."""


class PipelineText(Protocol):
    """The pipeline for one stream: as `spikeloom-opt -p` takes it, or what it was parsed to."""

    def __call__(self, *, training: bool, steps: int, batch: int) -> str | Sequence[ModulePass]: ...


def expansion_text(*, training: bool, steps: int, batch: int) -> str:
    """`expand-bptt` with the options for one stream."""
    return f"expand-bptt{{training={str(training).lower()} steps={steps} batch={batch}}}"


def pipeline_text(*, training: bool, steps: int, batch: int, analysis: str = "") -> str:
    """The pipeline for one stream, as `spikeloom-opt -p` takes it.

    `analysis` says for which densities it compiles; see `analysis_of`.
    """
    expansion = expansion_text(training=training, steps=steps, batch=batch)
    return open_pipeline_text(analysis, expansion)


def open_pipeline_text(analysis: str = "", expansion: str = "expand-bptt") -> str:
    """The pipeline with this expansion; by default one that leaves open for which stream."""
    return PIPELINE.format(expand=expansion, analysis=analysis)


def analysis_of(profile: Path | None, density: DeclaredShares | None = None) -> str:
    """What stands in front of `fuse-luts` for a profile, the JSON result of a run, or for declared
    densities; "" for neither.

    Raises:
        DiagnosticError: the file's name cannot be written in a pipeline, or there are both (E0405).
    """
    if profile is None:
        return "" if density is None else f'analyze-sparsity{{density="{density}"}},'
    if density is not None:
        message = "--profile and --density both say which densities to compile for"
        raise error("E0405", message, help="give one of them")
    name = str(profile)
    if any(letter in name for letter in '"\\\n\r'):
        message = f"a pipeline cannot name the file {name!r}"
        raise error("E0405", message, help="rename it: no quotes, backslashes or line ends")
    return f'analyze-sparsity{{profile="{name}"}},'
