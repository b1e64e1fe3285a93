"""Synapses as lists of sources by target, and how they follow each other.

A value of a network with n units is a list of sources for each unit: what its current is a sum
over. Operations turn lists into lists, with index arithmetic on whole layers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spikeloom.passes.clustering.connections import Numbers, Offsets, ascending, distinct_inputs


@dataclass(frozen=True)
class Sources:
    """For each of n units what feeds it, ascending and distinct.

    Attributes:
        first: [n + 1], where each unit's sources begin.
        inputs: all sources.
        is_one_to_one: every unit has one source, and these are consecutive numbers.
    """

    first: Offsets
    inputs: Numbers
    is_one_to_one: bool = False

    @property
    def units(self) -> int:
        """The number of units."""
        return len(self.first) - 1


def one_to_one(start: int, units: int) -> Sources:
    """Every unit is a source itself, from the number `start` on."""
    inputs = np.arange(start, start + units, dtype=np.int32)
    return Sources(np.arange(units + 1), inputs, is_one_to_one=True)


def of_lengths(lengths: Offsets, inputs: Numbers) -> Sources:
    """Lists of these lengths, one behind the other."""
    return Sources(np.concatenate([[0], np.cumsum(lengths)]), inputs)


def side_by_side(left: Sources, right: Sources) -> Sources:
    """The units of the one, then those of the other."""
    first = np.concatenate([left.first, right.first[1:] + left.first[-1]])
    return Sources(first, np.concatenate([left.inputs, right.inputs]))


def summed(left: Sources, right: Sources) -> Sources:
    """Every unit is fed by the sources of both."""
    lengths = np.diff(left.first) + np.diff(right.first)
    first = np.concatenate([[0], np.cumsum(lengths)])
    inputs = np.empty(first[-1], np.int32)
    for begin, part in ((first[:-1], left), (first[:-1] + np.diff(left.first), right)):
        count = np.diff(part.first)
        within = np.arange(len(part.inputs)) - np.repeat(part.first[:-1], count)
        inputs[np.repeat(begin, count) + within] = part.inputs
    members = np.arange(len(first) - 1)
    return _grouped(Sources(first, inputs), np.arange(len(first)), members)


def fully_connected(source: Sources, outputs: int) -> Sources:
    """Every output is fed by all sources of all units."""
    feeding = source.inputs if source.is_one_to_one else np.unique(source.inputs)
    return of_lengths(np.full(outputs, len(feeding)), np.tile(feeding, outputs))


def windowed(source: Sources, windows: Sources, channels: int = 1) -> Sources:
    """Every channel has one unit per window, fed by the sources of the units in it.

    The inputs of `windows` are units of `source`.
    """
    if source.is_one_to_one:
        start = int(source.inputs[0]) if source.units else 0
        found = Sources(windows.first, windows.inputs + np.int32(start))
    else:
        found = _grouped(source, windows.first, windows.inputs.astype(np.int64))
    lengths = np.tile(np.diff(found.first), channels)
    return of_lengths(lengths, np.tile(found.inputs, channels))


def window_units(
    image: tuple[int, ...],
    output: tuple[int, ...],
    kernel: int,
    stride: int,
    padding: int,
    depthwise: bool = False,
) -> Sources:
    """The units of an image [channels, rows, columns] that lie in each window of an output.

    Windows reach over the edge by `padding`; what lies outside has no unit. A window takes all
    channels, or depthwise there is one for each channel.
    """
    depth, height, width = image
    rows = np.arange(output[0])[:, None] * stride + np.arange(kernel)[None] - padding
    columns = np.arange(output[1])[:, None] * stride + np.arange(kernel)[None] - padding
    inside_rows = (rows >= 0) & (rows < height)
    inside_columns = (columns >= 0) & (columns < width)
    inside = inside_rows[:, None, :, None] & inside_columns[None, :, None, :]
    position = rows[:, None, :, None] * width + columns[None, :, None, :]
    pixels = position[inside]
    lengths = inside.sum((2, 3)).ravel()
    planes = np.arange(depth) * height * width
    if depthwise:
        return of_lengths(
            np.tile(lengths, depth), (planes[:, None] + pixels).ravel().astype(np.int32)
        )
    # Window by window, all of its pixels in the first channel, then in the second, ...
    first = np.concatenate([[0], np.cumsum(lengths)])
    total = lengths * depth
    window = np.repeat(np.arange(len(lengths)), total)
    within = np.arange(int(total.sum())) - np.repeat(np.cumsum(total) - total, total)
    plane, pixel = np.divmod(within, lengths[window])
    return of_lengths(total, (planes[plane] + pixels[first[window] + pixel]).astype(np.int32))


def _grouped(source: Sources, begin: Offsets, members: Offsets) -> Sources:
    """Group g is fed by the sources of its members `members[begin[g]]` and so on."""
    most = int(source.inputs.max(initial=-1)) + 1
    first, inputs = distinct_inputs(source.first, source.inputs, begin, members, most)
    return Sources(first, ascending(first, inputs))
