"""How a training step is scheduled: attributes that `schedule-engines` writes on `bptt`.

| attribute | on | meaning |
|---|---|---|
| `schedule.mode` | `bptt.step` | "pipelined", or "serial": one instruction at a time |
| `schedule.double_buffers` | `bptt.step` | tiles have two copies, written in turns |
| `schedule.overlapped` | `bptt.step` | tiles are small enough for two copies |
| `schedule.group` | `bptt.step` | samples that go through all operations before the next ones |
| `schedule.tiles` | an operation | at least so many tiles, so that they overlap |
| `schedule.queue` | an operation | "dma_wue": moves its tiles in the queues of the weight updates |
| `schedule.recomputed` | `bptt.fire` | again, tile by tile where its gradient is computed |

`lower-to-engine` honours them. Without any it lowers operations as they stand, with the largest
tiles that fit and single buffers.
"""

from __future__ import annotations

from xdsl.dialects.builtin import IntegerAttr, StringAttr, UnitAttr, i64
from xdsl.ir import Operation

from spikeloom.diagnostics import error
from spikeloom.dialects.instruction_set import Engine
from spikeloom.dialects.locations import location_of

MODE, DOUBLE_BUFFERS = "schedule.mode", "schedule.double_buffers"
OVERLAPPED, GROUP = "schedule.overlapped", "schedule.group"
TILES, QUEUE, RECOMPUTED = "schedule.tiles", "schedule.queue", "schedule.recomputed"
ATTRIBUTES = (MODE, DOUBLE_BUFFERS, OVERLAPPED, GROUP, TILES, QUEUE, RECOMPUTED)

SERIAL, PIPELINED = "serial", "pipelined"
MODES = (PIPELINED, SERIAL)


def is_scheduled(step: Operation) -> bool:
    """Whether `schedule-engines` has decided about a step."""
    return MODE in step.attributes


def is_serial(step: Operation) -> bool:
    """Whether one instruction runs at a time.

    Raises:
        DiagnosticError: E0204, the attribute is none of `MODES`.
    """
    return _word(step, MODE, MODES) == SERIAL


def has_double_buffers(step: Operation) -> bool:
    """Whether tiles have two copies."""
    return DOUBLE_BUFFERS in step.attributes


def is_overlapped(step: Operation) -> bool:
    """Whether tiles leave room for two copies, whether they have them or not."""
    return OVERLAPPED in step.attributes


def least_tiles(op: Operation) -> int:
    """How many tiles an operation should be cut into at least.

    Raises:
        DiagnosticError: E0204, the attribute is no positive integer.
    """
    return _positive(op, TILES) or 1


def group_of(step: Operation) -> int | None:
    """The samples of a group; None where all samples are done with before the next operation.

    Raises:
        DiagnosticError: E0204, the attribute is no positive integer.
    """
    return _positive(step, GROUP)


def moves_for_update(op: Operation) -> bool:
    """Whether an operation moves its tiles in the queues of the weight updates.

    Raises:
        DiagnosticError: E0204, the attribute names no queue for loads.
    """
    queues = (Engine.DMA.value, Engine.DMA_UPDATE.value)
    return _word(op, QUEUE, queues) == Engine.DMA_UPDATE.value


def is_recomputed(op: Operation) -> bool:
    """Whether an operation is done again where its results are used, and nowhere stored."""
    return RECOMPUTED in op.attributes


def mark_group(step: Operation, samples: int) -> None:
    """Sends so many samples through the whole step at once."""
    step.attributes[GROUP] = IntegerAttr(samples, i64)


def mark_tiles(op: Operation, tiles: int) -> None:
    """Asks for so many tiles."""
    op.attributes[TILES] = IntegerAttr(tiles, i64)


def mark_for_update(op: Operation) -> None:
    """Moves an operation's loads and stores to the queues of the weight updates."""
    op.attributes[QUEUE] = StringAttr(Engine.DMA_UPDATE.value)


def mark_recomputed(op: Operation) -> None:
    """Says that an operation is done again where its results are used."""
    op.attributes[RECOMPUTED] = UnitAttr()


def _positive(op: Operation, name: str) -> int | None:
    found = op.attributes.get(name)
    if found is None:
        return None
    if isinstance(found, IntegerAttr) and found.value.data > 0:
        return found.value.data
    raise error("E0204", f"{name} is a positive integer, not {found}", location_of(op))


def _word(op: Operation, name: str, words: tuple[str, ...]) -> str:
    found = op.attributes.get(name, StringAttr(words[0]))
    if isinstance(found, StringAttr) and found.data in words:
        return found.data
    choice = " or ".join(f'"{word}"' for word in words)
    raise error("E0204", f"{name} is {choice}, not {found}", location_of(op))
