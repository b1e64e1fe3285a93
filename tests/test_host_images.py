"""Samples and parameters between the language's shapes and the machine's buffers."""

from __future__ import annotations

import numpy as np
import pytest

from spikeloom.backend.host.images import expected_shape, extract, fill
from spikeloom.backend.host.parameters import buffer_shape, from_buffer, to_buffer

STEPS, BATCH = 3, 2


def numbered(*shape: int) -> np.ndarray:
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


@pytest.mark.parametrize("shape", [(5,), (1, 8, 8), (3, 4, 5), (2, 6)])
@pytest.mark.parametrize(("lead", "margin"), [(0, 0), (1, 2)])
def test_a_signal_lies_in_the_middle_of_its_zeros(
    shape: tuple[int, ...], lead: int, margin: int
) -> None:
    signal = 1 + numbered(STEPS, BATCH, int(np.prod(shape)))
    pixels = int(np.prod(shape[1:]))
    around = 2 * margin * shape[-1] if len(shape) > 1 else 0
    buffer = (lead + STEPS, BATCH, pixels + around, shape[0])
    cells = fill(buffer, signal, shape)
    assert expected_shape(buffer, STEPS, BATCH, shape) == buffer
    assert np.count_nonzero(cells) == signal.size
    assert not cells[:lead].any()
    assert np.array_equal(extract(cells, STEPS, shape), signal.reshape(STEPS, BATCH, *shape))
    first = cells[lead, 0, around // 2]
    assert np.array_equal(first, signal[0, 0].reshape(shape[0], -1)[:, 0])


@pytest.mark.parametrize("extra", [1, 5, 7])
def test_part_of_a_row_of_zeros_is_not_expected(extra: int) -> None:
    found = (STEPS, BATCH, 12 + extra, 2)
    assert expected_shape(found, STEPS, BATCH, (2, 3, 4)) != found


def test_a_kernel_has_a_tap_per_pixel_row_by_row() -> None:
    weight = numbered(5, 4, 2, 3)
    cells = to_buffer(weight)
    assert cells.shape == buffer_shape(weight.shape) == (6, 1, 4, 5)
    assert cells[1 * 3 + 2, 0, 3, 4] == weight[4, 3, 1, 2]


@pytest.mark.parametrize("shape", [(5,), (5, 4), (5, 4, 3, 3)])
def test_parameters_come_back_from_their_buffers(shape: tuple[int, ...]) -> None:
    tensor = numbered(*shape)
    assert to_buffer(tensor).shape == buffer_shape(shape)
    assert np.array_equal(from_buffer(to_buffer(tensor), shape), tensor)
