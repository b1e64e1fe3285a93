"""Time and batch are never unrolled: IR, stream and compile work do not depend on them.

Between 4 and 400 steps, and batches of 1 and 1024, every size differs by at most 1 % where layers
accumulate in the same way, layer by layer as well as in the groups of samples that the compiler
chooses. Which way of accumulating is cheapest depends on the rows of a step, and tables need an
instruction to build them: where the compiler chooses that too, sizes differ by at most 5 %.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from ir_stages import printed, stages
from xdsl.dialects.builtin import ModuleOp
from xdsl.pattern_rewriter import PatternRewriteWalker

from spikeloom.backend.snx import encode_image
from spikeloom.backend.snx.image import Image
from spikeloom.backend.stream.encode import encode_program
from spikeloom.dialects.engine import ProgramOp
from spikeloom.dialects.schedule import GROUP

EXAMPLES = Path(__file__).parents[1] / "examples"
SIZES = [(steps, batch) for steps in (4, 400) for batch in (1, 1024)]
TOLERANCE = 0.01
TOLERANCE_OF_CHOICES = 0.05
NUMBER = re.compile(r"0x[0-9a-f]+|[0-9]+")
"""Counts and addresses: their digits grow as the logarithm of time and batch, so they are one."""


@dataclass(frozen=True)
class Sizes:
    """What one compilation produced and cost.

    Attributes:
        operations, characters: of the IR after each pass.
        records, stream_bytes: of the stream and its file.
        visits: operations that rewrite patterns were tried on.
        grouped: whether groups of samples go through the whole step.
    """

    operations: dict[str, int]
    characters: dict[str, int]
    records: int
    stream_bytes: int
    visits: int
    grouped: bool


def measure(
    program: str,
    steps: int,
    batch: int,
    monkeypatch: pytest.MonkeyPatch,
    accumulate: str | None = None,
    groups: str = "auto",
) -> Sizes:
    operations: dict[str, int] = {}
    characters: dict[str, int] = {}
    visits, grouped = 0, False
    process = PatternRewriteWalker.rewrite_region

    def counting(self: PatternRewriteWalker, region) -> bool:
        nonlocal visits
        visits += sum(1 for _ in region.walk())
        return process(self, region)

    module = ModuleOp([])
    with monkeypatch.context() as patch:
        patch.setattr(PatternRewriteWalker, "rewrite_region", counting)
        passed = stages(program, steps=steps, batch=batch, accumulate=accumulate, groups=groups)
        for name, module in passed:
            grouped |= any(GROUP in op.attributes for op in module.ops)
            operations[name] = sum(1 for _ in module.walk())
            characters[name] = len(NUMBER.sub("0", printed(module)))
    (engine,) = (op for op in module.ops if isinstance(op, ProgramOp))
    stream = encode_program(engine)
    image = encode_image(Image("", "", (("train", stream),)))
    return Sizes(operations, characters, len(stream.instructions), len(image), visits, grouped)


def close(sizes: list[int], tolerance: float = TOLERANCE) -> bool:
    return max(sizes) - min(sizes) <= tolerance * max(sizes)


def assert_alike(measured: Sequence[Sizes], tolerance: float) -> None:
    for name in measured[0].operations:
        operations = [each.operations[name] for each in measured]
        characters = [each.characters[name] for each in measured]
        assert close(operations, tolerance), f"operations after {name}"
        assert close(characters, tolerance), f"text after {name}"
    assert close([each.records for each in measured], tolerance)
    assert close([each.stream_bytes for each in measured], tolerance)


examples = pytest.mark.parametrize("example", ["digits", "memory", "readout", "conv_digits"])


@examples
def test_sizes_do_not_depend_on_time_and_batch(
    example: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = (EXAMPLES / f"{example}.snn").read_text()
    measured = [measure(program, *size, monkeypatch, "events", "off") for size in SIZES]
    names = list(measured[0].operations)
    assert names[0] == "frontend"
    assert names[-1] == "lower-to-engine"
    assert_alike(measured, TOLERANCE)
    assert measured[0].visits > 0
    assert len({each.visits for each in measured}) == 1


@examples
def test_groups_are_as_long_for_any_time_and_batch_and_shorter_than_layers(
    example: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = (EXAMPLES / f"{example}.snn").read_text()
    measured = [measure(program, *size, monkeypatch, "events") for size in SIZES]
    assert_alike(measured, TOLERANCE)
    assert len({each.visits for each in measured}) == 1
    assert {each.grouped for each in measured} == {example in ("digits", "readout")}
    if measured[0].grouped:
        layers = measure(program, *SIZES[0], monkeypatch, "events", "off")
        assert measured[0].records < layers.records
        assert measured[0].stream_bytes < layers.stream_bytes


@examples
def test_choices_hardly_change_sizes(example: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = (EXAMPLES / f"{example}.snn").read_text()
    measured = [measure(program, *size, monkeypatch) for size in SIZES]
    assert_alike(measured, TOLERANCE_OF_CHOICES)
    assert len({each.visits for each in measured}) == 1
