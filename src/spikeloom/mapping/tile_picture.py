"""The tiles of a machine as SVG: what each computes, how much it is used, what passes the links.

A tile is a square with a bar for the share of the period that it works and one for the crosspoints
in use. Between neighbours an arrow for each direction is as wide as its traffic.
"""

from __future__ import annotations

from spikeloom.mapping.mapping import MappedTile, Mapping, MeshLink
from spikeloom.svg import STYLE, escaped, picture, text

TILE, GAP, MARGIN, TITLE, LEGEND = 128, 56, 16, 34, 44
"""Sides of a tile, of the space between two, of the border; heights of title and legend; pixels."""

BAR, PADDING, LETTERS = 8, 8, 17
"""Height of a bar, space inside a tile, letters of a line of text in it."""

NARROWEST, WIDEST = 1.0, 9.0
"""Of the arrows, in pixels."""

WORK, CROSSPOINTS, TRAFFIC = "#4878a8", "#5a9a68", "#d0803c"

TILE_STYLE = STYLE + (
    ".tile{fill:#f4f5f7;stroke:#8a8f98}.idle{fill:none;stroke:#c4c8ce}"
    ".broken{fill:none;stroke:#b04848;stroke-dasharray:4 3}.bar{fill:#dcdfe4}"
    ".small{font-size:10px}"
    "@media(prefers-color-scheme:dark){.tile{fill:#2a2d33}.bar{fill:#454a52}}"
)


def tile_picture(mapping: Mapping) -> str:
    """The picture of a mapping."""
    mesh = mapping.machine.mesh
    columns, rows = mesh.columns.value, mesh.rows.value
    width = max(2 * MARGIN + columns * (TILE + GAP) - GAP, 560)
    height = 2 * MARGIN + TITLE + rows * (TILE + GAP) - GAP + LEGEND
    title = f"{mapping.network} on {mapping.machine.name}"
    lines = [text(MARGIN, MARGIN + 14, title, "title")]
    busiest = max((link.packets for link in mapping.links), default=0)
    for link in mapping.links:
        lines += _arrow(link, mapping, busiest)
    for tile in mapping.tiles:
        lines += _tile(tile, mapping)
    lines += _legend(height - MARGIN - LEGEND / 2, mapping)
    return picture(width, height, title, TILE_STYLE, lines)


def _corner(tile: MappedTile) -> tuple[int, int]:
    across, down = tile.column * (TILE + GAP), tile.row * (TILE + GAP)
    return MARGIN + across, MARGIN + TITLE + down


def _tile(tile: MappedTile, mapping: Mapping) -> list[str]:
    x, y = _corner(tile)
    kind = "broken" if tile.is_broken else "tile" if tile.clusters else "idle"
    heading = f"tile {tile.number}" + (" (broken)" if tile.is_broken else "")
    crossbars = [mapping.crossbars[cluster] for cluster in tile.clusters]
    words = [f"cluster {c.cluster}: {', '.join(c.layers)}" for c in crossbars]
    lines = [
        "<g>",
        f"<title>{escaped('; '.join([heading, *words]))}</title>",
        f'<rect class="{kind}" x="{x}" y="{y}" width="{TILE}" height="{TILE}" rx="6"/>',
        text(x + PADDING, y + 20, heading, "group"),
    ]
    if crossbars:
        shown = words if len(words) < 4 else [*words[:2], f"and {len(words) - 2} more"]
        for number, each in enumerate(shown):
            lines.append(text(x + PADDING, y + 38 + 13 * number, _cut(each), "small"))
        limit = mapping.machine.crossbar.crosspoints.value * len(crossbars)
        used = sum(each.crosspoints for each in crossbars) / limit
        work = float(tile.work / mapping.guarantee.period) if mapping.guarantee.period else 0.0
        lines += _bar(x, y + TILE - 52, work, WORK, f"{work:.0%} busy")
        lines += _bar(x, y + TILE - 26, used, CROSSPOINTS, f"{used:.1%} of crosspoints")
    return [*lines, "</g>"]


def _bar(x: float, y: float, share: float, colour: str, words: str) -> list[str]:
    whole = TILE - 2 * PADDING
    part = round(whole * min(share, 1.0), 1)
    left = x + PADDING
    return [
        text(left, y - 2, words, "small"),
        f'<rect class="bar" x="{left}" y="{y + 2}" width="{whole}" height="{BAR}"/>',
        f'<rect x="{left}" y="{y + 2}" width="{part}" height="{BAR}" fill="{colour}"/>',
    ]


def _arrow(link: MeshLink, mapping: Mapping, busiest: int) -> list[str]:
    """From the edge of a tile to that of its neighbour, to the right of the way one looks."""
    source, target = mapping.tiles[link.source], mapping.tiles[link.target]
    across, down = target.column - source.column, target.row - source.row
    left, top = _corner(source)
    x = left + TILE / 2 * (1 + across) - down * GAP / 4
    y = top + TILE / 2 * (1 + down) + across * GAP / 4
    shaft, tip = (x + across * (GAP - 8), y + down * (GAP - 8)), (x + across * GAP, y + down * GAP)
    width = NARROWEST + (WIDEST - NARROWEST) * (link.packets / busiest if busiest else 0)
    wing = width / 2 + 3
    one = (shaft[0] - down * wing, shaft[1] + across * wing)
    other = (shaft[0] + down * wing, shaft[1] - across * wing)
    points = " ".join(f"{a:g},{b:g}" for a, b in (tip, one, other))
    ends = f"tile {link.source} to tile {link.target}: {link.packets:,} packets"
    if across:
        label = (min(x, tip[0]) + 6, y + (wing + 10 if across > 0 else -wing - 3))
    else:
        label = (x + wing + 3 if down < 0 else x - wing - 30, (y + tip[1]) / 2 + 4)
    return [
        f"<g><title>{escaped(ends)}</title>",
        f'<line x1="{x:g}" y1="{y:g}" x2="{shaft[0]:g}" y2="{shaft[1]:g}" '
        f'stroke="{TRAFFIC}" stroke-width="{width:.1f}"/>',
        f'<polygon points="{points}" fill="{TRAFFIC}"/>',
        text(*label, _short(link.packets), "small"),
        "</g>",
    ]


def _short(count: int) -> str:
    """At most five letters: 999, 12.3k, 4.56M."""
    value = float(count)
    for unit in ("", "k", "M", "G"):
        if value < 999.5:
            return f"{value:.3g}{unit}"
        value /= 1000
    return f"{value:.3g}T"


def _legend(y: float, mapping: Mapping) -> list[str]:
    parts = (
        (WORK, "share of the period that a tile works"),
        (CROSSPOINTS, "crosspoints in use"),
        (TRAFFIC, "packets of one inference"),
    )
    lines: list[str] = []
    x = MARGIN
    for colour, words in parts:
        lines.append(f'<rect x="{x}" y="{y - 9:g}" width="10" height="10" fill="{colour}"/>')
        lines.append(text(x + 15, y, words, "small"))
        x += 35 + 6 * len(words)
    return lines


def _cut(words: str) -> str:
    return words if len(words) <= LETTERS + 3 else words[:LETTERS] + "..."
