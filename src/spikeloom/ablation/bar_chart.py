"""A bar chart as SVG, written by hand: horizontal bars in groups, each with its value.

The text is the same for the same numbers, needs no fonts but the reader's own, and follows the
reader's colours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

ROW, GAP, HEADING = 18, 14, 22
"""Heights of a bar's row, of the space between groups, of a group's heading, in pixels."""

LABELS, BARS, VALUES = 190, 420, 90
"""Widths of the columns for labels, bars and values, in pixels."""

MARGIN, TITLE = 16, 34
COLOURS = ("#8a8f98", "#4878a8", "#d0803c", "#5a9a68")
"""Colours of the bars, one for each place in a group; again from the first if there are more."""

STYLE = (
    "text{font:12px sans-serif;fill:#333}.title{font-weight:bold;font-size:15px}"
    ".group{font-weight:bold}@media(prefers-color-scheme:dark){text{fill:#ddd}}"
)


@dataclass(frozen=True)
class Bar:
    """One bar; `text` stands behind it."""

    label: str
    value: float
    text: str


@dataclass(frozen=True)
class Group:
    """Bars below one heading."""

    heading: str
    bars: tuple[Bar, ...]


def bar_chart(title: str, groups: Sequence[Group]) -> str:
    """The chart; bars are as long as their values, from zero, relative to the largest one."""
    largest = max((bar.value for group in groups for bar in group.bars), default=0.0)
    lines: list[str] = []
    top = MARGIN + TITLE
    for group in groups:
        lines.append(_text(MARGIN, top + HEADING - 8, group.heading, "group"))
        top += HEADING
        for place, bar in enumerate(group.bars):
            lines += _bar(top, bar, largest, COLOURS[place % len(COLOURS)])
            top += ROW
        top += GAP
    width = 2 * MARGIN + LABELS + BARS + VALUES
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{top}" '
        f'viewBox="0 0 {width} {top}" role="img">',
        f"<title>{_escaped(title)}</title>",
        f"<style>{STYLE}</style>",
        _text(MARGIN, MARGIN + 14, title, "title"),
    ]
    return "\n".join([*head, *lines, "</svg>", ""])


def _bar(top: int, bar: Bar, largest: float, colour: str) -> list[str]:
    length = round(BARS * bar.value / largest, 1) if largest > 0 else 0.0
    left, middle = MARGIN + LABELS, top + ROW - 5
    return [
        _text(MARGIN + 8, middle, bar.label),
        f'<rect x="{left}" y="{top + 2}" width="{length}" height="{ROW - 4}" fill="{colour}"/>',
        _text(left + length + 6, middle, bar.text),
    ]


def _text(x: float, y: float, words: str, kind: str = "") -> str:
    attribute = f' class="{kind}"' if kind else ""
    return f'<text x="{x:g}" y="{y:g}"{attribute}>{_escaped(words)}</text>'


def _escaped(words: str) -> str:
    """Words as XML has them; control characters have no place in it."""
    return escape("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in words))
