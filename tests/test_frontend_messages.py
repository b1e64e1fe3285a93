"""Every mistake in a program has one message; tests/golden/frontend holds both.

After a deliberate change: `pytest tests/test_frontend_messages.py --update-golden`, and read the
difference.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from spikeloom.diagnostics import CODES, DiagnosticError, SourceLocation, render
from spikeloom.frontend.program import parse_program_bytes

PROGRAMS = sorted((Path(__file__).parent / "golden" / "frontend").glob("*.snn"))


def messages(data: bytes, filename: str) -> str:
    lines = data.decode().splitlines()

    def read_line(location: SourceLocation) -> str | None:
        return lines[location.line - 1] if location.line <= len(lines) else None

    with pytest.raises(DiagnosticError) as caught:
        parse_program_bytes(data, filename)
    return "\n".join(render(each, read_line) for each in caught.value.diagnostics) + "\n"


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_message(program: Path, assert_golden: Callable[[Path, str], None]) -> None:
    assert_golden(program.with_suffix(".txt"), messages(program.read_bytes(), program.name))


def test_every_code_of_the_language_has_a_program() -> None:
    texts = "".join(program.with_suffix(".txt").read_text() for program in PROGRAMS)
    missing = [code for code in CODES if code.startswith("E01") and f"[{code}]" not in texts]
    assert missing == []


def test_every_golden_message_has_its_program() -> None:
    texts = {path.stem for path in PROGRAMS[0].parent.glob("*.txt")}
    assert texts == {path.stem for path in PROGRAMS}
