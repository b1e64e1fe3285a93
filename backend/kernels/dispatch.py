"""From an instruction to its kernel: one number per kernel, chosen when a stream is decoded."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.kernels.arrangement import concatenate, flatten, split, unflatten
from spikeloom.backend.kernels.backward import backpropagate
from spikeloom.backend.kernels.call import address_of
from spikeloom.backend.kernels.forward import accumulate, bias, multiply
from spikeloom.backend.kernels.losses import (
    cross_entropy,
    mean_squared_error,
    readout_bits,
    readout_values,
    spread,
)
from spikeloom.backend.kernels.movement import (
    clear_bits,
    clear_cells,
    copy_bits,
    copy_cells,
    transpose,
)
from spikeloom.backend.kernels.neuron_gradients import fire_gradient, integrate_gradient
from spikeloom.backend.kernels.neurons import add, fire, integrate
from spikeloom.backend.kernels.normalization import (
    blend,
    channel_mean,
    channel_product,
    channel_variance,
    normalize,
    normalize_gradient,
)
from spikeloom.backend.kernels.operands import Kernel
from spikeloom.backend.kernels.optimizers import adam, count_step, sgd
from spikeloom.backend.kernels.pools import (
    pool_max,
    pool_max_gradient,
    pool_sum,
    pool_sum_gradient,
)
from spikeloom.backend.kernels.row_tables import build_row_tables, correlate_tables
from spikeloom.backend.kernels.tables import build_tables, lookup
from spikeloom.backend.kernels.tiles import (
    carry_cells,
    do_nothing,
    place_cells,
    run_tile,
    take_and_place_cells,
    take_cells,
    update_neurons,
)
from spikeloom.backend.kernels.weight_update import (
    correlate_spikes,
    correlate_values,
    sum_gradient,
)
from spikeloom.dialects.instruction_set import Element

KERNELS: tuple[Kernel, ...] = (
    copy_cells,
    copy_bits,
    transpose,
    clear_cells,
    clear_bits,
    bias,
    accumulate,
    multiply,
    fire,
    integrate,
    add,
    readout_bits,
    readout_values,
    cross_entropy,
    mean_squared_error,
    spread,
    fire_gradient,
    integrate_gradient,
    backpropagate,
    correlate_spikes,
    correlate_values,
    sum_gradient,
    count_step,
    sgd,
    adam,
    pool_sum,
    pool_max,
    pool_sum_gradient,
    pool_max_gradient,
    flatten,
    unflatten,
    concatenate,
    split,
    channel_mean,
    channel_variance,
    normalize,
    channel_product,
    normalize_gradient,
    blend,
    build_tables,
    lookup,
    build_row_tables,
    correlate_tables,
    place_cells,
    take_cells,
    take_and_place_cells,
    carry_cells,
    do_nothing,
    run_tile,
    update_neurons,
)
"""Every kernel; a decoded program names them by their position here."""

_ON_CELLS: dict[str, Kernel] = {
    "load": copy_cells,
    "load_update": copy_cells,
    "load_transposed": transpose,
    "store": copy_cells,
    "store_update": copy_cells,
    "clear": clear_cells,
    "clear_update": clear_cells,
    "bias": bias,
    "accumulate": accumulate,
    "multiply": multiply,
    "fire": fire,
    "fire_again": fire,
    "integrate": integrate,
    "add": add,
    "readout": readout_values,
    "cross_entropy": cross_entropy,
    "mean_squared_error": mean_squared_error,
    "spread": spread,
    "fire_gradient": fire_gradient,
    "integrate_gradient": integrate_gradient,
    "backpropagate": backpropagate,
    "correlate_spikes": correlate_spikes,
    "correlate_values": correlate_values,
    "sum_gradient": sum_gradient,
    "count_step": count_step,
    "sgd": sgd,
    "adam": adam,
    "pool_sum": pool_sum,
    "pool_max": pool_max,
    "pool_sum_gradient": pool_sum_gradient,
    "pool_max_gradient": pool_max_gradient,
    "flatten": flatten,
    "unflatten": unflatten,
    "concatenate": concatenate,
    "split": split,
    "channel_mean": channel_mean,
    "channel_variance": channel_variance,
    "normalize": normalize,
    "channel_product": channel_product,
    "normalize_gradient": normalize_gradient,
    "blend": blend,
    "build_tables": build_tables,
    "lookup": lookup,
    "build_row_tables": build_row_tables,
    "correlate_tables": correlate_tables,
    "program_tile": copy_cells,
    "reserve": clear_cells,
    "take_input": take_and_place_cells,
    "receive": place_cells,
    "run_tile": run_tile,
    "update_neurons": update_neurons,
    "emit": take_cells,
    "collect": carry_cells,
    "release": do_nothing,
    "send": carry_cells,
}
_ON_BITS: dict[str, Kernel] = {
    "load": copy_bits,
    "load_update": copy_bits,
    "store": copy_bits,
    "store_update": copy_bits,
    "clear": clear_bits,
    "clear_update": clear_bits,
    "readout": readout_bits,
    "reserve": clear_bits,
}
"""Instructions that have a kernel of their own for bits; those of other instructions look."""


def kernel_of(instruction: str, element: Element) -> Kernel:
    """The kernel of an instruction whose last operand holds this element."""
    if element is Element.BIT and instruction in _ON_BITS:
        return _ON_BITS[instruction]
    return _ON_CELLS[instruction]


def kernel_number(instruction: str, element: Element) -> int:
    """The position of this kernel among `KERNELS`."""
    return KERNELS.index(kernel_of(instruction, element))


def kernel_addresses(numbers: Iterable[int]) -> NDArray[np.int64]:
    """Where the machine code of each kernel begins, by its number; 0 for all but these `numbers`.

    Those that are not compiled yet are now.
    """
    addresses = np.zeros(len(KERNELS), np.int64)
    for number in numbers:
        addresses[number] = address_of(KERNELS[number])
    return addresses
