"""Time of a training step: Spikeloom's interpreter against the same network in plain PyTorch.

    .venv-oracles/bin/python benchmarks/frameworks.py       # `make test-oracles` sets that up

Both start from the same parameters and train on the same batch with the same number of threads,
one step of each in turn. A step begins with the batch as numpy arrays and ends with the updated
parameters; Spikeloom's also counts cycles and energy. Their first two losses must agree to a
thousandth, or nothing is measured. Kernels are compiled beforehand and not timed.

The default pipeline chooses lookup tables for the modelled accelerator, whose tables lie on chip,
and so the interpreter executes them; `without tables` compiles the same program without that pass.

`--clock cpu` counts processor time instead: for one thread, on a computer that does other work.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from pytorch_networks import Network, Trainer, convolutional, perceptron
from scale import computer

from spikeloom.backend.execution.interpreter import prepare_kernels
from spikeloom.backend.host.dataset import Batch
from spikeloom.backend.host.executor import Executor
from spikeloom.backend.host.load_data import load_training_data
from spikeloom.backend.host.task import describe
from spikeloom.backend.machine.description import load_machine
from spikeloom.compiler import compile_program
from spikeloom.default_pipeline import PipelineText, pipeline_text
from spikeloom.frontend.program import parse_program

EXAMPLES = Path(__file__).parents[1] / "examples"
AGREEMENT = 1e-3
Clock = Callable[[], float]
CLOCKS: dict[str, Clock] = {"wall": time.perf_counter, "cpu": time.process_time}
PERCEPTRON = """\
network perceptron(image: spikes[784]) -> spikes[10] {
    hidden = lif(linear(image, 256))
    return lif(linear(hidden, 10))
}

train perceptron {
    data      = random(rate = 0.1, classes = 10, samples = 160)
    steps     = 25
    batch     = 128
    epochs    = 1
    loss      = cross_entropy
    optimizer = adam(rate = 0.002)
    seed      = 1
}
"""


@dataclass(frozen=True)
class Subject:
    """A program and the same network in PyTorch."""

    name: str
    text: str
    network: Network


@dataclass(frozen=True)
class Times:
    """Seconds of every step."""

    spikeloom: Sequence[float]
    pytorch: Sequence[float]

    def line(self) -> str:
        """Medians, fastest steps, and how often Spikeloom's fits into PyTorch's."""
        ours, theirs = statistics.median(self.spikeloom), statistics.median(self.pytorch)
        parts = f"{1e3 * ours:9.2f} {1e3 * min(self.spikeloom):9.2f}"
        parts += f" {1e3 * theirs:9.2f} {1e3 * min(self.pytorch):9.2f}"
        return f"{parts} {theirs / ours:8.2f} {min(self.pytorch) / min(self.spikeloom):8.2f}"


def subjects() -> tuple[Subject, ...]:
    """What is measured."""
    digits, convolution = (EXAMPLES / f"{name}.snn" for name in ("digits", "conv_digits"))
    return (
        Subject("digits 64-128-10, T 16, batch 64", digits.read_text(), perceptron),
        Subject("conv_digits, T 8, batch 64", convolution.read_text(), convolutional),
        Subject("784-256-10, T 25, batch 128", PERCEPTRON, perceptron),
    )


def without_tables(*, training: bool, steps: int, batch: int) -> str:
    """The pipeline that `spikeloom` runs but for lookup tables."""
    return pipeline_text(training=training, steps=steps, batch=batch).replace("fuse-luts,", "")


def measure(
    subject: Subject, pipeline: PipelineText, threads: int, rounds: int, clock: Clock
) -> Times:
    """Trains with both, step by step in turn."""
    torch.set_num_threads(threads)
    spikeloom, pytorch = _trainers(subject, pipeline, threads)
    for _ in range(2):
        ours, theirs = spikeloom(), pytorch()
        if abs(ours - theirs) > AGREEMENT * abs(theirs):
            raise SystemExit(f"{subject.name}: the losses {ours} and {theirs} do not agree")
    times = Times([], [])
    for _ in range(rounds):
        times = replace(
            times,
            spikeloom=[*times.spikeloom, _seconds(spikeloom, clock)],
            pytorch=[*times.pytorch, _seconds(pytorch, clock)],
        )
    return times


def _trainers(
    subject: Subject, pipeline: PipelineText, threads: int
) -> tuple[Callable[[], float], Callable[[], float]]:
    """One step of each, which returns the loss; both always train on the first batch."""
    module, machine = parse_program(subject.text, f"{subject.name}.snn"), load_machine()
    task = describe(module, f"{subject.name}.snn")
    training = task.training
    assert training is not None
    dataset = load_training_data(task, training, training.seed)
    image = compile_program(module, task, machine, sizes=dataset.sizes, pipeline=pipeline)
    executor = Executor(image, task.with_sizes(dataset.sizes), machine, training.seed, threads)
    batch: Batch = dataset.training(0)[0]
    assert batch.labels is not None
    state = {name: tensor.copy() for name, tensor in executor.state.items()}
    parameters = {p.name: torch.from_numpy(state[f"parameter/{p.name}"]) for p in task.parameters}
    running = {parameter.name for parameter in task.parameters if parameter.running}
    trainer = Trainer(subject.network, parameters, running, training.optimizer.rate)
    signal, labels = torch.from_numpy(batch.signal), torch.from_numpy(batch.labels)

    def spikeloom() -> float:
        sums = executor.run("train", batch).sums
        return sums.loss / sums.samples

    return spikeloom, lambda: trainer.step(signal, labels)


def _seconds(step: Callable[[], float], clock: Clock) -> float:
    start = clock()
    step()
    return clock() - start


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description="Times training steps against plain PyTorch.")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="of both")
    parser.add_argument("--rounds", type=int, default=30, help="steps of each")
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="what is counted")
    options = parser.parse_args()
    about = computer() | {"pytorch": torch.__version__}
    print("\n".join(f"{name:9} {value}" for name, value in about.items()), end="\n\n")
    prepare_kernels()
    names = f"{'Spikeloom':>19} {'PyTorch':>19} {'PyTorch / Spikeloom':>22}"
    print(f"{options.clock + ' milliseconds':60} {names}")
    print(f"{'':60}" + f" {'median':>9} {'fastest':>9}" * 2 + f" {'median':>8} {'fastest':>8}")
    for subject in subjects():
        for threads in options.threads:
            for words, pipeline in (("", pipeline_text), (", without tables", without_tables)):
                clock = CLOCKS[options.clock]
                times = measure(subject, pipeline, threads, options.rounds, clock)
                title = f"{subject.name}, {threads} thread{'s' if threads > 1 else ''}{words}"
                print(f"{title:60} {times.line()}", flush=True)


if __name__ == "__main__":
    main()
