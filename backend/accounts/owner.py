"""To whom the counts of an instruction belong, and a ledger of all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from spikeloom.dialects.instruction_set import Engine


class Owner(NamedTuple):
    """To whom an instruction's counts belong: `location` is `file:line:col`, or ""."""

    engine: Engine
    layer: str
    location: str


Ledger = Mapping[Owner, Sequence[int]]
"""Counts [quantities] by owner, as Python integers: a long training run exceeds 64 bits."""
