"""Shares of cells that are not zero, as a user declares them: `spikes=.17,mask=.36,gradients=.5`.

They hold for all layers alike. Counting mode expects them, and `analyze-sparsity` writes them into
the IR as what is expected.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from spikeloom.diagnostics import DiagnosticError, did_you_mean, error

EXAMPLE = "write spikes=.17,mask=.36,gradients=.5"


@dataclass(frozen=True)
class DeclaredShares:
    """Of the input, of the spikes that layers emit, of their masks and of their gradients.

    Each lies in [0, 1]; None stands for what nothing is said of.
    """

    input: float | None = None
    spikes: float | None = None
    mask: float | None = None
    gradients: float | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        """What is not said of layers, in the order of the fields."""
        return tuple(name for name in KINDS[1:] if getattr(self, name) is None)

    def __str__(self) -> str:
        """The text that `parse_shares` reads."""
        said = ((name, getattr(self, name)) for name in KINDS)
        return ",".join(f"{name}={share}" for name, share in said if share is not None)


KINDS = tuple(field.name for field in fields(DeclaredShares))


def parse_shares(text: str, option: str) -> DeclaredShares:
    """The shares in a text; that of the input is that of spikes if it is left out.

    `option` is what errors call the text.

    Raises:
        DiagnosticError: E0405, it is written in another way, or a share is not in [0, 1].
    """
    found: dict[str, float] = {}
    for part in text.split(","):
        name, _, number = (piece.strip() for piece in part.partition("="))
        if name not in KINDS:
            words = f"there is no density `{name}`"
            raise wrong_shares(option, words, did_you_mean(name, KINDS))
        if name in found:
            raise wrong_shares(option, f"`{name}` is given twice", EXAMPLE)
        found[name] = _share(option, name, number)
    if "spikes" in found:
        found.setdefault("input", found["spikes"])
    return DeclaredShares(**found)


def _share(option: str, name: str, number: str) -> float:
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not 0.0 <= value <= 1.0:
        words = f"`{name}` is {number or 'empty'}, not a number from 0 to 1"
        raise wrong_shares(option, words, EXAMPLE)
    return value


def wrong_shares(option: str, words: str, help: str) -> DiagnosticError:
    """The error for shares that `option` cannot take."""
    return error("E0405", f"{option}: {words}", help=help)
