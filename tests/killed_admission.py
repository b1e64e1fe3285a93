"""Runs `spikeloom admit` again and again, and has it killed each time before it is done.

    python killed_admission.py TRACE STATE MOMENT...

The process of run n kills itself (SIGKILL) at the n-th moment, `opening:5` or `events:5`: before
the fifth SQL statement, or the fifth after the state has been read; they lie before, in and behind
transactions. A last run is not killed. Every process is forked from this one, which has loaded
everything. Prints how each run ended.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from admission_traces import run


def run_until(trace: Path, state: str, moment: str) -> int:
    """Runs the trace; kills itself at a moment."""
    connect = sqlite3.connect
    phase, _, statements = moment.partition(":")
    counting, left = phase == "opening", int(statements or 0)

    def watch(statement: str) -> None:
        nonlocal left, counting
        left -= counting
        if counting and not left:
            os.kill(os.getpid(), signal.SIGKILL)
        counting = counting or (phase == "events" and "FROM events" in statement)

    def watched(*arguments: object, **options: object) -> sqlite3.Connection:
        connection = connect(*arguments, **options)
        connection.set_trace_callback(watch)
        return connection

    sqlite3.connect = watched
    return run(trace, "--state", state)


def main() -> None:
    """One run per moment, then one without a kill."""
    trace, state = Path(sys.argv[1]), sys.argv[2]
    with redirect_stdout(StringIO()):
        run(trace)  # compiled loops are loaded once, not in every fork
    for moment in (*sys.argv[3:], "never"):
        sys.stdout.flush()
        child = os.fork()
        if not child:
            with open(os.devnull, "w") as nowhere:
                os.dup2(nowhere.fileno(), 1)
                os.dup2(nowhere.fileno(), 2)
            os._exit(run_until(trace, state, moment))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
        # The one who asks looks at the state, and says when to go on.
        if not sys.stdin.readline():
            return


if __name__ == "__main__":
    main()
