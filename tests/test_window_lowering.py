"""Convolutions on the engine: every tiling of rows, steps, samples and channels computes the same.

The programs are validated, so no cell is read that was not written, and run in double precision
against the definition of a convolution.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from lowered_steps import Lowered, sizes

STEPS, BATCH = 3, 2


@dataclass(frozen=True)
class Case:
    """A convolution of [channels, height, width] to `outputs` channels."""

    height: int
    width: int
    kernel: int
    stride: int
    padding: int
    same: bool = False
    channels: int = 3
    outputs: int = 5
    element: str = "f32"

    def output(self, size: int) -> int:
        if self.same:
            return -(-size // self.stride)
        return (size + 2 * self.padding - self.kernel) // self.stride + 1

    @property
    def input_shape(self) -> tuple[int, int, int]:
        return self.channels, self.height, self.width

    @property
    def output_shape(self) -> tuple[int, int, int]:
        return self.outputs, self.output(self.height), self.output(self.width)

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        return self.outputs, self.channels, self.kernel, self.kernel

    def text(self) -> str:
        """Forward, both gradients and an update, the currents being their own gradient."""
        c, d = ("x".join(map(str, s)) for s in (self.input_shape, self.output_shape))
        w = "x".join(map(str, self.weight_shape))
        x, y = f"tensor<?x?x{c}x{self.element}>", f"tensor<?x?x{d}xf32>"
        window = f"<kernel {self.kernel}, stride {self.stride}, padding {self.padding}>"
        return f"""
        bptt.step @step steps {STEPS} batch {BATCH} (%x: {x}) {{
          snn.parameter @a.weight : tensor<{w}xf32> fan_in 1
          snn.parameter @a.bias : tensor<{self.outputs}xf32> fan_in 1
          %y = bptt.convolution %x, @a.weight, @a.bias {window} : {x} -> {y}
          %gx = bptt.convolution_input_gradient %y, @a.weight {window} : {y} -> {_real(x)}
          %z = bptt.convolution %gx, @a.weight {window} : {_real(x)} -> {y}
          %gw = bptt.convolution_weight_gradient %y, %x {window} : {y}, {x} -> tensor<{w}xf32>
          %gb = bptt.bias_gradient %y : {y} -> tensor<{self.outputs}xf32>
          bptt.report %y as "spikes" of "y" : {y}
          bptt.report %gx as "spikes" of "gx" : {_real(x)}
          bptt.report %z as "spikes" of "z" : {y}
          bptt.report %gw as "gradient" of "a.weight" : tensor<{w}xf32>
          bptt.report %gb as "gradient" of "a.bias" : tensor<{self.outputs}xf32>
          bptt.optimize @a.weight, %gw <sgd, rate 0.5, momentum 0.0> : tensor<{w}xf32>
        }}
        """

    def signal(self) -> np.ndarray:
        random = np.random.default_rng(1)
        shape = (STEPS, BATCH, *self.input_shape)
        if self.element == "i1":
            return (random.random(shape) < 0.4).astype(np.uint8)
        return random.standard_normal(shape).astype(np.float32)

    def parameters(self) -> dict[str, np.ndarray]:
        random = np.random.default_rng(2)
        return {
            "a.weight": random.standard_normal(self.weight_shape).astype(np.float32),
            "a.bias": random.standard_normal(self.outputs).astype(np.float32),
        }


def _real(type: str) -> str:
    return type.replace("xi1>", "xf32>")


def meetings(case: Case):
    """(output row, output column, tap row, tap column, input row, input column) that meet."""
    _, high, wide = case.output_shape
    for y, x, j, i in np.ndindex(high, wide, case.kernel, case.kernel):
        row, column = y * case.stride + j - case.padding, x * case.stride + i - case.padding
        if 0 <= row < case.height and 0 <= column < case.width:
            yield y, x, j, i, row, column


@cache
def expected(case: Case) -> dict[str, np.ndarray]:
    """What the step reports, from the definition of a convolution."""
    signal, (weight, bias) = case.signal().astype(float), case.parameters().values()
    weight = weight.astype(float)
    shape = (STEPS, BATCH, *case.output_shape)
    y, z, gx = np.zeros(shape), np.zeros(shape), np.zeros(signal.shape)
    gw = np.zeros(weight.shape)
    met = list(meetings(case))
    y += bias[:, None, None]
    for a, b, j, i, row, column in met:
        y[..., a, b] += signal[..., row, column] @ weight[:, :, j, i].T
    for a, b, j, i, row, column in met:
        gx[..., row, column] += y[..., a, b] @ weight[:, :, j, i]
        gw[:, :, j, i] += np.einsum("tbd,tbc->dc", y[..., a, b], signal[..., row, column])
    for a, b, j, i, row, column in met:
        z[..., a, b] += gx[..., row, column] @ weight[:, :, j, i].T
    return {"y": y, "gx": gx, "z": z, "gw": gw, "gb": y.sum((0, 1, 3, 4))}


CASES = {
    "3x3 same": Case(7, 6, 3, 1, 1),
    "3x3 valid": Case(7, 6, 3, 1, 0),
    "3x3 halved": Case(8, 6, 3, 2, 1, same=True),
    "3x3 halved, odd": Case(9, 7, 3, 2, 1),
    "7x7 halved": Case(10, 10, 7, 2, 3),
    "even kernel": Case(6, 7, 4, 1, 1, same=True),
    "1x1": Case(5, 4, 1, 1, 0),
    "1x1 halved": Case(6, 6, 1, 2, 0),
    "stride beyond the kernel": Case(11, 8, 2, 3, 0),
    "11x11 by 4": Case(19, 15, 11, 4, 2),
    "padding without use": Case(10, 5, 3, 3, 2),
    "spikes": Case(8, 8, 3, 1, 1, element="i1"),
    "wide": Case(5, 4, 3, 1, 1, channels=70, outputs=130),
}


def memories(case: Case, machine: str) -> dict[str, int]:
    """A machine that holds the images, some of their rows, or hardly more than one."""
    if machine == "large":
        return sizes()
    if case.channels > 64:
        # Not even the channels of one row at one step fit: they are cut as well.
        return sizes(9000, weight_sram=160000, gradient_sram=160000, spike_sram=1024)
    rows = case.kernel + case.stride + (3 if machine == "medium" else 0)
    return sizes(64 * (case.width * rows + case.output_shape[2] * (rows // case.stride + 1)))


def close(found: np.ndarray, wanted: np.ndarray) -> bool:
    return np.allclose(found, wanted, rtol=1e-9, atol=1e-9 * np.abs(wanted).max())


@pytest.mark.parametrize("machine", ["large", "medium", "small"])
@pytest.mark.parametrize("name", CASES)
def test_convolution_and_its_gradients(name: str, machine: str) -> None:
    case = CASES[name]
    step = Lowered(case.text(), memories(case, machine))
    assert step.is_cut("row") or machine != "small"
    assert not step.is_cut("row") or machine != "large"
    run = step.on_reference(case.signal(), case.parameters())
    wanted = expected(case)
    assert close(run.sequence("y", STEPS, case.output_shape), wanted["y"])
    assert close(run.sequence("gx", STEPS, case.input_shape), wanted["gx"])
    assert close(run.sequence("z", STEPS, case.output_shape), wanted["z"])
    assert close(run.gradient("a.weight", case.weight_shape), wanted["gw"])
    assert close(run.gradient("a.bias", (case.outputs,)), wanted["gb"])
    updated = case.parameters()["a.weight"] - 0.5 * wanted["gw"]
    assert close(run.parameter("a.weight", case.weight_shape), updated)


@pytest.mark.parametrize("name", [name for name in CASES if name != "wide"])
def test_bands_of_rows_change_no_bit(name: str) -> None:
    """Only the sum over positions, that of a weight's gradient, is grouped by the bands."""
    case = CASES[name]
    runs = [
        Lowered(case.text(), memories(case, machine)).on_engine(case.signal(), case.parameters())
        for machine in ("large", "small")
    ]
    for subject, shape in (
        ("y", case.output_shape),
        ("gx", case.input_shape),
        ("z", case.output_shape),
    ):
        large, small = (run.sequence(subject, STEPS, shape) for run in runs)
        assert np.array_equal(large, small), subject
    large, small = (run.gradient("a.weight", case.weight_shape) for run in runs)
    assert np.allclose(large, small, rtol=0, atol=1e-6 * np.abs(large).max())
    wanted = expected(case)["gw"]
    assert np.allclose(small, wanted, rtol=0, atol=1e-5 * np.abs(wanted).max())
