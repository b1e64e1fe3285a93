"""10,000 mutated programs, modules and images: each ends in a result or in a diagnostic.

No traceback, no hang, no unbounded memory, and no error that blames something else than the
input: a pass of ours never fails with an exception of Python's.
"""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from fuzzing import Mutator, bounded_memory, watched
from fuzzing_seeds import (
    MODULE_WORDS,
    PROGRAM_SEEDS,
    PROGRAM_WORDS,
    image_seeds,
    module_seeds,
    mutated_image,
)

from spikeloom.backend.machine.description import load_machine
from spikeloom.backend.snx import decode_image, encode_image
from spikeloom.backend.validation.validator import validate
from spikeloom.compiler import compile_stream
from spikeloom.default_pipeline import pipeline_text
from spikeloom.diagnostics import CODES, DiagnosticError
from spikeloom.frontend.program import parse_program_bytes
from spikeloom.opt import main

PROGRAMS, MODULES, IMAGES = 5000, 1500, 3500
ROUNDS, PARTS = 10, 15
EACH_PART = ("--split-input-file", "--parsing-diagnostics", "--verify-diagnostics")
MACHINE = load_machine()
_HEADLINE = re.compile(r"^(?:\S.*:\d+:\d+: )?error: .+ \[(E\d+)\]$")


def codes(error: DiagnosticError) -> set[str]:
    """The codes of what was raised, each message a single line."""
    assert error.diagnostics
    for diagnostic in error.diagnostics:
        assert "\n" not in diagnostic.message
        assert diagnostic.message.isprintable() or diagnostic.location is not None
    return {diagnostic.code for diagnostic in error.diagnostics}


def generator(kind: int, round: int) -> random.Random:
    return random.Random(1000 * kind + round)


@pytest.mark.parametrize("round", range(ROUNDS))
def test_mutated_programs(round: int) -> None:
    source = generator(1, round)
    mutator = Mutator(source, PROGRAM_SEEDS, PROGRAM_WORDS)
    allowed = {code for code in CODES if code.startswith("E01")} | {"E0204", "E0302"}
    pipeline = pipeline_text(training=True, steps=3, batch=2)
    with bounded_memory():
        for _ in range(PROGRAMS // ROUNDS):
            data = mutator.mutated(source.choice(PROGRAM_SEEDS))
            refused: set[str] = set()
            try:
                with watched():
                    module = parse_program_bytes(data, "program.snn")
                    if source.random() < 0.1:
                        stream = compile_stream(module, MACHINE, pipeline)
                        validate(stream, MACHINE.memory_bytes)
            except DiagnosticError as problem:
                refused = codes(problem)
            assert refused <= allowed, data


@pytest.mark.parametrize("round", range(ROUNDS))
def test_mutated_modules(round: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Many modules are parts of one file, which spares the driver's start for each of them."""
    source = generator(2, round)
    seeds = module_seeds()
    mutator = Mutator(source, [text for text, _ in seeds], MODULE_WORDS)
    path = tmp_path / "module.mlir"
    with bounded_memory():
        for _ in range(MODULES // ROUNDS // PARTS):
            _, pipeline = source.choice(seeds)
            texts = [text for text, its_pipeline in seeds if its_pipeline == pipeline]
            parts = [mutator.mutated(source.choice(texts)) for _ in range(PARTS)]
            path.write_bytes(parts[0])
            with watched():
                code = main([str(path), "-p", pipeline])
            check_single(code, capsys.readouterr().err, parts[0])
            path.write_bytes(b"\n// -----\n".join(parts))
            with watched():
                code = main([str(path), "-p", pipeline, *EACH_PART])
            captured = capsys.readouterr()
            assert (code, captured.err) == (0, ""), b"\n// -----\n".join(parts)
            results = re.split(r"^// -----\n", captured.out, flags=re.MULTILINE)
            for result in results:
                check_part(result)


def check_single(code: int, stderr: str, data: bytes) -> None:
    """A result, or diagnostics and exit code 1."""
    if code == 0:
        assert stderr == "", data
        return
    assert code == 1, (stderr, data)
    assert "Traceback" not in stderr, data
    check_part(stderr)


def check_part(text: str) -> None:
    """IR, or diagnostics of which the first begins with a headline and blames the input."""
    first = text.split("\n")[0]
    if not (headline := _HEADLINE.match(first)):
        assert first in ("builtin.module {", '"builtin.module"() ({', ""), text
        return
    assert headline[1] in ("E0105", "E0201", "E0202", "E0204", "E0302"), text
    for words in ("cannot handle this IR", "not well formed after", "not enough memory"):
        assert words not in first


@pytest.mark.parametrize("round", range(ROUNDS))
def test_mutated_images(round: int) -> None:
    source = generator(3, round)
    seeds = image_seeds()
    with bounded_memory():
        for _ in range(IMAGES // ROUNDS):
            data = mutated_image(source, source.choice(seeds), seeds)
            refused: set[str] = set()
            try:
                with watched():
                    image = decode_image(data, "program.snx")
                    assert encode_image(image) == data
                    for _, stream in image.streams:
                        validate(stream, MACHINE.memory_bytes)
            except DiagnosticError as problem:
                refused = codes(problem)
            assert refused <= {"E0303", "E0304"}, data
