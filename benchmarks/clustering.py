"""Clusters a network of a million neurons and a hundred million synapses: time and memory.

    python benchmarks/clustering.py [--channels 11] [--layers 11] [--side 96]

Prints the seconds and the peak memory of each phase; compiled loops are warmed up on a small
network first. The bounds to hold on two cores are 60 seconds and 8 GiB.
"""

from __future__ import annotations

import argparse
import resource
import time

from spikeloom.passes.clustering.connections import Connections
from spikeloom.passes.clustering.layers import ConnectionsBuilder
from spikeloom.passes.clustering.limits import Limits
from spikeloom.passes.clustering.strategy import cluster


def convolutions(channels: int, layers: int, side: int) -> Connections:
    """A square image of 3 channels and layers of 3 x 3 convolutions."""
    builder = ConnectionsBuilder()
    shape = (3, side, side)
    layer = builder.inputs(3 * side**2)
    for _ in range(layers):
        layer, shape = builder.window(layer, shape, channels, 3, padding=1)
    return builder.connections()


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--channels", type=int, default=11)
    parser.add_argument("--layers", type=int, default=11)
    parser.add_argument("--side", type=int, default=96)
    options = parser.parse_args()
    cluster(convolutions(2, 2, 8), Limits())
    start = (time.monotonic(), time.process_time())
    network = convolutions(options.channels, options.layers, options.side)
    print(f"{network.neurons} neurons, {network.synapses} synapses")
    start = _print_phase("built", start)
    found = cluster(network, Limits())
    _print_phase("clustered", start)
    found.check()
    print(f"crossbars  {found.clusters}, spikes between them {found.traffic.total}")
    print(f"search     {found.cut or 'not cut'}")


def _print_phase(name: str, start: tuple[float, float]) -> tuple[float, float]:
    """Prints what a phase took since `start`, wall and processor time; the end of the phase."""
    end = (time.monotonic(), time.process_time())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    wall, busy = (after - before for after, before in zip(end, start, strict=True))
    print(f"{name:10} {wall:6.1f} s, {busy:.1f} s of processor time, peak {peak:.1f} GiB")
    return end


if __name__ == "__main__":
    main()
