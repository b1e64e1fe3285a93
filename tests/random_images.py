"""Random training steps on images as instruction streams: windows, pools, normalization.

Row tiles with halos or whole images, strides, kernels, binary or analog input; everything else is
as in `random_training`. What fires comes before what is normalized, so that potentials are exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from random_training import BIT, F32, RandomTraining

from spikeloom.backend.stream.stream import NO_LOOP, LoopExtent, Slice, Stream


@dataclass
class RandomImages(RandomTraining):
    """Builds one random stream; `inputs` are the contents of what the host writes."""

    def __post_init__(self) -> None:
        super().__post_init__()
        rng = self.rng
        self.kernel, self.stride = int(rng.choice([1, 2, 3, 5])), int(rng.choice([1, 1, 2]))
        self.above = int(rng.integers(0, self.kernel))
        self.height, self.width = (int(v) for v in rng.integers(1, 6, 2))
        self.t, self.b = min(self.t, 3), min(self.b, 3)
        # The image is as wide as its windows ask for, or narrower.
        self.rows = self.stride * self.height + self.kernel
        self.columns = int(rng.integers(1, self.stride * self.width + self.kernel))
        self.n = [int(v) for v in rng.choice([1, 3, 16, 17, 65], 3)]

    def window(self, top: int) -> tuple[int, ...]:
        return (self.kernel, self.stride, self.columns, self.width, top, self.above)

    def extents(self, inputs: int, outputs: int) -> tuple[int, ...]:
        """A window over the whole image."""
        size = self.rows * self.columns
        return (self.t, self.b, self.positions, size, self.kernel**2, inputs, outputs)

    def convolution(self, image, image_home, weight) -> int:
        """The currents, from the whole image or from tiles of rows with a halo."""
        inputs, outputs = self.n[:2]
        current = self.cleared("c", F32, (self.t, self.b, self.positions, outputs), "state_sram")
        name, role = ("multiply", "values") if self.analog else ("accumulate", "spikes")
        operands = {"current": current, role: image, "weight": weight}
        taps = self.kernel**2
        tables = None
        if not self.analog:
            tables = self.tables("hidden", "forward_tables", (taps, inputs), outputs)
        self.build(tables, weight, (taps, inputs, outputs), "hidden")
        if self.rng.integers(2):
            numbers = self.window(int(self.rng.integers(0, self.kernel)))
            extents = self.extents(inputs, outputs)
            self.sum(name, operands, extents, numbers, "hidden", tables)
            return current
        lines, scale = int(self.rng.integers(1, self.height + 1)), self.stride * self.columns
        halo = (self.kernel - self.stride) * self.columns
        element, memory = (F32, "state_sram") if self.analog else (BIT, "spike_sram")
        shape = (self.t, self.b, lines * scale + max(0, halo), inputs)
        tile = self.buffer("tile", element, shape, memory)
        with self.builder.loop(0, self.height, lines) as y:
            at = (NO_LOOP, NO_LOOP, y, NO_LOOP)
            source = Slice(image_home, (0, 0, 0, 0), at, (1, 1, scale, 1))
            size = LoopExtent(y, scale, halo)
            self.emit("load", {"target": tile, "source": source}, (self.t, self.b, size, inputs))
            operands["current"] = Slice(current, (0, 0, 0, 0), at, (1, 1, self.width, 1))
            operands[role] = tile
            positions = LoopExtent(y, self.width)
            extents = (self.t, self.b, positions, size, self.kernel**2, inputs, outputs)
            self.sum(name, operands, extents, self.window(0), "hidden", tables)
        return current

    def activation(self, name, element, positions, units) -> int:
        memory = "state_sram" if element is F32 else "spike_sram"
        return self.buffer(name, element, (self.t, self.b, positions, units), memory)

    def pools(self, spikes, current, gradient, units) -> None:
        """Both pools of spikes and of currents, and back."""
        height, width = (int(v) for v in self.rng.integers(1, 4, 2))
        kernel = int(self.rng.integers(1, 4))
        numbers = (kernel, int(self.rng.integers(1, 3)), self.width, width, 0)
        extents = (self.t, self.b, height * width, self.positions, units)
        back = self.activation("pool.back", F32, self.positions, units)
        for name, source in (("spikes", spikes), ("current", current)):
            element = BIT if name == "spikes" else F32
            largest = self.activation(f"{name}.max", element, height * width, units)
            total = self.activation(f"{name}.sum", F32, height * width, units)
            operands = {"pooled": largest, "values": source}
            self.emit("pool_max", operands, extents, numbers)
            self.emit("pool_sum", operands | {"pooled": total}, extents, (*numbers, 0.25))
            operands = {"value_gradient": back, "gradient": total}
            self.emit("pool_sum_gradient", operands, extents, (*numbers, 0.25))
            operands |= {"values": source, "pooled": largest}
            self.emit("pool_max_gradient", operands, extents, numbers)
        self.emit("add", {"sum": gradient, "left": spikes, "right": back}, self.shape(units))

    def shape(self, units) -> tuple[int, ...]:
        return (self.t, self.b, self.positions, units)

    def arrangement(self, spikes, current, units) -> None:
        """Long rows and joined units, there and back."""
        for name, source, element in (("spikes", spikes, BIT), ("current", current, F32)):
            flat = self.activation(f"{name}.flat", element, 1, units * self.positions)
            again = self.activation(f"{name}.image", element, self.positions, units)
            extents = (*self.shape(units), units * self.positions)
            self.emit("flatten", {"flat": flat, "image": source}, extents)
            self.emit("unflatten", {"image": again, "flat": flat}, extents)
            joined = self.activation(f"{name}.joined", element, self.positions, 2 * units)
            operands = {"joined": joined, "left": source, "right": again}
            extents = (*self.shape(2 * units), units, units)
            self.emit("concatenate", operands, extents)
        right = self.activation("right", F32, self.positions, units)
        self.emit("split", {"right_gradient": right, "gradient": joined}, extents)

    def normalization(self, values, gradient, units) -> None:
        shape, channels = self.shape(units), (1, 1, 1, units)
        count = self.t * self.b * self.positions
        names = ("mean", "variance", "shift_gradient", "scale_gradient")
        v = {name: self.cleared(name, F32, channels, "state_sram") for name in names}
        for name in ("scale", "shift", "running"):
            home = self.from_host(name, F32, channels, "parameter", 1 + self.floats(*channels))
            v[name] = self.load(home, F32, channels, "state_sram")
        v |= {"values": values, "gradient": gradient}
        for name in ("normalized", "value_gradient"):
            v[name] = self.activation(name, F32, self.positions, units)

        def emit(name: str, roles: str, extents, *numbers: float) -> None:
            self.emit(name, {role: v[role] for role in roles.split()}, extents, numbers)

        emit("channel_mean", "mean values", shape, 1 / count)
        emit("channel_variance", "variance values mean", shape, 1 / count)
        emit("normalize", "normalized values mean variance scale shift", shape, 0.01)
        emit("channel_product", "scale_gradient gradient values mean variance", shape, 0.01)
        v["bias_gradient"] = v["shift_gradient"]
        emit("sum_gradient", "bias_gradient gradient", shape)
        roles = "value_gradient gradient values mean variance scale shift_gradient scale_gradient"
        emit("normalize_gradient", roles, shape, 0.01, 1 / count)
        self.emit("blend", {"running": v["running"], "statistic": v["mean"]}, (units,), (0.1, 1.5))

    def stream(self) -> Stream:
        """The whole training step."""
        inputs, outputs = self.n[:2]
        taps, size = self.kernel**2, self.rows * self.columns
        shape = (self.t, self.b, size, inputs)
        values = self.rng.integers(-16, 17, shape).astype(np.float32) / 16
        element, memory = (F32, "state_sram") if self.analog else (BIT, "spike_sram")
        if not self.analog:
            values = (values > 0.5).astype(np.uint8)
        home = self.from_host("input", element, shape, "input", values)
        image = self.load(home, element, shape, memory)
        matrices = (taps, 1, inputs, outputs)
        source = self.from_host("w", F32, matrices, "parameter", self.floats(*matrices))
        weight = self.load(source, F32, matrices, "weight_sram")
        current = self.convolution(image, home, weight)
        spikes = self.fire("hidden", current, outputs)["spikes"]
        gradient = self.activation("gradient", F32, self.positions, outputs)
        self.pools(spikes, current, gradient, outputs)
        self.arrangement(spikes, current, outputs)
        turned = self.buffer("turned", F32, (taps, 1, outputs, inputs), "weight_sram")
        operands = {"target": turned, "source": source}
        self.emit("load_transposed", operands, (taps, inputs, outputs), (), "hidden")
        back = self.cleared("back", F32, shape, "state_sram")
        operands = {"input_gradient": back, "gradient": gradient, "transposed_weight": turned}
        numbers = self.window(int(self.rng.integers(0, self.kernel)))
        bits = (self.ways.random(shape) < 0.4).astype(np.uint8)
        mask = self.load(
            self.from_host("mask", BIT, shape, "label", bits), BIT, shape, "spike_sram"
        )
        extents = self.extents(inputs, outputs)
        self.multiply_back(operands, mask, extents, numbers, "hidden")
        total = self.cleared("w.gradient", F32, matrices, "gradient_sram")
        role = "values" if self.analog else "spikes"
        operands = {"weight_gradient": total, role: image, "gradient": gradient}
        self.correlate(operands, extents, numbers, "hidden")
        operands = {"parameter": weight, "gradient": total}
        self.emit("sgd", operands, (taps, inputs, outputs), (0.1, 0.0), "hidden")
        self.emit("store", {"target": source, "source": weight}, matrices, (), "hidden")
        self.normalization(current, gradient, outputs)
        return self.builder.finish()
