"""Where the tiles of a turn lie on chip, when a group of samples goes through a whole step.

What is on chip before the first turn, or still behind the last one, has a place of its own: weights
and sums. Tiles of a turn lie side by side as well, where they fit, and have two copies as far as
the memory reaches, those that are written first before the others: then the next turn begins while
this one still works on them. Where they do not fit side by side, tiles share places that are never
in use at the same time. Tables always do: one engine builds them and uses them, in turn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spikeloom.dialects.engine import BufferOp
from spikeloom.dialects.instruction_set import TABLE_MEMORIES
from spikeloom.dialects.number_text import count

MAX_SHARED = 1024
"""Tiles of a turn that share places: more are not tried."""


@dataclass(frozen=True)
class Lifetime:
    """Of a tile in a turn: numbers of the first instruction that names it, and of the last."""

    first: int
    last: int

    def meets(self, other: Lifetime) -> bool:
        """Whether both are in use at the same time."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True)
class Overflow:
    """A memory that does not hold its tiles, with the bytes that they need and that it has."""

    memory: str
    needed: int
    available: int


def place_tiles(
    tiles: Sequence[BufferOp], lifetimes: Mapping[str, Lifetime], memories: Mapping[str, int]
) -> dict[str, int] | Overflow:
    """Gives tiles their addresses, and copies to those that asked for them and can have them.

    Tiles without a lifetime keep their place. Returns the bytes used of each memory, or the first
    memory that is too small.
    """
    used: dict[str, int] = {}
    for memory in dict.fromkeys(tile.memory.data for tile in tiles):
        inside = [tile for tile in tiles if tile.memory.data == memory]
        staying = [tile for tile in inside if tile.sym_name.data not in lifetimes]
        passing = [tile for tile in inside if tile.sym_name.data in lifetimes]
        passing.sort(key=lambda tile: lifetimes[tile.sym_name.data].first)
        size = memories.get(memory, 0)
        end = _in_line(staying, 0)
        shared = memory in TABLE_MEMORIES
        if shared or not _double_some(passing, size - end):
            if len(passing) > MAX_SHARED:
                return Overflow(memory, end + sum(tile.size for tile in passing), size)
            end = _sharing(passing, lifetimes, end)
        else:
            end = _in_line(passing, end)
        if end > size:
            return Overflow(memory, end, size)
        used[memory] = end
    return used


def _in_line(tiles: Sequence[BufferOp], begin: int) -> int:
    """One behind the other; returns the end of the last."""
    for tile in tiles:
        tile.offset = count(begin)
        begin += tile.size * tile.copy_count
    return begin


def _double_some(tiles: Sequence[BufferOp], room: int) -> bool:
    """Leaves two copies to as many tiles as the room allows; False where not even one each fits."""
    left = room - sum(tile.size for tile in tiles)
    for tile in tiles:
        more = tile.size * (tile.copy_count - 1)
        if more > left:
            tile.copies = None
        else:
            left -= more
    return left >= 0


def _sharing(tiles: Sequence[BufferOp], lifetimes: Mapping[str, Lifetime], begin: int) -> int:
    """Each at the first address that is free while it lives; returns the end of the highest."""
    placed: list[tuple[Lifetime, int, int]] = []
    for tile in tiles:
        tile.copies = None
        life, address = lifetimes[tile.sym_name.data], begin
        beside = sorted((start, end) for other, start, end in placed if other.meets(life))
        for start, end in beside:
            if address + tile.size <= start:
                break
            address = max(address, end)
        tile.offset = count(address)
        placed.append((life, address, address + tile.size))
    return max((end for _, _, end in placed), default=begin)
