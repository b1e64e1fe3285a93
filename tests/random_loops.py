"""Random streams around one long loop: stages that load, add and store.

Whatever ties iterations together varies: copies of buffers, buffers that share addresses, boxes in
DRAM that move with the loop, with one around it or inside of it, ahead or behind, or not at all;
tiles that are cut short, loops that go down, results that later stages use.
"""

from __future__ import annotations

import numpy as np

from spikeloom.backend.stream.stream import NO_LOOP, LoopExtent, Slice, Stream, StreamBuilder
from spikeloom.backend.validation.validator import validate
from spikeloom.diagnostics import DiagnosticError
from spikeloom.dialects.instruction_set import Element, buffer_bytes

LARGE_MEMORY = {"state_sram": 1 << 28, "dram": 1 << 28}
F32, COLUMNS, PLANES = Element.F32, 4, 3
HABITS = ("loop", "loop", "loop", "outer", "inner", "still")
TIDY_HABITS = ("loop", "loop", "still")
BEHIND = 3
"""Tiles that lie before the first of the loop."""


def random_loop(seed: int, *, tidy: bool = False) -> Stream:
    """The stream of a seed: the first that nothing is wrong with.

    In a `tidy` one no addresses are shared, and all boxes of a buffer in DRAM move alike.
    """
    attempt = 0
    while True:
        stream = _RandomLoop(np.random.default_rng([seed, attempt]), tidy).stream()
        try:
            validate(stream, LARGE_MEMORY)
        except DiagnosticError:
            attempt += 1
            continue
        return stream


class _RandomLoop:
    def __init__(self, rng: np.random.Generator, tidy: bool):
        self.rng, self.tidy = rng, tidy
        self.tiles = 0
        self.builder = StreamBuilder(serial=bool(rng.integers(12) == 0))
        self.step = int(rng.choice([1, 2, 3, 4, 8, 12]))
        self.cells = int(rng.integers(1, self.step + 3))
        self.iterations = int(rng.integers(48, 128))
        self.down = bool(rng.integers(4) == 0)
        self.outer = int(rng.integers(1, 4))
        self.first = BEHIND * self.step
        self.samples = self.first + self.iterations * self.step + 2 * self.cells
        self.homes = [self._home(number) for number in range(int(rng.integers(2, 5)))]
        habits = TIDY_HABITS if tidy else HABITS
        self.habits = {home: str(rng.choice(habits)) for home in self.homes}
        self.room = int(rng.choice([1, 2, 6])) * 4096
        self.made: list[int] = []

    def _home(self, number: int) -> int:
        shape = (PLANES, self.samples, 1, COLUMNS)
        offset = number * buffer_bytes(F32, shape)
        return self.builder.buffer(f"home{number}", F32, shape, "dram", offset)

    def stream(self) -> Stream:
        for home in self.homes:
            extents = (PLANES, self.samples, 1, COLUMNS)
            self.builder.emit("clear", {"target": Slice(home)}, extents)
        last = self.first + (self.iterations - 1) * self.step
        bounds = (last, self.first - 1, -self.step) if self.down else self._ascending(last)
        moves = int(self.rng.integers(1, self.cells + 1))
        with (
            self.builder.loop(0, self.outer * moves, moves),
            self.builder.loop(*bounds) as depth,
        ):
            for _ in range(int(self.rng.integers(1, 4))):
                if self.rng.integers(3):
                    self._stage(depth)
                else:
                    with self.builder.loop(0, int(self.rng.integers(1, PLANES + 1)), 1):
                        self._stage(depth, inside=True)
        return self.builder.finish()

    def _ascending(self, last: int) -> tuple[int, int, int]:
        """Up, the last tile perhaps cut short."""
        return self.first, last + int(self.rng.integers(1, self.step + 1)), self.step

    def _stage(self, depth: int, *, inside: bool = False) -> None:
        left, right, total = (self._tile(number) for number in range(3))
        cut = not self.down and self.cells <= self.step and bool(self.rng.integers(2))
        groups = LoopExtent(depth) if cut and self.cells == self.step else self.cells
        extents = (1, groups, 1, COLUMNS)
        way = "_update" if self.rng.integers(3) == 0 else ""
        self._move(f"load{way}", "target", left, depth, extents, inside)
        if self.made and self.rng.integers(2):
            right = int(self.rng.choice(self.made))
        else:
            self._move("load", "target", right, depth, extents, inside)
        self.builder.emit(
            "add", {"sum": Slice(total), "left": Slice(left), "right": Slice(right)}, extents
        )
        if self.rng.integers(4):
            self._move(f"store{way}", "source", total, depth, extents, inside)
        self.made.append(total)

    def _tile(self, number: int) -> int:
        shape = (1, max(self.cells, self.step), 1, COLUMNS)
        offset = 64 * int(self.rng.integers(0, self.room // 64))
        copies = int(self.rng.choice([1, 2, 2, 3]))
        if self.tidy:
            offset, self.tiles = self.tiles, self.tiles + copies * buffer_bytes(F32, shape)
        name = f"tile{number}.{len(self.made)}"
        return self.builder.buffer(name, F32, shape, "state_sram", offset, copies=copies)

    def _habit(self, home: int) -> str:
        """What moves boxes in a buffer in DRAM: mostly the same for all of them."""
        if not self.tidy and self.rng.integers(10) == 0:
            return str(self.rng.choice(HABITS))
        return self.habits[home]

    def _move(
        self,
        name: str,
        role: str,
        tile: int,
        depth: int,
        extents: tuple[int | LoopExtent, ...],
        inside: bool,
    ) -> None:
        """Between a tile and a place in DRAM."""
        other = "source" if role == "target" else "target"
        home = int(self.rng.choice(self.homes))
        loops, base = [NO_LOOP] * 4, [0] * 4
        match self._habit(home):
            case "still":
                base[1] = int(self.rng.integers(0, self.cells + 1))
            case "outer":
                loops[1] = depth - 1
            case "inner" if inside:
                loops[1] = depth + 1
            case _:
                loops[1] = depth
                base[1] = -int(self.rng.integers(0, BEHIND + 1)) * self.step
                base[1] += int(self.rng.integers(0, 2)) * int(self.rng.integers(0, self.step))
        if inside and loops[1] != depth + 1:
            loops[0] = depth + 1
        first, second, third, fourth = base
        slice_ = Slice(home, (first, second, third, fourth), (loops[0], loops[1], NO_LOOP, NO_LOOP))
        self.builder.emit(name, {role: Slice(tile), other: slice_}, extents)
