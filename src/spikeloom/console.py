"""How a run shows its progress: bars on a terminal, plain lines elsewhere.

Progress and warnings go to standard error, results to standard output.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

import rich.console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from spikeloom.backend.host.progress import EpochReport
from spikeloom.diagnostics import Diagnostic
from spikeloom.terminal import show

_QUIET_SECONDS = 2.0
"""Kernels that are loaded faster than this come from the cache and are not worth a word."""
_COMPILING = "compiling the machine's kernels (only the first time)"


class Console:
    """Tells a user how a run goes; a `training.Listener`, and a context that ends its bar."""

    def __init__(self) -> None:
        self._errors = rich.console.Console(stderr=True, highlight=False)
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Console:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop_bar()

    @contextmanager
    def kernels(self) -> Iterator[Callable[[int, int, str], None]]:
        """Shows the compilation of kernels, once it turns out to take its time."""
        started = time.monotonic()
        announced = -1

        def progress(ready: int, total: int, name: str) -> None:
            nonlocal announced
            if self._bar is not None and self._task is not None:
                self._bar.update(self._task, completed=ready, total=total)
            elif time.monotonic() - started > _QUIET_SECONDS and announced < 0:
                announced = ready
                if self._errors.is_terminal:
                    self._start_bar(_COMPILING, ready, total)
                else:
                    self._errors.print(f"{_COMPILING}: {total} functions")

        try:
            yield progress
        finally:
            self._stop_bar()

    def epoch_started(self, epoch: int, done: int, batches: int) -> None:
        """Starts the epoch's bar."""
        if self._errors.is_terminal:
            self._start_bar(f"epoch {epoch + 1:3}", done, batches)

    def batch_done(self, done: int, loss: float) -> None:
        """Moves the bar."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, loss=f"loss {loss:.4f}")

    def epoch_done(self, epoch: int, report: EpochReport) -> None:
        """Prints the epoch's line."""
        self._stop_bar()
        test = "" if report.test_accuracy is None else f"  test {report.test_accuracy:.4f}"
        line = f"epoch {epoch + 1:3}  loss {report.loss:.4f}  train {report.train_accuracy:.4f}"
        print(line + test, flush=True)

    def warn(self, warning: Diagnostic) -> None:
        """Prints a warning above the bar."""
        self._stop_bar()
        sys.stdout.flush()
        show(warning)

    def _start_bar(self, words: str, done: int, total: int) -> None:
        self._stop_bar()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[loss]}"),
            console=self._errors,
            transient=True,
        )
        self._task = self._bar.add_task(words, total=total, completed=done, loss="")
        self._bar.start()

    def _stop_bar(self) -> None:
        if self._bar is not None:
            self._bar.stop()
        self._bar = self._task = None
