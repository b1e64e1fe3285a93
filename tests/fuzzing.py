"""Mutations, and the limits within which a mutated input must be dealt with.

Everything follows from a seed, so that a failure can be repeated: `Mutator(random.Random(seed))`.
"""

from __future__ import annotations

import random
import re
import resource
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

SECONDS_PER_INPUT = 10.0
EXTRA_MEMORY = 1 << 30
"""Bytes of address space that an input may ask for beyond what the process has."""

NUMBERS = (
    b"0 1 -1 2 7 63 64 65 127 128 255 256 4095 65536 16777216 16777217 2147483647 2147483648 "
    b"-2147483649 4294967295 4294967296 9223372036854775807 9223372036854775808 "
    b"18446744073709551616 99999999999999999999999999999999 0.0 -0.5 1e999 1.0e-400 nan inf 0x10 "
    b"0xffffffffffffffffffff ?"
).split(b" ")
_TOKEN = re.compile(rb"[\w.%@#!^]+|\s+|[^\w\s]")
_KINDS = tuple(
    re.compile(kind)
    for kind in (
        rb"%[\w.]+",
        rb"@[\w.]+",
        rb"tensor<[^>]*>",
        rb'"[^"\n]*"',
        rb"\b[a-z]\w+\.\w+",
        rb"\b[a-z_]+\b",
        rb"-?\b\d+(?:\.\d+)?(?:e[+-]?\d+)?",
    )
)
"""Values, symbols, types, texts, operations, keywords, numbers."""
_NUMBER = re.compile(rb"\d+(?:\.\d+)?(?:e[+-]?\d+)?")


class Overdue(BaseException):
    """An input took longer than `SECONDS_PER_INPUT`; no handler of exceptions stops it."""


class Mutator:
    """Changes bytes and words of a text; `words` are spliced in besides what the seeds hold."""

    def __init__(self, generator: random.Random, seeds: Sequence[bytes], words: Sequence[bytes]):
        self._random = generator
        self._seeds = seeds
        self._words = words

    def mutated(self, data: bytes) -> bytes:
        """The text after one to four changes; half of the time they are gentle."""
        gentle = (
            self._replace_alike,
            self._replace_alike,
            self._replace_alike,
            self._replace_number,
            self._drop_line,
            self._duplicate_line,
            self._swap_lines,
        )
        rough = (
            self._replace_word,
            self._replace_word,
            self._swap_words,
            self._replace_number,
            self._drop,
            self._duplicate,
            self._splice,
            self._swap_lines,
            self._change_byte,
            self._truncate,
            self._open_text,
            self._nest,
        )
        changes = self._random.choice((gentle, rough))
        for _ in range(self._random.choice((1, 1, 2, 4))):
            data = self._random.choice(changes)(data)
        return data

    def _span(self, data: bytes, longest: int) -> tuple[int, int]:
        start = self._random.randrange(len(data) + 1)
        return start, min(len(data), start + self._random.randint(1, longest))

    def _token(self, data: bytes) -> re.Match[bytes] | None:
        """A word of the text; the search starts anywhere."""
        start = self._random.randrange(len(data) + 1)
        return _TOKEN.search(data, start) or _TOKEN.search(data)

    def _replace_word(self, data: bytes) -> bytes:
        other = self._random.choice(self._seeds) if self._random.random() < 0.3 else data
        old, new = self._token(data), self._token(other)
        if old is None or new is None:
            return data
        word = self._random.choice((new[0], new[0], self._random.choice(self._words)))
        return data[: old.start()] + word + data[old.end() :]

    def _replace_alike(self, data: bytes) -> bytes:
        """A value for a value, a type for a type: what still parses gets far."""
        kind = self._random.choice(_KINDS)
        other = self._random.choice(self._seeds) if self._random.random() < 0.2 else data
        old, new = list(kind.finditer(data)), kind.findall(other)
        if not old or not new:
            return data
        place = self._random.choice(old)
        return data[: place.start()] + self._random.choice(new) + data[place.end() :]

    def _drop_line(self, data: bytes) -> bytes:
        lines = data.split(b"\n")
        del lines[self._random.randrange(len(lines))]
        return b"\n".join(lines)

    def _duplicate_line(self, data: bytes) -> bytes:
        lines = data.split(b"\n")
        at = self._random.randrange(len(lines))
        return b"\n".join([*lines[:at], *lines[at : at + 1] * 2, *lines[at + 1 :]])

    def _swap_words(self, data: bytes) -> bytes:
        one, other = self._token(data), self._token(data)
        if one is None or other is None or one.end() > other.start():
            return data
        between = data[one.end() : other.start()]
        return data[: one.start()] + other[0] + between + one[0] + data[other.end() :]

    def _replace_number(self, data: bytes) -> bytes:
        found = list(_NUMBER.finditer(data))
        if not found:
            return data
        old = self._random.choice(found)
        return data[: old.start()] + self._random.choice(NUMBERS) + data[old.end() :]

    def _drop(self, data: bytes) -> bytes:
        start, end = self._span(data, 40)
        return data[:start] + data[end:]

    def _duplicate(self, data: bytes) -> bytes:
        start, end = self._span(data, 200)
        return data[:end] + data[start:end] * self._random.choice((1, 1, 2, 20)) + data[end:]

    def _splice(self, data: bytes) -> bytes:
        other = self._random.choice(self._seeds)
        start, end = self._span(other, 120)
        at = self._random.randrange(len(data) + 1)
        return data[:at] + other[start:end] + data[at:]

    def _swap_lines(self, data: bytes) -> bytes:
        lines = data.split(b"\n")
        one, other = self._random.randrange(len(lines)), self._random.randrange(len(lines))
        lines[one], lines[other] = lines[other], lines[one]
        return b"\n".join(lines)

    def _change_byte(self, data: bytes) -> bytes:
        at = self._random.randrange(len(data) + 1)
        new = self._random.choice((0, 9, 10, 34, 92, 127, 255, self._random.randrange(256)))
        return data[:at] + bytes([new]) + data[at + 1 :]

    def _truncate(self, data: bytes) -> bytes:
        return data[: self._random.randrange(len(data) + 1)]

    def _open_text(self, data: bytes) -> bytes:
        at = self._random.randrange(len(data) + 1)
        return data[:at] + b'"' + b"a\\" * self._random.choice((1, 50, 5000)) + data[at:]

    def _nest(self, data: bytes) -> bytes:
        at = self._random.randrange(len(data) + 1)
        opening = self._random.choice((b"(", b"[", b"{", b"<", b"lif(", b"previous(", b"tensor<"))
        return data[:at] + opening * self._random.choice((3, 70, 5000)) + data[at:]


@contextmanager
def watched() -> Iterator[None]:
    """Ends a block that computes for too long, with `Overdue`; a busy machine does not count."""

    def overdue(number: int, frame: FrameType | None) -> None:
        raise Overdue

    before = signal.signal(signal.SIGPROF, overdue)
    signal.setitimer(signal.ITIMER_PROF, SECONDS_PER_INPUT)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@contextmanager
def bounded_memory() -> Iterator[None]:
    """Within the block a demand for much more memory than now is a MemoryError."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    statistics = Path("/proc/self/statm")
    if not statistics.exists():
        yield  # not Linux: there the limit cannot be told
        return
    pages = int(statistics.read_text().split()[0])
    limit = pages * resource.getpagesize() + EXTRA_MEMORY
    if before[0] != resource.RLIM_INFINITY:
        limit = min(limit, before[0])
    resource.setrlimit(resource.RLIMIT_AS, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
