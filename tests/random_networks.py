"""Random networks, the same for the same seed, that cover what the language can say.

Reset, surrogate, `detach_reset` and loss go through all their combinations as the seed counts
up, and depth beside them; everything else is drawn. Sizes are small and odd.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from snn_program import (
    Add,
    Expression,
    Flatten,
    Li,
    Lif,
    Linear,
    Loss,
    Name,
    Network,
    Neuron,
    Previous,
    Reset,
    Shape,
    Surrogate,
    SurrogateKind,
)

RESETS: tuple[Reset, ...] = ("zero", "subtract", "none")
SURROGATES: tuple[SurrogateKind, ...] = ("rectangle", "triangle", "fast_sigmoid", "atan")
LOSSES: tuple[Loss, ...] = ("cross_entropy", "mse")
COMBINATIONS = tuple(product(RESETS, SURROGATES, LOSSES, (False, True)))
"""What the first spiking layer of seed 0, 1, ... is, again and again."""

MAX_DEPTH, MAX_UNITS, MAX_STEPS, MAX_BATCH = 4, 70, 12, 9
INPUT = "signal"


def random_network(seed: int, optimizer: str = "sgd(rate = 0.01)") -> Network:
    """The network of a seed."""
    return _Draw(seed).network(optimizer)


class _Draw:
    """Builds one network, layer by layer and statement by statement."""

    def __init__(self, seed: int):
        self._random = np.random.default_rng([2024, seed])
        self._reset, self._surrogate, self._loss, self._detach = COMBINATIONS[
            seed % len(COMBINATIONS)
        ]
        # Shifted, so that depth does not go in step with what else has a period of four.
        self._depth = 1 + (seed + seed // 4 + seed // len(COMBINATIONS)) % MAX_DEPTH
        self._statements: list[tuple[str, Expression]] = []
        self._currents: dict[str, int] = {}
        self._has_spiking = False
        self._analog = self._chance(0.3)
        self._shape = self._input_shape()

    def network(self, optimizer: str) -> Network:
        before = self._source()
        for index in range(1, self._depth):
            before = self._hidden_layer(f"layer{index}", before)
        returned = self._output(before)
        return Network(
            input_kind="currents" if self._analog else "spikes",
            input_shape=self._shape,
            statements=tuple(self._statements),
            returned=returned,
            steps=self._between(1, 3) if self._chance(0.15) else self._between(4, MAX_STEPS),
            batch=self._between(1, MAX_BATCH),
            loss=self._loss,
            optimizer=optimizer,
        )

    def _chance(self, probability: float) -> bool:
        return bool(self._random.random() < probability)

    def _between(self, first: int, last: int) -> int:
        return int(self._random.integers(first, last + 1))

    def _units(self) -> int:
        """1 to 70, small ones more often."""
        return int(np.ceil(MAX_UNITS ** self._random.random()))

    def _input_shape(self) -> Shape:
        dimensions = self._between(2, 3) if self._chance(0.3) else 1
        if dimensions == 1:
            return (self._units(),)
        return tuple(self._between(1, 5) for _ in range(dimensions))

    def _name(self, name: str, value: Expression) -> Name:
        """A statement of that name."""
        self._statements.append((name, value))
        return Name(name)

    def _source(self) -> Expression:
        """The input as a vector; analog values sometimes charge neurons directly."""
        source: Expression = Name(INPUT)
        if self._analog and self._chance(0.3):
            source = self._name("retina", self._spiking(source))
        elif self._chance(0.1):
            source = Previous(source)
        if len(self._shape) > 1:
            source = Flatten(source)
            if self._chance(0.5):
                source = self._name("flat", source)
        return source

    def _hidden_layer(self, name: str, before: Expression) -> Expression:
        """One more layer: a statement of its own, or nested into what comes next."""
        if self._chance(0.15):
            return self._spiking(Linear(before, self._units(), self._chance(0.7)))
        layer = self._layer(name, before, self._units())
        return self._name(name, layer)

    def _layer(self, name: str, before: Expression, units: int) -> Expression:
        """The neurons of a statement `name`, with all that drives them."""
        residual = self._residual()
        if residual is not None:
            units = self._currents[residual]
        current = self._current(name, self._drive(name, before, units, residual), units)
        if self._has_spiking and self._chance(0.15):
            self._currents[name] = units
            return Li(current, self._decay())
        return self._spiking(current)

    def _residual(self) -> str | None:
        """An earlier statement whose currents are to be added, which then sets the units."""
        if not self._currents or self._chance(0.7):
            return None
        return str(self._random.choice(sorted(self._currents)))

    def _drive(
        self, name: str, before: Expression, units: int, residual: str | None
    ) -> list[Expression]:
        """Feed-forward currents, and sometimes recurrences, skips, delays and residuals."""
        terms: list[Expression] = [Linear(before, units, self._chance(0.7))]
        if residual is not None:
            terms.append(Name(residual) if self._chance(0.5) else Previous(Name(residual)))
        if self._chance(0.45):
            terms.append(self._recurrence(name, units))
        if self._chance(0.2):
            terms.append(Linear(self._delayed_input(), units, self._chance(0.5)))
        earlier = [each for each, _ in self._statements if each.startswith("layer")]
        if earlier and self._chance(0.3):
            skipped: Expression = Name(earlier[self._between(0, len(earlier) - 1)])
            skipped = Previous(skipped) if self._chance(0.3) else skipped
            terms.append(Linear(skipped, units, bias=False))
        return terms

    def _recurrence(self, name: str, units: int) -> Expression:
        """The layer's own past: delayed before or after its weights, once or twice."""
        match self._between(0, 4):
            case 0:
                return Linear(Previous(Previous(Name(name))), units, bias=False)
            case 1:
                return Previous(Linear(Name(name), units, self._chance(0.5)))
            case 2:
                narrow = Linear(Previous(Name(name)), self._units(), bias=False)
                return Linear(narrow, units, bias=False)
            case _:
                return Linear(Previous(Name(name)), units, self._chance(0.5))

    def _delayed_input(self) -> Expression:
        delayed: Expression = Previous(Name(INPUT))
        if self._chance(0.3):
            delayed = Previous(delayed)
        return Flatten(delayed) if len(self._shape) > 1 else delayed

    def _current(self, name: str, terms: list[Expression], units: int) -> Expression:
        """The sum: in place, or as a statement, which may feed itself or be used delayed."""
        if self._chance(0.6):
            return terms[0] if len(terms) == 1 else Add(tuple(terms))
        own = f"{name}_current"
        if self._chance(0.3):
            terms.append(Previous(Name(own)))
        total = self._name(own, terms[0] if len(terms) == 1 else Add(tuple(terms)))
        self._currents[own] = units
        return Add((total, Previous(Name(own)))) if self._chance(0.3) else total

    def _output(self, before: Expression) -> Expression:
        """Spikes, an integrator's potential or bare currents; a named one may be recurrent."""
        classes = self._between(2, 10)
        if self._chance(0.3):
            return self._name("readout", self._layer("readout", before, classes))
        terms: list[Expression] = [Linear(before, classes, self._chance(0.8))]
        hidden = [each for each, _ in self._statements if each.startswith("layer")]
        if hidden and self._chance(0.3):
            terms.append(Linear(Previous(Name(hidden[0])), classes, bias=False))
        current = terms[0] if len(terms) == 1 else Add(tuple(terms))
        if not self._has_spiking or self._chance(0.6):
            return self._spiking(current)
        return Li(current, self._decay()) if self._chance(0.7) else current

    def _spiking(self, current: Expression) -> Lif:
        """Neurons; the first ones, and most others, are what the seed says."""
        reset, surrogate, detach = self._reset, self._surrogate, self._detach
        if self._has_spiking and self._chance(0.4):
            reset = RESETS[self._between(0, 2)]
            surrogate = SURROGATES[self._between(0, 3)]
            detach = self._chance(0.5)
        self._has_spiking = True
        as_if = self._chance(0.15)
        neuron = Neuron(
            decay=1.0 if as_if else self._decay(),
            threshold=self._rounded(0.05, 0.6),
            reset=reset,
            surrogate=self._surrogate_shape(surrogate),
            detach_reset=detach,
        )
        return Lif(current, neuron, as_if)

    def _surrogate_shape(self, kind: SurrogateKind) -> Surrogate:
        if kind in ("rectangle", "triangle"):
            return Surrogate(kind, self._rounded(0.2, 1.2), self._rounded(0.5, 1.5))
        return Surrogate(kind, self._rounded(0.8, 10.0 if kind == "fast_sigmoid" else 3.0))

    def _decay(self) -> float:
        return 0.5 if self._chance(0.2) else self._rounded(0.2, 0.95)

    def _rounded(self, low: float, high: float) -> float:
        return round(float(self._random.uniform(low, high)), 2)
