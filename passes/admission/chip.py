"""A chip's state: who owns which tile, and what every running program was promised.

A program owns whole tiles. All that its guarantee is computed from belongs to these tiles: their
cycles, memory and connections, the bandwidth of their interfaces; between tiles every connection
is reserved with its own bandwidth (`Platform.bandwidth`). What other programs do on their tiles
occurs nowhere in the hardware-aware graph, so that no admission, release or move of another program
can break a promise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

from spikeloom.dialects.dataflow.platform import Platform
from spikeloom.passes.admission.regions import regions
from spikeloom.passes.binding.application import Application
from spikeloom.passes.binding.resources import check_binding


class NotRunning(Exception):
    """No program of this name runs."""


class Inconsistent(Exception):
    """A state breaks one of its laws; the message says which."""


@dataclass(frozen=True)
class Running:
    """An admitted program.

    Attributes:
        binding: the tile of every actor.
        promised: the longest period it was admitted with, in cycles per iteration.
        guaranteed: the period that this binding guarantees, at most the promised one.
    """

    name: str
    application: Application
    binding: tuple[int, ...]
    promised: Fraction
    guaranteed: Fraction

    @cached_property
    def tiles(self) -> tuple[int, ...]:
        """The tiles that it owns, in order."""
        return tuple(sorted(set(self.binding)))


@dataclass(frozen=True)
class ChipState:
    """Tiles that are broken, owned or free, and the programs that own them."""

    platform: Platform
    broken: frozenset[int] = frozenset()
    running: tuple[Running, ...] = ()

    @cached_property
    def usable(self) -> tuple[int, ...]:
        """Tiles that are not broken, in order."""
        return tuple(t for t in range(len(self.platform.tiles)) if t not in self.broken)

    @cached_property
    def free(self) -> tuple[int, ...]:
        """Tiles that are neither broken nor owned, in order."""
        owned = {tile for program in self.running for tile in program.tiles}
        return tuple(tile for tile in self.usable if tile not in owned)

    @cached_property
    def blocks(self) -> tuple[tuple[int, ...], ...]:
        """The connected blocks of free tiles, the largest first."""
        return regions(self.platform, self.free)

    @property
    def largest_block(self) -> int:
        """Tiles of the largest connected free block."""
        return len(self.blocks[0]) if self.blocks else 0

    def program(self, name: str) -> Running:
        """A running program.

        Raises:
            NotRunning: there is none of this name.
        """
        for program in self.running:
            if program.name == name:
                return program
        raise NotRunning(name)

    def admitted(self, program: Running) -> ChipState:
        """The state with one program more."""
        return replace(self, running=(*self.running, program))

    def replaced(self, program: Running) -> ChipState:
        """The state in which the program of this name is bound differently."""
        running = [program if each.name == program.name else each for each in self.running]
        return replace(self, running=tuple(running))

    def check(self) -> None:
        """Every law of a state, guarantees computed anew.

        Raises:
            Inconsistent: a tile has two owners or is broken, two programs have one name, or a
                guarantee is not what it should be.
            Infeasible, Unconnected: a program exceeds a limit of its tiles.
        """
        owner: dict[int, str] = {}
        for program in self.running:
            if sum(each.name == program.name for each in self.running) > 1:
                raise Inconsistent(f"two programs are called {program.name}")
            for tile in program.tiles:
                name = self.platform.tiles[tile].name
                if tile in self.broken:
                    raise Inconsistent(f"{program.name} runs on {name}, which is broken")
                if tile in owner:
                    raise Inconsistent(f"{name} belongs to {owner[tile]} and {program.name}")
                owner[tile] = program.name
            check_binding(program.application, program.binding, self.platform)
            period = program.application.guarantee(program.binding, self.platform).period
            if not period == program.guaranteed <= program.promised:
                raise Inconsistent(
                    f"{program.name} was promised {program.promised}, is said to have "
                    f"{program.guaranteed}, and has {period}"
                )


def release(state: ChipState, name: str) -> ChipState:
    """The state after a program has ended: its tiles are free.

    Raises:
        NotRunning: there is none of this name.
    """
    ended = state.program(name)
    return replace(state, running=tuple(each for each in state.running if each is not ended))
