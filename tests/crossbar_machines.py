"""Machines of crossbars for tests: the bundled one with other numbers."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

SMALL = {
    "rows": 2,
    "columns": 3,
    "connections": 6,
    "inputs": 8,
    "outputs": 8,
    "crosspoints": 64,
    "fan_in": 8,
    "input_buffer": 8,
    "output_buffer": 8,
}
"""Six tiles with crossbars of 8 x 8."""


def machine_file(folder: Path, name: str = "chip.toml", **numbers: int | list[int]) -> Path:
    """The bundled machine with other values of some keys, written to a file."""
    text = (resources.files("spikeloom.backend") / "machines" / "dynapse.toml").read_text()
    for key, value in numbers.items():
        text, found = re.subn(
            rf"^{key} = {{ value = [^,]*,", f"{key} = {{ value = {value},", text, flags=re.M
        )
        assert found == 1, key
    path = folder / name
    path.write_text(text)
    return path


def small_machine_file(folder: Path, **numbers: int | list[int]) -> Path:
    """The small machine, with other values of some keys."""
    return machine_file(folder, "small.toml", **{**SMALL, **numbers})
