"""Pipelines of passes over programs that are executed after every pass."""

from __future__ import annotations

from itertools import product

from programs import LEARNING
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.transforms import get_all_passes

from spikeloom.ablation.variants import ACCUMULATIONS, SPARSITIES
from spikeloom.backend.machine.description import load_machine
from spikeloom.compiler import attach_machine, new_context
from spikeloom.frontend.program import parse_program
from spikeloom.keep_locations import keep_locations
from spikeloom.pass_pipeline import parse_passes
from spikeloom.passes.registry import PASSES
from spikeloom.verification.pipeline_verifier import PipelineVerifier
from spikeloom.verification.sizes import Sizes

OPTIMIZERS = (
    "sgd(rate = 0.1, momentum = 0.5)",
    "adam(rate = 0.01)",
    "adamw(rate = 0.01, decay = 0.1)",
)
FORWARD = "infer-shapes,canonicalize,cse,dce"
TRAINING = f"{FORWARD},expand-bptt,canonicalize,cse,dce"
COMBINATIONS = tuple(product(ACCUMULATIONS, SPARSITIES))
WHOLE = f"{TRAINING},analyze-sparsity,lower-to-engine"


CONVOLUTIONAL = LEARNING.replace("spikes[6]", "spikes[2, 6, 6]").replace(
    "hidden = lif(linear(x, 5))",
    "a = lif(batchnorm(conv2d(x, 3)))\n    hidden = lif(linear(flatten(avgpool2d(a, 2)), 5))",
)


def passes_of(pipeline: str) -> tuple[ModulePass, ...]:
    """The passes that a pipeline names."""
    return parse_passes(pipeline, {**get_all_passes(), **PASSES})


def apply(current: ModulePass, module: ModuleOp) -> None:
    """Applies a pass as the driver does."""
    with keep_locations():
        current.apply(new_context(), module)
    module.verify()


def verify(
    text: str, passes: tuple[ModulePass, ...], sizes: Sizes | None = None
) -> PipelineVerifier:
    """Sends a program through passes, executing it after each."""
    module = parse_program(text, "program.snn")
    attach_machine(module, load_machine())
    verifier = PipelineVerifier(module, passes, load_machine, sizes)
    for current in passes:
        verifier.after(current, apply)
    return verifier
