"""What a run measured of a program's activity: the key `profile` of its JSON result.

A run writes it, `analyze-sparsity` reads it. Everything is counted in integers, so that sums over
batches are exact: a share is a pair [cells that are not zero, cells], [0, 0] where nothing was
counted.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Natural = Annotated[int, Field(ge=0)]


def _check_share(share: tuple[int, int]) -> tuple[int, int]:
    if share[0] > share[1]:
        raise ValueError(f"{share[0]} of {share[1]} cells is more than all of them")
    return share


Share: TypeAlias = Annotated[tuple[Natural, Natural], AfterValidator(_check_share)]

NOT_COUNTED = (0, 0)


def share_density(share: Share) -> Fraction | None:
    """The share as a number; None where nothing was counted."""
    return Fraction(*share) if share[1] else None


def _add(left: Share, right: Share) -> Share:
    return (left[0] + right[0], left[1] + right[1])


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class LayerActivity(_Record):
    """Spikes and mask bits that are one, and gradients of the currents that are not zero."""

    spikes: Share = NOT_COUNTED
    mask: Share = NOT_COUNTED
    gradients: Share = NOT_COUNTED

    def __add__(self, other: LayerActivity) -> LayerActivity:
        return LayerActivity(
            spikes=_add(self.spikes, other.spikes),
            mask=_add(self.mask, other.mask),
            gradients=_add(self.gradients, other.gradients),
        )


class Activity(_Record):
    """Of the input, and of every layer by name; sums over batches."""

    input: Share = NOT_COUNTED
    layers: dict[str, LayerActivity] = Field(default_factory=dict[str, LayerActivity])

    def __add__(self, other: Activity) -> Activity:
        names = {**self.layers, **other.layers}
        nothing = LayerActivity()
        return Activity(
            input=_add(self.input, other.input),
            layers={
                name: self.layers.get(name, nothing) + other.layers.get(name, nothing)
                for name in names
            },
        )


class ActivityProfile(Activity):
    """The activity of a network that ran for `steps` time steps per sample."""

    network: str
    steps: Annotated[int, Field(ge=1)]
