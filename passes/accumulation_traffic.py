"""How long the DMA queues move the tiles of a nest of sums, beside the engine that adds.

Every tile of outputs loads all inputs again, and so does a weight gradient's tile of inputs with
the gradients. Weights are loaded once where they stay on chip, else with every tile of rows. Tables
take room, so that there may be more of these tiles than without.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from spikeloom.dialects.instruction_set import Engine
from spikeloom.passes.accumulation_cost import WORD, Cuts, cells, cuts, pieces
from spikeloom.passes.engine.sum_plans import NestPlan


@dataclass(frozen=True)
class Traffic:
    """Tiles that are loaded and stored, and their bytes."""

    loads: int
    loaded: int
    stores: int
    stored: int

    def cycles(self, rates: Mapping[str, int], load: Engine, store: Engine) -> int:
        """Cycles of the queue that is longer busy; 0 where the rates are not known."""
        if not rates:
            return 0
        latency = rates["dram_latency"]
        queues = ((load, self.loads, self.loaded), (store, self.stores, self.stored))
        return max(n * latency + -(-size // rates[queue.value]) for queue, n, size in queues)


@dataclass(frozen=True)
class Tiled:
    """A nest in tiles: images of a sample at a step, bands of rows, inputs and outputs."""

    images: Cuts
    bands: Cuts
    input_pixels: int
    inputs: Cuts
    outputs: Cuts

    @staticmethod
    def of(plan: NestPlan, images: Cuts, tiles: Mapping[str, int], inputs: int) -> Tiled:
        """The tiles of a nest with so many inputs; `images` are those of steps and samples."""
        frame, (outputs, _) = plan.frame, plan.features
        rows = cuts(frame.bands.axis.length, tiles.get("rows", frame.bands.axis.length))
        return Tiled(
            images,
            tuple((frame.bands.output.cells(size), count) for size, count in rows),
            sum(count * frame.bands.input.cells(size) for size, count in rows),
            cuts(inputs, tiles["inputs"]),
            cuts(outputs.length, tiles["outputs"]),
        )

    @property
    def row_tiles(self) -> int:
        """Tiles of rows."""
        return pieces(self.images) * pieces(self.bands)

    def forward(self, taps: int) -> Traffic:
        """Of a synapse: spikes and weights are loaded, currents stored."""
        columns, inputs = pieces(self.outputs), pieces(self.inputs)
        weights = WORD * taps * cells(self.inputs) * cells(self.outputs)
        turns = 1 if inputs == 1 else self.row_tiles * inputs
        loads = columns * (self.row_tiles * inputs + turns)
        loaded = self._spikes + weights * (1 if inputs == 1 else self.row_tiles)
        return Traffic(loads, loaded, columns * self.row_tiles, self._rows)

    def update(self, taps: int) -> Traffic:
        """Of a weight gradient: spikes and gradients are loaded, their products' sums stored."""
        columns, inputs = pieces(self.outputs), pieces(self.inputs)
        weights = WORD * taps * cells(self.inputs) * cells(self.outputs)
        loads = 2 * columns * inputs * self.row_tiles
        return Traffic(loads, self._spikes + inputs * self._rows, columns * inputs, weights)

    @property
    def _spikes(self) -> int:
        """Bytes of all inputs, as often as they are loaded."""
        row = sum(count * -(-size // 8) for size, count in self.inputs)
        return pieces(self.outputs) * cells(self.images) * self.input_pixels * row

    @property
    def _rows(self) -> int:
        """Bytes of all currents, or gradients."""
        return WORD * cells(self.images) * cells(self.bands) * cells(self.outputs)
