"""What `run` and `exec` share: options, execution until the end or Ctrl-C, and the report."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from spikeloom.backend.accounts.baseline import Gpu, compare, load_gpu
from spikeloom.backend.execution.interpreter import prepare_kernels
from spikeloom.backend.host.dataset import Dataset
from spikeloom.backend.host.session import RunOptions, Session, SessionResult, machine_in_use
from spikeloom.backend.snx.image import Image
from spikeloom.console import Console
from spikeloom.energy_report import print_comparison, print_energy
from spikeloom.report import print_report
from spikeloom.terminal import EXIT_INTERRUPTED, EXIT_OK


def run_options(parsed: argparse.Namespace) -> RunOptions:
    """What the command line says of a run."""
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


def gpu_beside(parsed: argparse.Namespace) -> Gpu | None:
    """The GPU to compare with, if the user asks for one."""
    if parsed.baseline_efficiency is not None:
        return load_gpu().with_efficiency(parsed.baseline_efficiency)
    return load_gpu() if parsed.baseline else None


def execute(
    image: Image, dataset: Dataset, options: RunOptions, gpu: Gpu | None, words: str = ""
) -> int:
    """Executes and reports, with `words` below the summary; returns the exit code."""
    machine_in_use(image, options)  # an unknown energy table is refused before kernels compile
    console = Console()
    with console.kernels() as progress:
        prepare_kernels(progress)
    with _stop_on_interrupt() as stop, console:
        result = Session(image, dataset, options, console, stop).run()
    if result.interrupted:
        return _report_interruption(options.save)
    print_result(result, gpu, words)
    return EXIT_OK


def print_result(result: SessionResult, gpu: Gpu | None, words: str = "") -> None:
    """Energy, counters and summary, below them `words`, and the comparison with a GPU."""
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
