"""Time and batch are never unrolled: IR, stream and compile work do not depend on them.

Between 4 and 400 steps, and batches of 1 and 1024, every size differs by at most 1 %.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from ir_stages import printed, stages
from xdsl.dialects.builtin import ModuleOp
from xdsl.pattern_rewriter import PatternRewriteWalker

from spikeloom.backend.encode import encode_program
from spikeloom.backend.image import Image
from spikeloom.backend.snx import encode_image
from spikeloom.dialects.engine import ProgramOp

EXAMPLES = Path(__file__).parents[1] / "examples"
SIZES = [(steps, batch) for steps in (4, 400) for batch in (1, 1024)]
TOLERANCE = 0.01


@dataclass(frozen=True)
class Sizes:
    """What one compilation produced and cost.

    Attributes:
        operations, characters: of the IR after each pass.
        records, stream_bytes: of the stream and its file.
        visits: operations that rewrite patterns were tried on.
    """

    operations: dict[str, int]
    characters: dict[str, int]
    records: int
    stream_bytes: int
    visits: int


def measure(program: str, steps: int, batch: int, monkeypatch: pytest.MonkeyPatch) -> Sizes:
    operations: dict[str, int] = {}
    characters: dict[str, int] = {}
    visits = 0
    process = PatternRewriteWalker.rewrite_region

    def counting(self: PatternRewriteWalker, region) -> bool:
        nonlocal visits
        visits += sum(1 for _ in region.walk())
        return process(self, region)

    module = ModuleOp([])
    with monkeypatch.context() as patch:
        patch.setattr(PatternRewriteWalker, "rewrite_region", counting)
        for name, module in stages(program, steps=steps, batch=batch):
            operations[name] = sum(1 for _ in module.walk())
            characters[name] = len(printed(module))
    (engine,) = (op for op in module.ops if isinstance(op, ProgramOp))
    stream = encode_program(engine)
    image = encode_image(Image("", "", (("train", stream),)))
    return Sizes(operations, characters, len(stream.instructions), len(image), visits)


def close(sizes: list[int]) -> bool:
    return max(sizes) - min(sizes) <= TOLERANCE * max(sizes)


@pytest.mark.parametrize("example", ["digits", "memory", "readout", "conv_digits"])
def test_sizes_do_not_depend_on_time_and_batch(
    example: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = (EXAMPLES / f"{example}.snn").read_text()
    measured = [measure(program, steps, batch, monkeypatch) for steps, batch in SIZES]
    names = list(measured[0].operations)
    assert names[0] == "frontend"
    assert names[-1] == "lower-to-engine"
    for name in names:
        assert close([each.operations[name] for each in measured]), f"operations after {name}"
        assert close([each.characters[name] for each in measured]), f"text after {name}"
    assert close([each.records for each in measured])
    assert close([each.stream_bytes for each in measured])
    assert measured[0].visits > 0
    assert len({each.visits for each in measured}) == 1
