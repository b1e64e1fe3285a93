"""What the commands of `spikeloom` do."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from xdsl.dialects.builtin import ModuleOp

from spikeloom.backend.accounts.baseline import Gpu, compare, load_gpu
from spikeloom.backend.host.dataset import Dataset
from spikeloom.backend.host.plan import Plan, Task
from spikeloom.backend.host.session import (
    RunOptions,
    Session,
    SessionResult,
    check_options,
    load_dataset,
    machine_in_use,
)
from spikeloom.backend.host.task import describe
from spikeloom.backend.machine.description import Machine, load_machine
from spikeloom.backend.snx import read_image, write_image
from spikeloom.backend.snx.image import Image
from spikeloom.backend.validation.validator import validate
from spikeloom.compiler import compile_program, pipeline_for
from spikeloom.count_command import check_count_options, count_program, counted_words
from spikeloom.diagnostics import error
from spikeloom.frontend.program import parse_program_bytes
from spikeloom.terminal import EXIT_INTERRUPTED, EXIT_OK
from spikeloom.verification.options import verification_sizes

MAX_PROGRAM_BYTES = 2**24
"""More is not even read; the frontend has a lower limit of its own and words for it."""


def run(parsed: argparse.Namespace) -> int:
    """`spikeloom run`: compiles in memory and executes as `exec` does."""
    check_count_options(parsed)
    options = _run_options(parsed)
    module, task = _read_program(parsed.program)
    if parsed.count_only:
        counted = count_program(parsed, module, task, options)
        _print_result(counted.result, _gpu(parsed), counted_words(counted))
        return EXIT_OK
    check_options(task, options)
    dataset = load_dataset(task, options)
    machine = load_machine(parsed.machine)
    _verify_by_running(parsed, module, machine)
    pipeline = pipeline_for(parsed.profile)
    image = compile_program(module, task, machine, sizes=dataset.sizes, pipeline=pipeline)
    return _execute(image, dataset, options, _gpu(parsed))


def compile_to_file(parsed: argparse.Namespace) -> int:
    """`spikeloom compile`: writes the validated instruction streams to a file."""
    options = RunOptions(data=parsed.data)
    module, task = _read_program(parsed.program)
    check_options(task, options)
    sizes = load_dataset(task, options).sizes
    machine = load_machine(parsed.machine)
    _verify_by_running(parsed, module, machine)
    pipeline = pipeline_for(parsed.profile)
    image = compile_program(module, task, machine, sizes=sizes, pipeline=pipeline)
    for _, stream in image.streams:
        validate(stream, machine.memory_bytes)
    write_image(parsed.output, image)
    return EXIT_OK


def execute_file(parsed: argparse.Namespace) -> int:
    """`spikeloom exec`: executes an instruction stream from a file."""
    options = _run_options(parsed)
    image = read_image(parsed.image)
    plan = Plan.from_json(image.metadata)
    check_options(plan, options)
    return _execute(image, load_dataset(plan, options), options, _gpu(parsed))


def disassemble_file(parsed: argparse.Namespace) -> int:
    """`spikeloom disassemble`: prints an instruction stream as text."""
    from spikeloom.backend.assembly import disassemble_image

    sys.stdout.write(disassemble_image(read_image(parsed.image)))
    return EXIT_OK


def ablate_program(parsed: argparse.Namespace) -> int:
    """`spikeloom ablate`: executes one batch with every optimisation on and off."""
    from spikeloom.ablate_command import ablate

    module, task = _read_program(parsed.program)
    return ablate(parsed, module, task)


def reproduce_published(parsed: argparse.Namespace) -> int:
    """`spikeloom reproduce`: what is published beside what the model gives."""
    from spikeloom.reproduce_command import reproduce

    return reproduce(parsed)


def show_operations(parsed: argparse.Namespace) -> int:
    """`spikeloom operations`: prints what a program computes, in closed form."""
    from spikeloom.operations_command import print_operations

    module, _ = _read_program(parsed.program)
    return print_operations(module)


def throughput(parsed: argparse.Namespace) -> int:
    """`spikeloom throughput`: the exact period of a dataflow graph."""
    from spikeloom.throughput import show_throughput

    show_throughput(parsed.file, parsed.json, parsed.storage, parsed.graph)
    return EXIT_OK


def cluster(parsed: argparse.Namespace) -> int:
    """`spikeloom cluster`: crossbars for a connection list."""
    from spikeloom.clustering import ClusterOptions, show_clusters
    from spikeloom.passes.clustering.limits import Limits
    from spikeloom.passes.clustering.strategy import Strategy, Unrolling

    limits = Limits(
        parsed.inputs,
        parsed.outputs,
        parsed.crosspoints,
        parsed.fan_in,
        parsed.destinations,
        parsed.input_buffer,
        parsed.output_buffer,
    )
    show_clusters(
        ClusterOptions(
            parsed.connections,
            parsed.spikes,
            limits,
            Unrolling(parsed.unroll),
            Strategy(parsed.strategy),
            parsed.json,
        )
    )
    return EXIT_OK


def admit(parsed: argparse.Namespace) -> int:
    """`spikeloom admit`: a resource manager answers a trace."""
    from spikeloom.admit_command import admit_trace

    return admit_trace(parsed)


def check_program(parsed: argparse.Namespace) -> int:
    """`spikeloom check`: every limit of a machine of crossbars against a program."""
    from spikeloom.check_command import check

    module, _ = _read_program(parsed.program)
    return check(parsed, module)


def map_program(parsed: argparse.Namespace) -> int:
    """`spikeloom map`: a program on the tiles of a machine of crossbars."""
    from spikeloom.map_command import map_to_tiles

    module, task = _read_program(parsed.program)
    return map_to_tiles(parsed, module, task)


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "run": run,
    "compile": compile_to_file,
    "exec": execute_file,
    "disassemble": disassemble_file,
    "ablate": ablate_program,
    "operations": show_operations,
    "throughput": throughput,
    "cluster": cluster,
    "admit": admit,
    "check": check_program,
    "map": map_program,
    "reproduce": reproduce_published,
}


def _run_options(parsed: argparse.Namespace) -> RunOptions:
    return RunOptions(
        threads=parsed.threads,
        epochs=parsed.epochs,
        batches=parsed.batches,
        seed=parsed.seed,
        data=parsed.data,
        json=parsed.json,
        dump=parsed.dump,
        save=parsed.save,
        load=parsed.load,
        energy_table=parsed.energy_table,
        actions=parsed.actions,
        save_statistics=parsed.save_statistics,
    )


def _read_program(path: str) -> tuple[ModuleOp, Task]:
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_PROGRAM_BYTES)
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else problem
        raise error("E0401", f"cannot read `{path}`: {reason}") from None
    module = parse_program_bytes(data, path)
    return module, describe(module, path)


def _verify_by_running(parsed: argparse.Namespace, module: ModuleOp, machine: Machine) -> None:
    """Executes the program between the passes of its pipeline, if the user asks for it."""
    if parsed.verify_by_running:
        from spikeloom.verification.program_verifier import verify_program

        for line in verify_program(module, machine, verification_sizes(parsed)):
            print(line, file=sys.stderr)


def _gpu(parsed: argparse.Namespace) -> Gpu | None:
    """The GPU to compare with, if the user asks for one."""
    if parsed.baseline_efficiency is not None:
        return load_gpu().with_efficiency(parsed.baseline_efficiency)
    return load_gpu() if parsed.baseline else None


def _execute(image: Image, dataset: Dataset, options: RunOptions, gpu: Gpu | None) -> int:
    from spikeloom.backend.execution.interpreter import prepare_kernels
    from spikeloom.console import Console

    machine_in_use(image, options)  # an unknown energy table is refused before kernels compile
    console = Console()
    with console.kernels() as progress:
        prepare_kernels(progress)
    with _stop_on_interrupt() as stop, console:
        result = Session(image, dataset, options, console, stop).run()
    if result.interrupted:
        return _report_interruption(options.save)
    _print_result(result, gpu)
    return EXIT_OK


def _print_result(result: SessionResult, gpu: Gpu | None, words: str = "") -> None:
    """Energy, counters and summary, below them `words`, and the comparison with a GPU."""
    from spikeloom.energy_report import print_comparison, print_energy
    from spikeloom.report import print_report

    print_energy(result)
    print_report(result)
    if words:
        print(words)
    if gpu is not None:
        totals = result.totals
        print_comparison(
            compare(totals.counters, totals.cycles, totals.energy_fj, result.machine, gpu)
        )


def _report_interruption(saved: Path | None) -> int:
    words = f"; go on with --load {saved}" if saved is not None else ""
    print(f"interrupted after a whole batch{words}", file=sys.stderr)
    return EXIT_INTERRUPTED


@contextmanager
def _stop_on_interrupt() -> Iterator[Callable[[], bool]]:
    """Ctrl-C asks for a stop after the running batch; pressed again, it ends the command."""
    asked = False

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    previous = signal.signal(signal.SIGINT, interrupt)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, previous)
