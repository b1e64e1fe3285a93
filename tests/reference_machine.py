"""A second meaning of instruction streams: plain numpy on one array per buffer.

It shares nothing with the interpreter but the stream and the instruction set: loops are Python
loops, boxes are slices, arithmetic is double precision.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from reference_image_machine import ImageInstructions

from spikeloom.backend.stream.stream import (
    ELEMENTS,
    NO_BUFFER,
    NO_LOOP,
    OPCODE_END,
    OPCODE_LOOP,
    Stream,
)
from spikeloom.dialects.instruction_set import (
    DIMENSIONS,
    INSTRUCTIONS,
    ONE,
    Element,
    InstructionSpec,
)

_TYPES = {Element.BIT: np.uint8, Element.F32: np.float64, Element.I32: np.int64}


@dataclass(frozen=True)
class Executed:
    """One dynamic instruction: its record in the stream, axis lengths, and operands by role."""

    record: int
    spec: InstructionSpec
    axes: dict[str, int]
    buffers: dict[str, int]
    boxes: dict[str, tuple[slice, ...]]
    immediates: dict[str, float]


def unroll(stream: Stream) -> Iterator[Executed]:
    """Every dynamic instruction in program order."""

    def block(start: int, end: int, values: list[tuple[int, int]]) -> Iterator[Executed]:
        at = start
        while at < end:
            row = stream.instructions[at]
            if row["opcode"] == OPCODE_LOOP:
                first, stop, step = (int(v) for v in row["loop"])
                for value in range(first, stop, step):
                    tile = min(abs(step), abs(stop - value))
                    yield from block(at + 1, int(row["partner"]), [*values, (value, tile)])
                at = int(row["partner"])
            elif row["opcode"] != OPCODE_END:
                yield _executed(stream, at, values)
            at += 1

    return block(0, len(stream.instructions), [])


def _executed(stream: Stream, at: int, values: list[tuple[int, int]]) -> Executed:
    row = stream.instructions[at]
    spec = INSTRUCTIONS[int(row["opcode"]) - 3]
    axes: dict[str, int] = {ONE: 1}
    for i, axis in enumerate(spec.axes):
        loop = int(row["extent_loop"][i])
        axes[axis] = int(row["extent"][i])
        if loop != NO_LOOP:
            axes[axis] += int(row["extent_scale"][i]) * values[loop][1]
    buffers: dict[str, int] = {}
    boxes: dict[str, tuple[slice, ...]] = {}
    for i, role in enumerate(spec.roles):
        if (buffer := int(row["buffer"][i])) == NO_BUFFER:
            continue
        buffers[role.name] = buffer
        starts = []
        for d in range(DIMENSIONS):
            loop, scale = int(row["base_loop"][i, d]), int(row["base_scale"][i, d])
            moved = 0 if loop == NO_LOOP else scale * values[loop][0]
            starts.append(int(row["base"][i, d]) + moved)
        boxes[role.name] = tuple(
            slice(s, s + axes[a]) for s, a in zip(starts, role.dims, strict=True)
        )
    names = [immediate.name for immediate in spec.immediates]
    numbers = dict(zip(names, (float(v) for v in row["immediate"]), strict=False))
    return Executed(at, spec, axes, buffers, boxes, numbers)


def meetings(axes: dict[str, int], n: dict[str, float]) -> Iterator[tuple[int, int, int]]:
    """Every position, tap and input position that meet inside the image."""
    width = int(n["input_width"])
    for p in range(axes["positions"]):
        y, x = divmod(p, int(n["output_width"]))
        for tap in range(axes["taps"]):
            j, i = divmod(tap, int(n["kernel_width"]))
            row = y * int(n["stride"]) + j - int(n["top"])
            column = x * int(n["stride"]) + i - int(n["left"])
            if 0 <= row < axes["input_positions"] // width and 0 <= column < width:
                yield p, tap, row * width + column


def windows(x: np.ndarray, axes: dict[str, int], n: dict[str, float]) -> np.ndarray:
    """What every position meets at every tap: (steps, samples, positions, taps, inputs)."""
    steps, samples, _, inputs = x.shape
    met = np.zeros((steps, samples, axes["positions"], axes["taps"], inputs))
    for p, tap, q in meetings(axes, n):
        met[:, :, p, tap] = x[:, :, q]
    return met


def selected(bits: np.ndarray) -> np.ndarray:
    """The number whose bits, lowest first, lie along the last axis."""
    return (bits.astype(int) << np.arange(bits.shape[-1])).sum(axis=-1)


def build(tables: np.ndarray, cells: np.ndarray) -> None:
    """tables[tap, group, entry] = sum of the cells [tap, cell] whose bit of the entry is one."""
    width = int(np.log2(tables.shape[2]))
    tables[...] = 0
    for group in range(tables.shape[1]):
        for entry in range(tables.shape[2]):
            for cell in range(group * width, min((group + 1) * width, cells.shape[1])):
                if entry >> (cell - group * width) & 1:
                    tables[:, group, entry] += cells[:, cell]


ISSUED, SKIPPED_INPUT, SKIPPED_OUTPUT, SKIPPED_BOTH = range(4)


def products(view: dict, axes: dict[str, int], n: dict[str, float]) -> np.ndarray:
    """What becomes of every product of `backpropagate`: (rows, taps, outputs, inputs)."""
    gradient = view["gradient"]
    shape = (*gradient.shape[:3], axes["taps"], axes["outputs"], axes["inputs"])
    silent, masked = np.ones(shape, bool), np.zeros(shape, bool)
    for p, tap, q in meetings(axes, n):
        silent[:, :, p, tap] = (gradient[:, :, p] == 0)[..., None]
        if "mask" in view:
            masked[:, :, p, tap] = (view["mask"][:, :, q] == 0)[..., None, :]
    kinds = silent * n["skip_input"] + 2 * masked * n["skip_output"]
    return kinds.astype(int).reshape(-1, *shape[3:])


class ReferenceMachine(ImageInstructions):
    """Executes a stream on `memory`, one array per buffer; remembers events per row,
    and of `backpropagate` what became of every product."""

    def __init__(self, stream: Stream):
        self.stream = stream
        self.memory = [
            np.zeros(tuple(b["shape"]), _TYPES[ELEMENTS[b["element"]]]) for b in stream.buffers
        ]
        self.executed: list[Executed] = []
        self.events: list[np.ndarray] = []

    def run(self) -> None:
        """Executes the stream once."""
        self.executed, self.events = list(unroll(self.stream)), []
        for instruction in self.executed:
            view = {r: self.memory[b][instruction.boxes[r]] for r, b in instruction.buffers.items()}
            event_driven = "spikes" in view and "taps" in instruction.axes
            events = np.zeros(0, int)
            if event_driven:
                met = windows(view["spikes"], instruction.axes, instruction.immediates)
                events = met.sum(axis=(3, 4)).ravel()
            elif instruction.spec.name == "backpropagate":
                events = products(view, instruction.axes, instruction.immediates)
            self.events.append(events.astype(np.int64))
            do = getattr(self, f"do_{instruction.spec.name}")
            if "input_positions" in instruction.axes:
                do(view, instruction.immediates, instruction.axes)
            else:
                do(view, instruction.immediates)

    def do_load(self, v, n):
        v["target"][...] = v["source"]

    do_store = do_store_update = do_load_update = do_load

    def do_load_transposed(self, v, n):
        v["target"][...] = v["source"].swapaxes(2, 3)

    def do_clear(self, v, n):
        v["target"][...] = 0

    do_clear_update = do_clear

    def do_bias(self, v, n):
        v["current"][...] = v["bias"]

    def do_accumulate(self, v, n, axes):
        met = windows(v.get("spikes", v.get("values")), axes, n)
        v["current"] += np.einsum("tbpki,kio->tbpo", met, v["weight"][:, 0])

    do_multiply = do_accumulate

    def do_fire(self, v, n):
        shape = v["current"].shape[1:]
        u = v["previous_potential"][0] if "previous_potential" in v else np.zeros(shape)
        s = v["previous_spikes"][0] if "previous_spikes" in v else np.zeros(shape)
        for t, current in enumerate(v["current"]):
            left = (u * (1.0 - s), u - n["threshold"] * s, u)[int(n["reset"])]
            u = n["decay"] * left + current
            s = u > n["threshold"]
            v["spikes"][t] = s
            if "mask" in v:
                near = np.abs(u - n["threshold"]) < n["shape"]
                v["mask"][t] = near | (n["surrogate"] > 1)
            if "potential" in v:
                v["potential"][t] = u

    do_fire_again = do_fire

    def do_integrate(self, v, n):
        u = v["previous_potential"][0] if "previous_potential" in v else 0
        for t, current in enumerate(v["current"]):
            u = n["decay"] * u + current
            v["potential"][t] = u

    def do_add(self, v, n):
        v["sum"][...] = v["left"] + v["right"]

    def do_readout(self, v, n):
        v["sum"][0] = n["scale"] * v["output"].sum(axis=0)

    def do_cross_entropy(self, v, n):
        r, label = v["readout"][0, :, 0], v["label"][0, :, 0, 0]
        softmax = np.exp(r - r.max(axis=1, keepdims=True))
        softmax /= softmax.sum(axis=1, keepdims=True)
        onehot = np.eye(r.shape[1])[label]
        v["loss"] += -n["scale"] * np.log((softmax * onehot).sum(axis=1)).sum()
        v["correct"] += (r.argmax(axis=1) == label).sum()
        if "gradient" in v:
            v["gradient"][0, :, 0] = n["scale"] * (softmax - onehot)

    def do_mean_squared_error(self, v, n):
        r, label = v["readout"][0, :, 0], v["label"][0, :, 0, 0]
        distance = r - np.eye(r.shape[1])[label]
        v["loss"] += n["scale"] * (distance**2).sum()
        v["correct"] += (r.argmax(axis=1) == label).sum()
        if "gradient" in v:
            v["gradient"][0, :, 0] = 2 * n["scale"] * distance

    def do_spread(self, v, n):
        v["gradient"][...] = n["scale"] * v["readout_gradient"]

    def do_fire_gradient(self, v, n):
        gu = v["next_gradient"][0] if "next_gradient" in v else 0
        a, theta, reset = n["decay"], n["threshold"], int(n["reset"])
        for t in reversed(range(len(v["gradient"]))):
            u = v["potential"][t] if "potential" in v else np.float64(0)
            stays = 1.0 - v["spikes"][t] if reset == 0 else 1.0
            x = u - theta
            h = (
                lambda x=x, t=t: n["gain"] * (v["mask"][t] if "mask" in v else abs(x) < n["shape"]),
                lambda x=x: n["gain"] * np.maximum(0, 1 - abs(x) / n["shape"]),
                lambda x=x: 1 / (1 + n["shape"] * abs(x)) ** 2,
                lambda x=x: n["shape"] / 2 / (1 + (np.pi / 2 * n["shape"] * x) ** 2),
            )[int(n["surrogate"])]()
            path = (a * u * gu, a * theta * gu, 0)[reset]
            gs = v["spike_gradient"][t] - (0 if n["detach_reset"] else path)
            gu = h * gs + a * stays * gu
            v["gradient"][t] = gu

    def do_integrate_gradient(self, v, n):
        gu = v["next_gradient"][0] if "next_gradient" in v else 0
        for t in reversed(range(len(v["gradient"]))):
            gu = v["potential_gradient"][t] + n["decay"] * gu
            v["gradient"][t] = gu

    def do_backpropagate(self, v, n, axes):
        for p, tap, q in meetings(axes, n):
            back = v["gradient"][:, :, p] @ v["transposed_weight"][tap, 0]
            v["input_gradient"][:, :, q] += back * (v["mask"][:, :, q] if "mask" in v else 1)

    def do_build_tables(self, v, n):
        build(v["tables"], v["weight"][:, 0])

    def do_lookup(self, v, n, axes):
        width = int(np.log2(axes["entries"]))
        met = windows(v["spikes"], axes, n)
        for tap in range(axes["taps"]):
            for group in range(-(-axes["inputs"] // width)):
                entry = selected(met[..., tap, group * width : (group + 1) * width])
                v["current"] += v["tables"][tap, group, entry]

    def do_build_row_tables(self, v, n):
        gradient = v["gradient"]
        build(v["tables"].swapaxes(0, 1), gradient.reshape(1, -1, gradient.shape[-1]))

    def do_correlate_tables(self, v, n, axes):
        width = int(np.log2(axes["entries"]))
        met = windows(v["spikes"], axes, n)
        met = met.reshape(-1, *met.shape[3:])
        for group in range(-(-len(met) // width)):
            entry = selected(np.moveaxis(met[group * width : (group + 1) * width], 0, -1))
            v["weight_gradient"][:, 0] += v["tables"][group, 0, entry]

    def do_correlate_spikes(self, v, n, axes):
        met = windows(v.get("spikes", v.get("values")), axes, n)
        v["weight_gradient"][:, 0] += np.einsum("tbpki,tbpo->kio", met, v["gradient"])

    do_correlate_values = do_correlate_spikes

    def do_sum_gradient(self, v, n):
        v["bias_gradient"] += v["gradient"].sum(axis=(0, 1, 2))

    def do_count_step(self, v, n):
        v["count"] += 1

    def do_sgd(self, v, n):
        change = v["gradient"]
        if "velocity" in v:
            v["velocity"][...] = change = n["momentum"] * v["velocity"] + v["gradient"]
        v["parameter"] -= n["rate"] * change

    def do_adam(self, v, n):
        g, count = v["gradient"], int(v["count"].item())
        m, w = v["first_moment"], v["second_moment"]
        m[...] = n["beta1"] * m + (1 - n["beta1"]) * g
        w[...] = n["beta2"] * w + (1 - n["beta2"]) * g * g
        step = (
            m / (1 - n["beta1"] ** count) / (np.sqrt(w / (1 - n["beta2"] ** count)) + n["epsilon"])
        )
        v["parameter"] -= n["rate"] * (n["decay"] * v["parameter"] + step)
