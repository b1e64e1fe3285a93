"""How much of a program is executed to verify it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Time steps and samples."""

    steps: int
    batch: int
