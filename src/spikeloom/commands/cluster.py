"""`spikeloom cluster CONNECTIONS`: crossbars for a bare connection list."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from typing import Any

import numpy as np

from spikeloom.backend.atomic_file import write_atomically
from spikeloom.diagnostics import SourceLocation, error
from spikeloom.passes.clustering.clustering import Clustering
from spikeloom.passes.clustering.connections import Connections
from spikeloom.passes.clustering.limits import Limits
from spikeloom.passes.clustering.lists import read_connections, read_spikes
from spikeloom.passes.clustering.strategy import Strategy, Unrolling, cluster
from spikeloom.terminal import EXIT_OK

MAX_INPUT_BYTES = 2**30


def command(parsed: argparse.Namespace) -> int:
    """Clusters a connection list, prints a summary and writes all of it as JSON.

    Raises:
        DiagnosticError: a file cannot be read (E0401, E0207), or the network does not fit (E0306).
    """
    limits = Limits(
        parsed.inputs,
        parsed.outputs,
        parsed.crosspoints,
        parsed.fan_in,
        parsed.destinations,
        parsed.input_buffer,
        parsed.output_buffer,
    )
    network = read_connections(_text(parsed.connections), parsed.connections)
    if parsed.spikes is not None:
        spikes = read_spikes(_text(parsed.spikes), parsed.spikes, network.neurons)
        network = replace(network, spikes=spikes)
    found = cluster(network, limits, Unrolling(parsed.unroll), Strategy(parsed.strategy))
    found.check()
    if parsed.json is not None:
        write_atomically(parsed.json, (json.dumps(answer_of(found)) + "\n").encode())
    print(_report(network, found))
    return EXIT_OK


def answer_of(found: Clustering) -> dict[str, Any]:
    """The result as JSON has it: clusters with the neurons they compute and read, and traffic."""
    first, neurons = found.feeds
    members = np.argsort(found.cluster_of, kind="stable")
    ends = np.searchsorted(found.cluster_of[members], np.arange(found.clusters + 1))
    unrolled, traffic = found.network, found.traffic
    behind = range(unrolled.original, unrolled.connections.neurons)
    columns = (traffic.source.tolist(), traffic.target.tolist(), traffic.spikes.tolist())
    return {
        "crossbars": found.clusters,
        "spikes_between": traffic.total,
        "utilization": dict(
            zip(("inputs", "outputs", "crosspoints"), found.utilization, strict=True)
        ),
        "clusters": [
            {
                "computes": members[ends[number] : ends[number + 1]].tolist(),
                "from": np.sort(neurons[first[number] : first[number + 1]]).tolist(),
                "synapses": synapses,
            }
            for number, synapses in enumerate(found.crosspoints.tolist())
        ],
        "links": [list(row) for row in zip(*columns, strict=True)],
        "elements": [
            {
                "number": number,
                "neuron": int(unrolled.owner[number]),
                "from": unrolled.connections.inputs_of(number).tolist(),
            }
            for number in behind
        ],
        "cut": found.cut,
    }


def _report(network: Connections, found: Clustering) -> str:
    unrolled = found.network
    inputs = int((network.fan_in == 0).sum())
    added = unrolled.connections.neurons - unrolled.original
    lines = [
        f"network         {network.neurons} neurons, {inputs} of them inputs, "
        f"{network.synapses} synapses"
    ]
    if added:
        relays = int(unrolled.is_relay.sum())
        lines.append(f"added           {added - relays} partial sums, {relays} relays")
    used = [f"{share:.1%}" for share in found.utilization]
    lines += [
        f"crossbars       {found.clusters}",
        f"in use          {used[0]} of inputs, {used[1]} of outputs, {used[2]} of crosspoints",
        f"between them    {found.traffic.total} spikes per inference",
    ]
    if found.cut is not None:
        lines.append(f"search          {found.cut}")
    return "\n".join(lines)


def _text(path: str) -> str:
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_INPUT_BYTES + 1)
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else problem
        raise error("E0401", f"cannot read `{path}`: {reason}") from None
    if len(data) > MAX_INPUT_BYTES:
        raise error("E0401", f"`{path}` has more than {MAX_INPUT_BYTES} bytes")
    try:
        return data.decode("ascii")
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, problem.start) + 1
        column = problem.start - data.rfind(b"\n", 0, problem.start)
        place = SourceLocation(path, line, column)
        raise error("E0207", "this is no list of numbers", place) from None
