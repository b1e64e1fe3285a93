"""The second meaning of instructions on images: pools, arrangement, normalization; plain numpy."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np


def pools(axes: dict[str, int], n: dict[str, float]) -> Iterator[tuple[int, list[int]]]:
    """Every position, and the input positions of its window that lie in the box, row by row."""
    kernel, stride, width = int(n["kernel"]), int(n["stride"]), int(n["input_width"])
    height = axes["input_positions"] // width
    for p in range(axes["positions"]):
        y, x = divmod(p, int(n["output_width"]))
        rows = range(y * stride - int(n["top"]), y * stride - int(n["top"]) + kernel)
        columns = range(x * stride, x * stride + kernel)
        inside = [(r, c) for r in rows for c in columns if 0 <= r < height and c < width]
        yield p, [r * width + c for r, c in inside]


class ImageInstructions:
    """`do_<instruction>(views by role, immediates[, axes])` changes the written views."""

    def do_pool_sum(self, v, n, axes):
        for p, cells in pools(axes, n):
            v["pooled"][:, :, p] = n["scale"] * v["values"][:, :, cells].sum(axis=2)

    def do_pool_max(self, v, n, axes):
        for p, cells in pools(axes, n):
            v["pooled"][:, :, p] = v["values"][:, :, cells].max(axis=2) if cells else 0

    def do_pool_sum_gradient(self, v, n, axes):
        v["value_gradient"][...] = 0
        for p, cells in pools(axes, n):
            for cell in cells:
                v["value_gradient"][:, :, cell] += n["scale"] * v["gradient"][:, :, p]

    def do_pool_max_gradient(self, v, n, axes):
        v["value_gradient"][...] = 0
        for p, cells in pools(axes, n):
            if cells:
                first = v["values"][:, :, cells].argmax(axis=2)
                for number, cell in enumerate(cells):
                    chosen = (first == number) * v["gradient"][:, :, p]
                    v["value_gradient"][:, :, cell] += chosen

    def do_flatten(self, v, n):
        image = v["image"]
        v["flat"][:, :, 0] = image.swapaxes(2, 3).reshape(*image.shape[:2], -1)

    def do_unflatten(self, v, n):
        steps, samples, positions, units = v["image"].shape
        long = v["flat"].reshape(steps, samples, units, positions)
        v["image"][...] = long.swapaxes(2, 3)

    def do_concatenate(self, v, n):
        v["joined"][...] = np.concatenate([v["left"], v["right"]], axis=3)

    def do_split(self, v, n):
        if "left_gradient" in v:
            v["left_gradient"][...] = v["gradient"][..., : v["left_gradient"].shape[3]]
        if "right_gradient" in v:
            v["right_gradient"][...] = v["gradient"][..., -v["right_gradient"].shape[3] :]

    def do_channel_mean(self, v, n):
        v["mean"][...] += n["scale"] * v["values"].sum(axis=(0, 1, 2))

    def do_channel_variance(self, v, n):
        v["variance"][...] += n["scale"] * ((v["values"] - v["mean"]) ** 2).sum(axis=(0, 1, 2))

    def do_normalize(self, v, n):
        centred = (v["values"] - v["mean"]) / np.sqrt(v["variance"] + n["epsilon"])
        v["normalized"][...] = v["scale"] * centred + v["shift"]

    def do_channel_product(self, v, n):
        centred = (v["values"] - v["mean"]) / np.sqrt(v["variance"] + n["epsilon"])
        v["scale_gradient"][...] += (v["gradient"] * centred).sum(axis=(0, 1, 2))

    def do_normalize_gradient(self, v, n):
        root = np.sqrt(v["variance"] + n["epsilon"])
        sums = v["shift_gradient"] + (v["values"] - v["mean"]) / root * v["scale_gradient"]
        v["value_gradient"][...] = v["scale"] / root * (v["gradient"] - n["fraction"] * sums)

    def do_blend(self, v, n):
        new = n["momentum"] * n["factor"] * v["statistic"]
        v["running"][...] = (1 - n["momentum"]) * v["running"] + new
