"""Where every value of a step lives in DRAM, before anything is lowered.

Each computed value has a *home*, a buffer `[planes, samples, positions, features]` with a plane
per time step. Delays, advances, reshapes of vectors, and what a scan hands on are no work at all:
they are views of a home, shifted in time. A home gets as many extra planes of zeros, before and
after, as its views ask for, and as many rows of zeros, above and below its images, as the halos of
banded windows do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from xdsl.dialects.builtin import i1
from xdsl.ir import Operation, SSAValue

from spikeloom.diagnostics import DiagnosticError, error
from spikeloom.dialects import bptt
from spikeloom.dialects.instruction_set import Element, Shape
from spikeloom.dialects.locations import location_of
from spikeloom.passes.engine.images import image_of


@dataclass
class Home:
    """A value's buffer in DRAM.

    Attributes:
        shape: of the data, without any zeros around them.
        timed: whether there is a plane per time step, or a single one.
        width: positions of a row of an image.
        lead, trail: planes of zeros before the first and after the last step.
        margin: rows of zeros above and below an image; the host finds the image between them.
        role: what the host knows it as.
    """

    name: str
    element: Element
    shape: Shape
    timed: bool
    width: int = 1
    lead: int = 0
    trail: int = 0
    margin: int = 0
    role: tuple[str, str] | None = None

    @property
    def padded_shape(self) -> Shape:
        """The buffer's shape, planes and rows of zeros included."""
        planes, samples, positions, features = self.shape
        return (
            planes + self.lead + self.trail,
            samples,
            positions + 2 * self.margin_positions,
            features,
        )

    @property
    def margin_positions(self) -> int:
        """Positions above the image."""
        return self.margin * self.width


@dataclass(frozen=True)
class View:
    """A value as its home moved along time: at step t it is the home's step t + shift."""

    home: Home
    shift: int = 0


@dataclass
class Layout:
    """The views of all values of one step.

    `carried` says of a scan's carried argument which value it was, and how many steps ago.
    """

    steps: int
    samples: int
    views: dict[SSAValue, View] = field(default_factory=dict[SSAValue, View])
    homes: list[Home] = field(default_factory=list[Home])
    _names: set[str] = field(default_factory=set[str])
    carried: dict[SSAValue, tuple[SSAValue, int]] = field(
        default_factory=dict[SSAValue, tuple[SSAValue, int]]
    )
    _resolving: set[SSAValue] = field(default_factory=set[SSAValue])

    def view(self, value: SSAValue) -> View:
        """Where a value lives.

        Raises:
            DiagnosticError: a scan hands a value on to itself and never computes it (E0204).
        """
        if value in self.views:
            return self.views[value]
        source, shift = self.carried[value]
        if value in self._resolving:
            raise self._never_computed(value)
        self._resolving.add(value)
        original = self.view(source)
        self._resolving.discard(value)
        return self.place_shifted(value, original, shift)

    def new_home(
        self, name: str, element: Element, shape: Shape, timed: bool, width: int = 1
    ) -> Home:
        """A home under a name that is not taken yet."""
        unique, number = name, 1
        while unique in self._names:
            number += 1
            unique = f"{name}.{number}"
        self._names.add(unique)
        home = Home(unique, element, shape, timed, width)
        self.homes.append(home)
        return home

    def place_activation(self, value: SSAValue, name: str, timed: bool) -> None:
        """A new home for spikes, masks, currents, potentials or their gradients."""
        image = image_of(value)
        element = Element.BIT if bptt.tensor_of(value).element_type == i1 else Element.F32
        planes = self.steps if timed else 1
        shape = (planes, self.samples, image.positions, image.features)
        self.views[value] = View(self.new_home(name, element, shape, timed, image.width))

    def place_parameter_like(self, value: SSAValue, name: str) -> None:
        """A new home for what has the shape of a parameter: a gradient, or a statistic."""
        shape = parameter_shape(bptt.tensor_of(value).get_shape())
        self.views[value] = View(self.new_home(name, Element.F32, shape, False))

    def place_shifted(self, value: SSAValue, original: View, shift: int) -> View:
        """A view of a value that has a place, `shift` steps later in its home."""
        home, total = original.home, original.shift + shift
        home.lead, home.trail = max(home.lead, -total), max(home.trail, total)
        self.views[value] = View(home, total)
        return self.views[value]

    def _never_computed(self, value: SSAValue) -> DiagnosticError:
        owner = value.owner
        place = owner if isinstance(owner, Operation) else owner.parent_op()
        return error(
            "E0204",
            "a scan hands this value on to itself without ever computing it",
            None if place is None else location_of(place),
        )


def parameter_shape(shape: Sequence[int]) -> Shape:
    """The buffer of a tensor of the language: [out, in], [out] or [out, in, height, width]."""
    outputs, *inputs = shape
    taps = math.prod(inputs[1:])
    return (taps, 1, inputs[0] if inputs else 1, outputs)
