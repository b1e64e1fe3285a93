"""Where tiles lie: connected regions of tiles, and compact blocks within them.

Two tiles are neighbours where no connection of the platform is faster (`Platform.neighbours`); on a
mesh those at one hop.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from spikeloom.dialects.dataflow.platform import Platform
from spikeloom.passes.admission.region_loops import nearest_tiles


def regions(platform: Platform, tiles: Iterable[int]) -> tuple[tuple[int, ...], ...]:
    """The connected parts of a set of tiles, the largest first; of equal ones the first."""
    left = dict.fromkeys(sorted(tiles))
    found: list[tuple[int, ...]] = []
    while left:
        first = next(iter(left))
        del left[first]
        region = [first]
        for tile in region:
            for other in platform.neighbours[tile]:
                if other in left:
                    del left[other]
                    region.append(other)
        found.append(tuple(sorted(region)))
    return tuple(sorted(found, key=lambda region: (-len(region), region)))


def compact_block(
    platform: Platform,
    free: Sequence[int],
    count: int,
    blocks: Sequence[Sequence[int]] | None = None,
) -> tuple[int, ...]:
    """`count` free tiles near each other, so that what stays free stays in one piece.

    The smallest region that has as many gives them, from a corner on; where none has, the nearest
    tiles of several regions.

    Args:
        blocks: the `regions` of the free tiles, where they are known.
    """
    found = regions(platform, free) if blocks is None else blocks
    large_enough = [region for region in found if len(region) >= count]
    return grown(platform, large_enough[-1] if large_enough else free, count)


def grown(
    platform: Platform, tiles: Sequence[int], count: int, seed: int | None = None
) -> tuple[int, ...]:
    """`count` of some tiles: a seed, and always the one next that is nearest to those taken.

    Of equally near tiles one with few others left beside it. The seed is a corner where left out.

    Raises:
        ValueError: there are fewer tiles.
    """
    if count > len(tiles):
        raise ValueError(f"{count} tiles of {len(tiles)} cannot be taken")
    inside = np.zeros(len(platform.tiles), np.bool_)
    inside[list(tiles)] = True
    found = nearest_tiles(
        inside, platform.apart, *platform.adjacency, -1 if seed is None else seed, count
    )
    return tuple(found.tolist())
