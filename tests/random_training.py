"""Random training steps as instruction streams: two layers, forward, backward, update.

Everything that may vary does: sizes, resets, surrogates, losses, optimizers, tiling, analog or
spiking input and output, steps at once or one by one, buffers that share addresses. Numbers
are multiples of powers of two, so that potentials are exact and every machine fires alike.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from spikeloom.backend.stream.stream import NO_LOOP, LoopExtent, Slice, Stream, StreamBuilder
from spikeloom.dialects.instruction_set import Element, buffer_bytes

BIT, F32, I32 = Element.BIT, Element.F32, Element.I32


def one_by_one(width: int) -> tuple[int, ...]:
    """The immediates of a window of one tap over rows of `width` positions."""
    return (1, 1, width, width, 0, 0)


@dataclass
class RandomTraining:
    """Builds one random stream; `inputs` are the contents of what the host writes."""

    seed: int
    builder: StreamBuilder = field(default_factory=StreamBuilder)
    ends: dict[str, int] = field(default_factory=dict)
    inputs: dict[int, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        # How sums are taken, which must not matter, varies by itself.
        self.ways = np.random.default_rng([self.seed, 1])
        self.turns = np.random.default_rng([self.seed, 1])
        self.builder.serial = bool(self.turns.integers(8) == 0)
        self.t, self.b = int(self.rng.integers(1, 6)), int(self.rng.integers(1, 9))
        # Positions are rows of a picture of this height and width; often there is only one.
        self.height, self.width = (int(v) for v in self.rng.choice([1, 1, 2, 3], 2))
        self.n = [int(v) for v in self.rng.choice([1, 3, 16, 31, 64, 65, 70, 130], 3)]
        self.analog = bool(self.rng.integers(2))
        self.spiking_output = bool(self.rng.integers(2))
        self.neuron = (
            float(self.rng.choice([0.5, 1.0])),
            float(self.rng.choice([-0.125, 0.25, 0.5])),
            int(self.rng.integers(3)),
            int(self.rng.integers(4)),
            float(self.rng.choice([0.5, 1.25])),
            float(self.rng.choice([0.5, 1.5])),
        )
        self.detach = int(self.rng.integers(2))

    @property
    def positions(self) -> int:
        return self.height * self.width

    def buffer(self, name, element, shape, memory, role=("", ""), at=None, copies=None) -> int:
        """A new buffer behind the others, or at the address of the buffer `at`'s offset."""
        offset = self.ends.get(memory, 0) if at is None else at
        if copies is None:
            copies = 1 if memory == "dram" else int(self.turns.choice([1, 1, 2, 3]))
        end = offset + copies * buffer_bytes(element, shape)
        self.ends[memory] = max(self.ends.get(memory, 0), end)
        return self.builder.buffer(name, element, shape, memory, offset, role, copies)

    def from_host(self, name, element, shape, role, values) -> int:
        """A DRAM buffer that the host fills."""
        index = self.buffer(name, element, shape, "dram", (role, name))
        self.inputs[index] = values
        return index

    def emit(self, name, operands, extents, immediates=(), layer="") -> None:
        slices = {k: v if isinstance(v, Slice) else Slice(v) for k, v in operands.items()}
        self.builder.emit(name, slices, extents, immediates, f"net.snn:{len(layer)}:1", layer)

    def load(self, source, element, shape, memory, at=None) -> int:
        """A copy of a DRAM buffer on chip."""
        target = self.buffer(f"{source}.{memory}.{len(self.ends)}", element, shape, memory, at=at)
        self.emit("load", {"target": target, "source": source}, shape)
        return target

    def cleared(self, name, element, shape, memory) -> int:
        """A buffer of zeros."""
        target = self.buffer(name, element, shape, memory)
        self.emit("clear", {"target": target}, shape)
        return target

    def floats(self, *shape):
        return (self.rng.integers(-32, 33, shape) / 64).astype(np.float32)

    # --- the network -----------------------------------------------------------------------

    def synapse(self, layer, spikes, spiking, inputs, outputs):
        """bias, then accumulate or multiply in tiles of outputs and slices of samples."""
        weight = self.from_host(
            f"{layer}.weight",
            F32,
            (1, 1, inputs, outputs),
            "parameter",
            self.floats(1, 1, inputs, outputs),
        )
        bias = self.from_host(
            f"{layer}.bias", F32, (1, 1, 1, outputs), "parameter", self.floats(1, 1, 1, outputs)
        )
        here = self.load(bias, F32, (1, 1, 1, outputs), "weight_sram")
        current = self.buffer(
            f"{layer}.current", F32, (self.t, self.b, self.positions, outputs), "state_sram"
        )
        self.emit(
            "bias",
            {"current": current, "bias": here},
            (self.t, self.b, self.positions, outputs),
            layer=layer,
        )
        tile = self.buffer(f"{layer}.tile", F32, (1, 1, inputs, 64), "weight_sram")
        slice_ = int(self.rng.integers(1, self.b + 1))
        lines = int(self.rng.integers(1, self.height + 1))
        name, role = ("accumulate", "spikes") if spiking else ("multiply", "values")
        tables = self.tables(layer, "forward_tables", (1, inputs), 64) if spiking else None
        with self.builder.loop(0, outputs, 64) as o:
            source = Slice(weight, loops=(NO_LOOP, NO_LOOP, NO_LOOP, o))
            extents = (1, 1, inputs, LoopExtent(o))
            self.emit("load", {"target": tile, "source": source}, extents, layer=layer)
            self.build(tables, tile, (1, inputs, LoopExtent(o)), layer)
            with (
                self.builder.loop(0, self.b, slice_) as s,
                self.builder.loop(0, self.height, lines) as y,
            ):
                scales = (1, 1, self.width, 1)
                operands = {
                    "current": Slice(current, (0, 0, 0, 0), (NO_LOOP, s, y, o), scales),
                    role: Slice(spikes, (0, 0, 0, 0), (NO_LOOP, s, y, NO_LOOP), scales),
                }
                positions = LoopExtent(y, self.width)
                extents = (self.t, LoopExtent(s), positions, positions, 1, inputs, LoopExtent(o))
                numbers = one_by_one(self.width)
                self.sum(name, operands | {"weight": tile}, extents, numbers, layer, tables)
        return weight, bias, current

    def build(self, tables, weight, extents, layer) -> None:
        """The tables of weights, where there are any."""
        if tables is not None:
            operands = {"tables": tables[0], "weight": weight}
            self.emit("build_tables", operands, (*extents, *tables[1]), (), layer)

    def sum(self, name, operands, extents, numbers, layer, tables) -> None:
        """An instruction that adds up inputs, or the one that looks their sums up."""
        if tables is not None:
            operands = {role: v for role, v in operands.items() if role != "weight"}
            operands["tables"] = tables[0]
            self.emit("lookup", operands, (*extents, *tables[1]), numbers, layer)
        else:
            dense = (int(self.ways.integers(2)),) if "spikes" in operands else ()
            self.emit(name, operands, extents, (*numbers, *dense), layer)

    def correlate(self, operands, extents, numbers, layer) -> None:
        """Gradients of weights, with tables or without."""
        role = "spikes" if "spikes" in operands else "values"
        rows, outputs = self.t * self.b * self.positions, extents[-1]
        tables = None
        if role == "spikes":
            tables = self.tables(layer, "update_tables", (1, rows), outputs)
        if tables is None:
            dense = (int(self.ways.integers(2)),) if role == "spikes" else ()
            self.emit(f"correlate_{role}", operands, extents, (*numbers, *dense), layer)
            return
        built = (self.t, self.b, self.positions, outputs, *tables[1])
        sums = {"tables": tables[0], "gradient": operands["gradient"]}
        self.emit("build_row_tables", sums, built, (), layer)
        operands = {role: v for role, v in operands.items() if role != "gradient"}
        operands["tables"] = tables[0]
        self.emit("correlate_tables", operands, (*extents, *tables[1]), numbers, layer)

    def multiply_back(self, operands, mask, extents, numbers, layer) -> None:
        """`backpropagate` with either kind of sparsity or without."""
        if self.ways.integers(2):
            operands = operands | {"mask": mask}
        skips = (int(v) for v in self.ways.integers(0, 2, 2))
        self.emit("backpropagate", operands, extents, (*numbers, *skips), layer)

    def tables(self, layer, memory, cells, outputs):
        """Tables for groups of the second of `cells`, and the lengths of their last two axes.

        None as often as not.
        """
        if not self.ways.integers(2):
            return None
        taps, grouped = cells
        width = int(self.ways.integers(1, 6))
        groups = -(-grouped // width) + int(self.ways.integers(2))
        shape = (taps, groups, 2**width, outputs)
        shape = shape if memory == "forward_tables" else (groups, 1, 2**width, outputs)
        return self.buffer(f"{layer}.{memory}", F32, shape, memory), (groups, 2**width)

    def fire(self, layer, current, units):
        shape = (self.t, self.b, self.positions, units)
        names = {"spikes": BIT, "mask": BIT, "potential": F32}
        made = {
            role: self.buffer(
                f"{layer}.{role}", element, shape, "state_sram" if element is F32 else "spike_sram"
            )
            for role, element in names.items()
        }
        if self.rng.integers(2):
            self.emit("fire", made | {"current": current}, shape, self.neuron, layer)
            return made
        first = (1, self.b, self.positions, units)
        self.emit("fire", made | {"current": current}, first, self.neuron, layer)
        if self.t > 1:
            with self.builder.loop(1, self.t, 1) as t:
                moving = {
                    k: Slice(v, loops=(t, NO_LOOP, NO_LOOP, NO_LOOP)) for k, v in made.items()
                }
                moving["current"] = Slice(current, loops=(t, NO_LOOP, NO_LOOP, NO_LOOP))
                for role in ("potential", "spikes"):
                    moving[f"previous_{role}"] = Slice(
                        made[role], (-1, 0, 0, 0), (t, NO_LOOP, NO_LOOP, NO_LOOP)
                    )
                self.emit("fire", moving, first, self.neuron, layer)
        return made

    def fire_gradient(self, layer, made, spike_gradient, units):
        shape = (self.t, self.b, self.positions, units)
        # Step by step it is written backwards: its origin last, which would begin another copy.
        gradient = self.buffer(f"{layer}.gradient", F32, shape, "state_sram", copies=1)
        operands = {"gradient": gradient, "spike_gradient": spike_gradient, **made}
        immediates = (*self.neuron, self.detach)
        if self.rng.integers(2):
            self.emit("fire_gradient", operands, shape, immediates, layer)
            return gradient
        one, last = (1, self.b, self.positions, units), (self.t - 1, 0, 0, 0)
        final = {k: Slice(v, last) for k, v in operands.items()}
        self.emit("fire_gradient", final, one, immediates, layer)
        if self.t > 1:
            with self.builder.loop(self.t - 2, -1, -1) as t:
                moving = {
                    k: Slice(v, loops=(t, NO_LOOP, NO_LOOP, NO_LOOP)) for k, v in operands.items()
                }
                moving["next_gradient"] = Slice(
                    gradient, (1, 0, 0, 0), (t, NO_LOOP, NO_LOOP, NO_LOOP)
                )
                self.emit("fire_gradient", moving, one, immediates, layer)
        return gradient

    def loss(self, output, spiking, units):
        """Readout, loss and its gradient at every step."""
        labels = self.rng.integers(0, units, (1, self.b, 1, 1)).astype(np.int32)
        label = self.from_host("label", I32, (1, self.b, 1, 1), "label", labels)
        here = self.load(label, I32, (1, self.b, 1, 1), "state_sram")
        total = self.buffer("readout", F32, (1, self.b, self.positions, units), "state_sram")
        self.emit(
            "readout",
            {"sum": total, "output": output},
            (self.t, self.b, self.positions, units),
            (0.5,),
        )
        loss = self.cleared("loss", F32, (1, 1, 1, 1), "state_sram")
        correct = self.cleared("correct", I32, (1, 1, 1, 1), "state_sram")
        back = self.buffer(
            "readout.gradient", F32, (1, self.b, self.positions, units), "state_sram"
        )
        name = str(self.rng.choice(["cross_entropy", "mean_squared_error"]))
        operands = {"loss": loss, "correct": correct, "gradient": back}
        operands |= {"readout": total, "label": here}
        with self.builder.loop(0, self.positions, 1) as p:
            at = {"loops": (NO_LOOP, NO_LOOP, p, NO_LOOP)}
            operands |= {"gradient": Slice(back, **at), "readout": Slice(total, **at)}
            self.emit(name, operands, (self.b, units), (1 / self.b,), "output")
        spread = self.buffer(
            "output.spread", F32, (self.t, self.b, self.positions, units), "state_sram"
        )
        operands = {"gradient": spread, "readout_gradient": back}
        self.emit("spread", operands, (self.t, self.b, self.positions, units), (0.5,), "output")
        return spread

    def update(self, layer, parameter, gradient, rows, columns):
        """One optimizer step; the parameter goes back to DRAM."""
        shape = (1, 1, rows, columns)
        here = self.load(parameter, F32, shape, "weight_sram")
        operands = {"parameter": here, "gradient": gradient}
        match int(self.rng.integers(3)):
            case 0:
                self.emit("sgd", operands, (1, rows, columns), (0.1, 0.0), layer)
            case 1:
                zeros = np.zeros(shape, np.float32)
                kept = self.from_host(f"{parameter}.velocity", F32, shape, "optimizer", zeros + 1)
                operands["velocity"] = self.load(kept, F32, shape, "gradient_sram")
                self.emit("sgd", operands, (1, rows, columns), (0.1, 0.9), layer)
            case _:
                for moment in ("first_moment", "second_moment"):
                    operands[moment] = self.cleared(
                        f"{parameter}.{moment}", F32, shape, "gradient_sram"
                    )
                operands["count"] = self.cleared(f"{parameter}.n", I32, (1, 1, 1, 1), "state_sram")
                self.emit("count_step", {"count": operands["count"]}, (), (), layer)
                numbers = (0.01, 0.9, 0.999, 1e-3, 0.01)
                self.emit("adam", operands, (1, rows, columns), numbers, layer)
        self.emit("store", {"target": parameter, "source": here}, shape, (), layer)

    def weight_update(self, layer, inputs, spiking, gradient, parameters, sizes):
        weight, bias = parameters
        rows, columns = sizes
        total = self.cleared(
            f"{layer}.weight.gradient", F32, (1, 1, rows, columns), "gradient_sram"
        )
        role = "spikes" if spiking else "values"
        operands = {"weight_gradient": total, role: inputs, "gradient": gradient}
        extents = (self.t, self.b, self.positions, self.positions, 1, rows, columns)
        self.correlate(operands, extents, one_by_one(self.width), layer)
        self.update(layer, weight, total, rows, columns)
        total = self.cleared(f"{layer}.bias.gradient", F32, (1, 1, 1, columns), "gradient_sram")
        operands = {"bias_gradient": total, "gradient": gradient}
        self.emit("sum_gradient", operands, (self.t, self.b, self.positions, columns), (), layer)
        self.update(layer, bias, total, 1, columns)

    def stream(self) -> Stream:
        """The whole training step."""
        n0, n1, n2 = self.n
        shape = (self.t, self.b, self.positions, n0)
        values = self.rng.integers(-16, 17, shape).astype(np.float32) / 16
        element, memory = (F32, "state_sram") if self.analog else (BIT, "spike_sram")
        if not self.analog:
            values = (values > 0.5).astype(np.uint8)
        image = self.load(
            self.from_host("input", element, shape, "input", values), element, shape, memory
        )
        w1, b1, current = self.synapse("hidden", image, not self.analog, n0, n1)
        hidden = self.fire("hidden", current, n1)
        w2, b2, current = self.synapse("output", hidden["spikes"], True, n1, n2)
        if self.spiking_output:
            made = self.fire("output", current, n2)
            spread = self.loss(made["spikes"], True, n2)
            gradient2 = self.fire_gradient("output", made, spread, n2)
        else:
            leaky = self.buffer(
                "output.potential", F32, (self.t, self.b, self.positions, n2), "state_sram"
            )
            operands = {"potential": leaky, "current": current}
            self.emit("integrate", operands, (self.t, self.b, self.positions, n2), (0.9,), "output")
            spread = self.loss(leaky, False, n2)
            gradient2 = self.buffer(
                "output.gradient", F32, (self.t, self.b, self.positions, n2), "state_sram"
            )
            operands = {"gradient": gradient2, "potential_gradient": spread}
            self.emit(
                "integrate_gradient",
                operands,
                (self.t, self.b, self.positions, n2),
                (0.9,),
                "output",
            )
        self.backward(hidden, gradient2, (image, w1, b1, w2, b2))
        return self.builder.finish()

    def backward(self, hidden, gradient2, made) -> None:
        image, w1, b1, w2, b2 = made
        n0, n1, n2 = self.n
        turned = self.buffer("output.turned", F32, (1, 1, n2, n1), "weight_sram")
        self.emit("load_transposed", {"target": turned, "source": w2}, (1, n1, n2), (), "output")
        back = self.cleared(
            "hidden.spike_gradient", F32, (self.t, self.b, self.positions, n1), "state_sram"
        )
        operands = {"input_gradient": back, "gradient": gradient2, "transposed_weight": turned}
        extents = (self.t, self.b, self.positions, self.positions, 1, n1, n2)
        numbers = one_by_one(self.width)
        self.multiply_back(operands, hidden["mask"], extents, numbers, "output")
        gradient1 = self.fire_gradient("hidden", hidden, back, n1)
        self.weight_update("output", hidden["spikes"], True, gradient2, (w2, b2), (n1, n2))
        self.weight_update("hidden", image, not self.analog, gradient1, (w1, b1), (n0, n1))
        # A buffer that takes over the addresses of the first one in its memory.
        shape = (self.t, self.b, self.positions, n1)
        late = self.buffer("late", F32, shape, "state_sram", at=0)
        self.emit("add", {"sum": late, "left": gradient1, "right": back}, shape)
        kept = self.buffer("late.kept", F32, shape, "dram")
        self.emit("store", {"target": kept, "source": late}, shape)
