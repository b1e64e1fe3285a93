"""Shares of cells that are not zero, as counting mode takes them: given, or from a profile."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

from spikeloom.diagnostics import DiagnosticError, did_you_mean, error
from spikeloom.dialects.activity_profile import ActivityProfile, share_density

KINDS = ("input", "spikes", "mask", "gradients")
EXAMPLE = "write --density spikes=.17,mask=.36,gradients=.5"


@dataclass(frozen=True)
class LayerDensities:
    """Of a layer's spikes, its mask and the gradients of its currents; in [0, 1]."""

    spikes: float = 1.0
    mask: float = 1.0
    gradients: float = 1.0


@dataclass(frozen=True)
class Densities:
    """Of the input and of every layer; `layers` holds those that differ from `others`."""

    input: float = 1.0
    others: LayerDensities = LayerDensities()
    layers: Mapping[str, LayerDensities] = field(default_factory=dict[str, LayerDensities])

    def of_layer(self, layer: str) -> LayerDensities:
        """The densities of a layer."""
        return self.layers.get(layer, self.others)


def parse_densities(text: str) -> Densities:
    """The densities in `spikes=.17,mask=.36,gradients=.5`; `input` is that of spikes if left out.

    Raises:
        DiagnosticError: E0405, it is written in another way, one is missing or not in [0, 1].
    """
    found: dict[str, float] = {}
    for part in text.split(","):
        name, _, number = (piece.strip() for piece in part.partition("="))
        if name not in KINDS:
            raise _wrong(f"there is no density `{name}`", did_you_mean(name, KINDS))
        if name in found:
            raise _wrong(f"`{name}` is given twice", EXAMPLE)
        found[name] = _density(name, number)
    for field_ in fields(LayerDensities):
        if field_.name not in found:
            raise _wrong(f"the density of `{field_.name}` is missing", EXAMPLE)
    input = found.pop("input", found["spikes"])
    return Densities(input, LayerDensities(**found))


def profile_densities(profile: ActivityProfile) -> Densities:
    """The densities that a run measured; what it did not count is taken to be full."""
    layers = {
        name: LayerDensities(
            **{
                kind: float(density)
                for kind in ("spikes", "mask", "gradients")
                if (density := share_density(getattr(activity, kind))) is not None
            }
        )
        for name, activity in profile.layers.items()
    }
    measured = share_density(profile.input)
    return replace(Densities(layers=layers), input=1.0 if measured is None else float(measured))


def _density(name: str, number: str) -> float:
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not 0.0 <= value <= 1.0:
        raise _wrong(f"`{name}` is {number or 'empty'}, not a number from 0 to 1", EXAMPLE)
    return value


def _wrong(words: str, help: str) -> DiagnosticError:
    return error("E0405", f"--density: {words}", help=help)
