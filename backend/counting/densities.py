"""Shares of cells that are not zero, as counting mode takes them: given, or from a profile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from spikeloom.dialects.activity_profile import ActivityProfile, share_density
from spikeloom.dialects.declared_shares import EXAMPLE, parse_shares, wrong_shares

OPTION = "--density"


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
    shares = parse_shares(text, OPTION)
    input, spikes, mask, gradients = shares.input, shares.spikes, shares.mask, shares.gradients
    if spikes is None or mask is None or gradients is None:
        words = f"the density of `{shares.missing[0]}` is missing"
        raise wrong_shares(OPTION, words, EXAMPLE)
    return Densities(spikes if input is None else input, LayerDensities(spikes, mask, gradients))


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
