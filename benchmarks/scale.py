"""How long it takes to compile, validate and count large programs on this computer.

    python benchmarks/scale.py                        # synthetic: deep networks and deep loops
    python benchmarks/scale.py examples/digits.snn    # one training batch of these programs

Prints the computer, and per step the seconds of CPU and of the wall clock and the peak memory so
far. `--json FILE` writes the same. Kernels are compiled beforehand and not timed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

from deep_streams import Depth, deep_stream

from spikeloom.backend.counting.counter import Counter
from spikeloom.backend.counting.densities import Densities, parse_densities
from spikeloom.backend.execution.interpreter import prepare_kernels
from spikeloom.backend.host.counting import FromDensities, count_sizes
from spikeloom.backend.host.task import describe
from spikeloom.backend.machine.description import Machine, load_machine
from spikeloom.backend.stream.stream import Stream
from spikeloom.backend.validation.validator import validate
from spikeloom.compiler import compile_program
from spikeloom.frontend.program import parse_program

T = TypeVar("T")
DEFAULT_SHARES = "spikes=.17,mask=.36,gradients=.5"
LARGE = 1 << 28
"""Bytes of every memory for streams that were made without a machine in mind."""


@dataclass(frozen=True)
class Measured:
    """One step of one subject; seconds, and MiB of memory at most until its end."""

    subject: str
    step: str
    cpu: float
    wall: float
    memory: float
    detail: str = ""


class Stopwatch:
    """Collects and prints what steps take."""

    def __init__(self) -> None:
        self.found: list[Measured] = []

    def time(self, subject: str, step: str, work: Callable[[], T], detail: Callable[[T], str]) -> T:
        """Does the work, prints and keeps what it took, and returns its result."""
        cpu, wall = time.process_time(), time.perf_counter()
        result = work()
        spent = (time.process_time() - cpu, time.perf_counter() - wall)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        measured = Measured(subject, step, *spent, memory, detail(result))
        self.found.append(measured)
        times = f"{measured.cpu:8.2f} s CPU {measured.wall:8.2f} s wall {memory:8.0f} MiB"
        print(f"{subject:34} {step:9} {times}  {measured.detail}", flush=True)
        return result


def deep_network(layers: int, units: int) -> str:
    """The text of a feed-forward network of so many spiking layers, with its training."""
    lines = [f"network deep(x: spikes[{units}]) -> spikes[10] {{"]
    lines += [
        f"    l{n} = lif(linear({f'l{n - 1}' if n else 'x'}, {units}))" for n in range(layers - 1)
    ]
    lines += [f"    return lif(linear(l{layers - 2}, 10))", "}", "", "train deep {"]
    data = "data = random(rate = 0.3, classes = 10, samples = 64)"
    numbers = ("steps = 6", "batch = 32", "epochs = 1", "loss = cross_entropy")
    lines += [data, *numbers, "optimizer = adam(rate = 0.001)", "}"]
    return "\n".join(lines) + "\n"


def measure_program(
    watch: Stopwatch, name: str, text: str, machine: Machine, densities: Densities
) -> None:
    """Parses, compiles, validates and counts one training batch of a program."""
    module = watch.time(name, "parse", lambda: parse_program(text, name), lambda _: "")
    task = describe(module, name)
    sizes = count_sizes(task, FromDensities(densities, ""))
    image = watch.time(
        name,
        "compile",
        lambda: compile_program(module, task, machine, sizes=sizes),
        lambda image: f"{len(image.streams[0][1].instructions):,} records",
    )
    measure_stream(watch, name, image.streams[0][1], machine, machine.memory_bytes, densities)


def measure_stream(
    watch: Stopwatch,
    name: str,
    stream: Stream,
    machine: Machine,
    memories: Mapping[str, int],
    densities: Densities,
) -> None:
    """Validates and counts a stream."""
    validated = watch.time(
        name,
        "validate",
        lambda: validate(stream, memories),
        lambda done: f"{done.dynamic_instructions:,} instructions to execute",
    )
    watch.time(
        name,
        "count",
        lambda: Counter(validated, machine).count_with_densities(densities),
        lambda result: f"{result.elapsed:,} cycles",
    )


def computer() -> dict[str, str]:
    """What the times were measured on."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    packages = {name: version(name) for name in ("numpy", "numba", "xdsl")}
    load = ", ".join(f"{part:.1f}" for part in os.getloadavg())
    cores = str(os.cpu_count())
    return {"cpu": model, "cores": cores, "load": load, "python": platform.python_version()} | (
        packages
    )


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description="Times compilation, validation and counting.")
    parser.add_argument("programs", nargs="*", type=Path, help="programs with a `train` block")
    parser.add_argument("--density", default=DEFAULT_SHARES, help="shares to count with")
    parser.add_argument("--layers", type=int, default=60, help="of the synthetic network")
    parser.add_argument("--json", type=Path, help="a file for the results")
    options = parser.parse_args()
    about, machine, watch = computer(), load_machine(), Stopwatch()
    densities = parse_densities(options.density)
    print("\n".join(f"{name:9} {value}" for name, value in about.items()), end="\n\n")
    import_module("spikeloom.backend.counting.walk")
    prepare_kernels()
    for path in options.programs:
        measure_program(watch, str(path), path.read_text(), machine, densities)
    if not options.programs:
        text = deep_network(options.layers, 256)
        measure_program(watch, f"network of {options.layers} layers", text, machine, densities)
        memories = dict.fromkeys(machine.memory_bytes, LARGE)
        depth = Depth(176, steps=4, samples=128, sample_tile=8, units=1280, unit_tile=64)
        stream = deep_stream(depth)
        name = f"stream of {len(stream.instructions):,} records"
        measure_stream(watch, name, stream, machine, memories, densities)
    if options.json is not None:
        found = [asdict(measured) for measured in watch.found]
        options.json.write_text(json.dumps({"computer": about, "measured": found}, indent=2))


if __name__ == "__main__":
    main()
