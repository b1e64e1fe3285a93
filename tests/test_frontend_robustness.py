"""Nothing that can be written gives anything but a program or a diagnostic."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from spikeloom.diagnostics import DiagnosticError, SourceLocation, render
from spikeloom.frontend.limits import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_NESTING,
    MAX_OPERATIONS,
    MAX_STATEMENTS,
)
from spikeloom.frontend.program import parse_program, parse_program_bytes

ROOT = Path(__file__).parents[1]
SEEDS = [path.read_bytes() for path in sorted((ROOT / "examples").glob("*.snn"))]
HEAD = "network n(x: spikes[8]) -> spikes[8] {\n"
WORDS = (
    b"lif linear if li flatten previous return network train true false hidden image input spikes "
    b"conv2d maxpool2d sumpool2d batchnorm concat reshape block repeat basic x channels [1, 8, 8] "
    b'currents ( ) [ ] { } , : = + -> # " 0 1 -1 0.5 1e999 16777217 99999999999999999999999 . ; \n '
    b"\x00 \xff \xc3\xa9 \t rectangle(0.1) atan reset = subtract"
).split(b" ")


def code(program: str) -> str:
    with pytest.raises(DiagnosticError) as caught:
        parse_program(program, "n.snn")
    return caught.value.diagnostics[0].code


def mutated(data: bytes, generator: random.Random) -> bytes:
    for _ in range(generator.randint(1, 4)):
        start = generator.randrange(len(data) + 1)
        end = min(len(data), start + generator.choice((0, 1, 5, 40)))
        other = generator.choice(SEEDS)
        cut = generator.randrange(len(other))
        piece = generator.choice((b"", generator.choice(WORDS), other[cut : cut + 30]))
        data = data[:start] + piece + data[end:]
    return data


@pytest.mark.parametrize("seed", range(8))
def test_mutated_programs_are_refused_in_words(seed: int) -> None:
    generator = random.Random(seed)
    for _ in range(60):
        data = mutated(generator.choice(SEEDS), generator)
        lines = data.decode(errors="replace").split("\n")

        def read_line(location: SourceLocation, lines: list[str] = lines) -> str:
            return lines[location.line - 1]

        try:
            parse_program_bytes(data, "n.snn")
        except DiagnosticError as refused:
            for diagnostic in refused.diagnostics:
                assert diagnostic.location is not None
                assert render(diagnostic, read_line)


@pytest.mark.parametrize("seed", range(4))
def test_shuffled_words_are_refused_in_words(seed: int) -> None:
    generator = random.Random(seed)
    for _ in range(40):
        words = generator.choices(WORDS, k=generator.randint(1, 60))
        with pytest.raises(DiagnosticError):
            parse_program_bytes(b" ".join(words), "n.snn")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"network \xff", "not UTF-8"),
        (b"network\n\0", "NUL byte"),
        (b"#" * (MAX_BYTES + 1), "larger than 1024 KiB"),
    ],
)
def test_bytes_that_are_no_program(data: bytes, message: str) -> None:
    with pytest.raises(DiagnosticError, match=message):
        parse_program_bytes(data, "n.snn")


def test_lone_surrogates_are_refused() -> None:
    assert code("# \ud800") == "E0101"


def test_deep_nesting_is_refused_and_deepest_allowed_works() -> None:
    assert code(HEAD + "return " + "(" * 100_000) == "E0109"
    pairs = (MAX_NESTING - 2) // 2
    deepest = "lif(linear(" * pairs + "x" + ", 8))" * pairs
    parse_program(f"{HEAD} return {deepest} }}", "n.snn")


def test_too_many_statements_are_refused() -> None:
    statements = "".join(f"a{number} = x\n" for number in range(MAX_STATEMENTS + 1))
    assert code(f"{HEAD}{statements} return x }}") == "E0109"


def test_too_many_operations_are_refused() -> None:
    total = " + ".join(["linear(x, 8)"] * MAX_OPERATIONS)
    assert code(f"{HEAD} return lif({total}) }}") == "E0109"


def test_blocks_that_expand_without_end_are_refused() -> None:
    empty = "block b0(x: spikes) { return x }\n"
    for number in range(1, 9):
        inner = f"repeat 100 b{number - 1}(x)"
        empty += f"block b{number}(x: spikes) {{ return {inner} }}\n"
    assert code(f"{empty}{HEAD} return b8(x) }}") == "E0109"


def test_operations_of_blocks_count() -> None:
    block = "block b(x: spikes) { return lif(linear(x, 8)) }\n"
    times = MAX_OPERATIONS // 2
    parse_program(f"{block}{HEAD} return repeat {times - 1} b(x) }}", "n.snn")
    twice = f"a = repeat {times} b(x) return b(a)"
    assert code(f"{block}{HEAD} {twice} }}") == "E0109"


def test_blocks_inside_blocks_end_somewhere() -> None:
    def program(depth: int) -> str:
        blocks = "block b0(x: spikes) { return lif(linear(x, 8)) }\n"
        for number in range(1, depth):
            call = f"b{number - 1}(x)"
            blocks += f"block b{number}(x: spikes) {{ return {call} }}\n"
        return f"{blocks}{HEAD} return b{depth - 1}(x) }}"

    parse_program(program(MAX_DEPTH - 4), "n.snn")
    assert code(program(MAX_DEPTH + 1)) == "E0109"
    assert code(program(2000)) == "E0109"


def test_deep_operations_inside_deep_blocks_are_refused() -> None:
    pairs = (MAX_NESTING - 6) // 2
    blocks = "block b0(x: spikes) { return lif(linear(x, 8)) }\n"
    for number in range(1, 40):
        deep = "lif(linear(" * pairs + f"b{number - 1}(x)" + ", 8))" * pairs
        blocks += f"block b{number}(x: spikes) {{ return {deep} }}\n"
    assert code(f"{blocks}{HEAD} return b39(x) }}") == "E0109"


def test_endless_texts_and_numerals_are_refused() -> None:
    assert code(f"{HEAD} return lif(linear(x, {'9' * 10_000})) }}") == "E0106"
    assert code(f"{HEAD} return lif(linear(x, 8), decay = 0.{'9' * 10_000}e400) }}") == "E0106"
    assert code(f'train n {{ data = file("{"x" * 5000}") }}') == "E0109"
    assert code(f"{HEAD} return {'x' * 5000} }}") == "E0109"


def test_number_of_errors_is_bounded() -> None:
    statements = "".join(f"a{n} = lif(linear(y{n}, 8))\n" for n in range(100))
    with pytest.raises(DiagnosticError) as caught:
        parse_program(f"{HEAD}{statements} return a0 }}", "n.snn")
    assert len(caught.value.diagnostics) == 20
