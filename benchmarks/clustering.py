"""Clusters a network of a million neurons and a hundred million synapses: time and memory.

    python benchmarks/clustering.py [--channels 11] [--layers 10] [--side 96]

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
    parser.add_argument("--layers", type=int, default=10)
    parser.add_argument("--side", type=int, default=96)
    options = parser.parse_args()
    cluster(convolutions(2, 2, 8), Limits())
    start = time.monotonic()
    network = convolutions(options.channels, options.layers, options.side)
    built = time.monotonic()
    print(f"{network.neurons} neurons, {network.synapses} synapses")
    print(f"built      {built - start:6.1f} s, {_peak():.1f} GiB")
    found = cluster(network, Limits())
    done = time.monotonic()
    print(f"clustered  {done - built:6.1f} s, {_peak():.1f} GiB")
    found.check()
    print(f"crossbars  {found.clusters}, spikes between them {found.traffic.total}")
    print(f"search     {found.cut or 'not cut'}")


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    main()
