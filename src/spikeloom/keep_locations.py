"""Rewrites that keep source locations.

xDSL 0.74 gives an operation that a rewrite inserts no location. While `keep_locations` is in
force, it inherits that of the operation which the pattern was matching.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from xdsl.dialects.builtin import LocationAttr, UnknownLoc
from xdsl.ir import Operation, Region
from xdsl.pattern_rewriter import (
    PatternRewriter,
    PatternRewriterListener,
    PatternRewriteWalker,
    RewritePattern,
)


class _InheritLocation(RewritePattern):
    """A pattern that remembers where it matches, for the operations it inserts."""

    def __init__(self, inner: RewritePattern):
        self.inner = inner
        self.location: LocationAttr | None = None

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter) -> None:
        self.location = op.location
        self.inner.match_and_rewrite(op, rewriter)

    def inserted(self, op: Operation) -> None:
        if self.location is None:
            return
        for inner in op.walk():
            if isinstance(inner.location, UnknownLoc):
                inner.location = self.location


@contextmanager
def keep_locations() -> Iterator[None]:
    """Within the block, every greedy rewrite hands locations on."""
    original = PatternRewriteWalker.rewrite_region

    def rewrite_region(self: PatternRewriteWalker, region: Region) -> bool:
        pattern, listener = self.pattern, self.listener
        inherit = _InheritLocation(pattern)
        inserting = PatternRewriterListener(operation_insertion_handler=[inherit.inserted])
        if listener is not None:
            inserting.extend_from_listener(listener)
        self.pattern, self.listener = inherit, inserting
        try:
            return original(self, region)
        finally:
            self.pattern, self.listener = pattern, listener

    PatternRewriteWalker.rewrite_region = rewrite_region
    try:
        yield
    finally:
        PatternRewriteWalker.rewrite_region = original
