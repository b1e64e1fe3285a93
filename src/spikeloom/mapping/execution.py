"""One inference of a mapped program, executed by the interpreter: what it measures."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.accounts.crossbar_results import CrossbarResult
from spikeloom.mapping.binding import BoundNetwork
from spikeloom.mapping.mapping import EnergyPart, MeasuredTile, Measurement
from spikeloom.passes.tiles.network import TileNetwork
from spikeloom.tiles.execute import TileExecutor, TileRun

Parameters = Mapping[str, NDArray[np.float32]]

SETTLING_STEPS = 128
"""Time steps of a second run, where the first was too short for its period to recur."""


def measure(
    found: BoundNetwork,
    network: TileNetwork,
    parameters: Parameters,
    signal: NDArray[np.generic],
    subject: str,
) -> Measurement:
    """Executes one inference.

    Args:
        signal: [steps, units], what the network's input is in each time step.
        subject: the parameters and the input in words.

    Raises:
        DiagnosticError: a parameter or the input does not fit (E0404, E0403), or what is mapped
            cannot be executed (E0302, E0306).
    """
    run = _run(found, network, parameters, signal)
    steps = period_steps = len(signal)
    period = run.period()
    if period is None and steps < SETTLING_STEPS:
        period_steps = SETTLING_STEPS
        longer = np.resize(signal, (period_steps, *signal.shape[1:]))
        period = _run(found, network, parameters, longer).period()
    packets: list[int | None] = [None] * len(found.clusters.application.graph.channels)
    for each in run.result.connections:
        packets[run.connections[each.number].channel] = each.packets
    numbers = found.machine.working_tiles
    worked = _worked(found, run)
    tiles = tuple(
        MeasuredTile(
            numbers[each.number],
            each.states.active,
            int(worked[each.number]),
            each.passes,
            each.spikes,
        )
        for each in run.result.tiles
    )
    spikes = tuple(
        (name, int(np.count_nonzero(values)))
        for name, values in run.outputs.items()
        if values.dtype == np.uint8
    )
    parts, programming = _parts(run.result)
    return Measurement(
        subject,
        steps,
        period,
        period_steps,
        run.result.elapsed,
        run.programmed,
        run.finishes[0] - run.programmed,
        parts,
        programming,
        tiles,
        tuple(packets),
        spikes,
    )


def _run(
    found: BoundNetwork,
    network: TileNetwork,
    parameters: Parameters,
    signal: NDArray[np.generic],
) -> TileRun:
    application, binding = found.clusters.application, found.bound.binding
    executor = TileExecutor(network, application, binding, found.machine, len(signal))
    return executor.run(parameters, signal)


def _worked(found: BoundNetwork, run: TileRun) -> NDArray[np.int64]:
    """[tiles], cycles of passes behind the last programming; a pass may begin before that."""
    time = found.machine.crossbar.pass_.value
    cycles = np.clip(run.firings - run.programmed, 0, time).sum(axis=0)
    worked = np.zeros(len(found.machine.working_tiles), np.int64)
    np.add.at(worked, np.array(found.bound.binding, np.int64), cycles)
    return worked


def _parts(result: CrossbarResult) -> tuple[tuple[EnergyPart, ...], EnergyPart]:
    """Counts and prices in the order of an estimate, and those of programming."""
    prices, tiles, connections = result.machine.energies, result.tiles, result.connections
    leaking = result.elapsed * len(result.machine.working_tiles)
    counts = (
        ("crosspoints read", sum(each.crosspoints for each in tiles), prices.crosspoint),
        ("neurons updated", sum(each.updates for each in tiles), prices.update),
        ("spikes fired", sum(each.spikes for each in tiles), prices.spike),
        ("packets to other tiles", sum(each.packets for each in connections), prices.packet),
        ("hops of packets", sum(each.hops for each in connections), prices.hop),
        ("tile cycles of leakage", leaking, prices.leakage),
    )
    parts = tuple(EnergyPart(name, count, price.value) for name, count, price in counts)
    programmed = sum(each.programmed for each in tiles)
    return parts, EnergyPart("crosspoints written", programmed, prices.program.value)
