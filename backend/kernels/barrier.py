"""A barrier between the threads that walk one stream together.

One counter of arrivals only ever grows, so that nothing has to be reset: the n-th barrier is
passed when n x threads have arrived. A waiting thread spins for some microseconds, then yields
the processor at every turn, so that a busy machine makes progress. POSIX only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from spikeloom.backend.kernels.compile import extending, helper, types
from spikeloom.backend.kernels.llvm import DOUBLE_WORD, WORD, declare

ARRIVALS, ABORTED = 0, 8
"""Cells of the control memory, on cache lines of their own."""
CONTROL_CELLS = 16

_SPINS = 4000


def _pointer(builder: Any, place: Any) -> Any:
    pointer = builder.inttoptr(place[0], DOUBLE_WORD.as_pointer())
    return builder.gep(pointer, [place[1]], source_etype=DOUBLE_WORD)


def _define_arrive() -> Any:
    def definition(context: Any, address: Any, index: Any) -> Any:
        def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            one = DOUBLE_WORD(1)
            return builder.atomic_rmw("add", _pointer(builder, arguments), one, "seq_cst")

        return types.int64(types.intp, types.intp), generate

    return extending.intrinsic(definition)


def _define_look() -> Any:
    def definition(context: Any, address: Any, index: Any) -> Any:
        def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            pointer = _pointer(builder, arguments)
            return builder.load_atomic(pointer, "seq_cst", 8, typ=DOUBLE_WORD)

        return types.int64(types.intp, types.intp), generate

    return extending.intrinsic(definition)


def _define_give_way() -> Any:
    def definition(context: Any) -> Any:
        def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            builder.call(declare(builder, "sched_yield", WORD, []), [])
            return target.get_dummy_value()

        return types.void(), generate

    return extending.intrinsic(definition)


_arrive: Callable[[int, int], int] = _define_arrive()
_look: Callable[[int, int], int] = _define_look()
_give_way: Callable[[], None] = _define_give_way()


@helper
def wait_for_all(control: int, threads: int, passed: int) -> bool:
    """Waits until all threads have arrived here; `passed` barriers lie behind.

    Returns False when the run was aborted instead.
    """
    if threads == 1:
        return True
    target = (passed + 1) * threads
    _arrive(control, ARRIVALS)
    spins = 0
    while _look(control, ARRIVALS) < target:
        spins += 1
        if spins > _SPINS:
            if _look(control, ABORTED) != 0:
                return False
            _give_way()
    return True
