"""From an instruction to its kernel: one number per kernel, chosen when a stream is decoded."""

from __future__ import annotations

from spikeloom.backend.kernels.arrangement import concatenate, flatten, split, unflatten
from spikeloom.backend.kernels.backward import backpropagate
from spikeloom.backend.kernels.compile import INTEGER, compiled, types
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
from spikeloom.backend.kernels.operands import SIGNATURE, Kernel, Task
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
"""Every kernel; `run_kernel` calls them by their position here."""

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
    """The number by which one of the functions below calls this kernel."""
    return KERNELS.index(kernel_of(instruction, element))


FIRST_LATE, FIRST_OF_IMAGES, FIRST_OF_TABLES, FIRST_OF_TILES = 13, 25, 39, 43
"""The first positions that `run_late` and so on serve: several compile faster than one."""
_TASK = types.Tuple(SIGNATURE)


@compiled(INTEGER, _TASK)
def run_early(kernel: int, task: Task) -> None:
    """Kernels 0 to 12: data movement, forward, neurons, readout."""
    if kernel == 0:
        copy_cells(*task)
    elif kernel == 1:
        copy_bits(*task)
    elif kernel == 2:
        transpose(*task)
    elif kernel == 3:
        clear_cells(*task)
    elif kernel == 4:
        clear_bits(*task)
    elif kernel == 5:
        bias(*task)
    elif kernel == 6:
        accumulate(*task)
    elif kernel == 7:
        multiply(*task)
    elif kernel == 8:
        fire(*task)
    elif kernel == 9:
        integrate(*task)
    elif kernel == 10:
        add(*task)
    elif kernel == 11:
        readout_bits(*task)
    elif kernel == 12:
        readout_values(*task)


@compiled(INTEGER, _TASK)
def run_late(kernel: int, task: Task) -> None:
    """Kernels 13 to 24: losses, backward, weight update, optimizers."""
    if kernel == 13:
        cross_entropy(*task)
    elif kernel == 14:
        mean_squared_error(*task)
    elif kernel == 15:
        spread(*task)
    elif kernel == 16:
        fire_gradient(*task)
    elif kernel == 17:
        integrate_gradient(*task)
    elif kernel == 18:
        backpropagate(*task)
    elif kernel == 19:
        correlate_spikes(*task)
    elif kernel == 20:
        correlate_values(*task)
    elif kernel == 21:
        sum_gradient(*task)
    elif kernel == 22:
        count_step(*task)
    elif kernel == 23:
        sgd(*task)
    elif kernel == 24:
        adam(*task)


@compiled(INTEGER, _TASK)
def run_images(kernel: int, task: Task) -> None:
    """Kernels 25 to 38: pools, arrangement, normalization."""
    if kernel == 25:
        pool_sum(*task)
    elif kernel == 26:
        pool_max(*task)
    elif kernel == 27:
        pool_sum_gradient(*task)
    elif kernel == 28:
        pool_max_gradient(*task)
    elif kernel == 29:
        flatten(*task)
    elif kernel == 30:
        unflatten(*task)
    elif kernel == 31:
        concatenate(*task)
    elif kernel == 32:
        split(*task)
    elif kernel == 33:
        channel_mean(*task)
    elif kernel == 34:
        channel_variance(*task)
    elif kernel == 35:
        normalize(*task)
    elif kernel == 36:
        channel_product(*task)
    elif kernel == 37:
        normalize_gradient(*task)
    elif kernel == 38:
        blend(*task)


@compiled(INTEGER, _TASK)
def run_tables(kernel: int, task: Task) -> None:
    """Kernels 39 to 42: tables."""
    if kernel == 39:
        build_tables(*task)
    elif kernel == 40:
        lookup(*task)
    elif kernel == 41:
        build_row_tables(*task)
    elif kernel == 42:
        correlate_tables(*task)


@compiled(INTEGER, _TASK)
def run_tiles(kernel: int, task: Task) -> None:
    """Kernels from 43 on: tiles and connections."""
    if kernel == 43:
        place_cells(*task)
    elif kernel == 44:
        take_cells(*task)
    elif kernel == 45:
        take_and_place_cells(*task)
    elif kernel == 46:
        carry_cells(*task)
    elif kernel == 47:
        do_nothing(*task)
    elif kernel == 48:
        run_tile(*task)
    elif kernel == 49:
        update_neurons(*task)


@compiled(INTEGER, _TASK)
def run_kernel(kernel: int, task: Task) -> None:
    """Runs the kernel with this number on one thread's part of an instruction."""
    if kernel < FIRST_LATE:
        run_early(kernel, task)
    elif kernel < FIRST_OF_IMAGES:
        run_late(kernel, task)
    elif kernel < FIRST_OF_TABLES:
        run_images(kernel, task)
    elif kernel < FIRST_OF_TILES:
        run_tables(kernel, task)
    else:
        run_tiles(kernel, task)
