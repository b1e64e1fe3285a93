"""A bar chart as SVG, written by hand: horizontal bars in groups, each with its value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from spikeloom.svg import STYLE, picture, text

ROW, GAP, HEADING = 18, 14, 22
"""Heights of a bar's row, of the space between groups, of a group's heading, in pixels."""

LABELS, BARS, VALUES = 190, 420, 90
"""Widths of the columns for labels, bars and values, in pixels."""

MARGIN, TITLE, AXIS = 16, 34, 46
"""Heights of what surrounds the bars; the axis has a line, its ends and its label."""

COLOURS = ("#8a8f98", "#4878a8", "#d0803c", "#5a9a68")
"""Colours of the bars, one for each place in a group; again from the first if there are more."""


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


def bar_chart(title: str, axis: str, groups: Sequence[Group]) -> str:
    """The chart; bars are as long as their values, from zero, relative to the largest one.

    `axis` says below them what their lengths are, and in which unit.
    """
    largest = max((bar.value for group in groups for bar in group.bars), default=0.0)
    lines: list[str] = []
    top = MARGIN + TITLE
    for group in groups:
        lines.append(text(MARGIN, top + HEADING - 8, group.heading, "group"))
        top += HEADING
        for place, bar in enumerate(group.bars):
            lines += _bar(top, bar, largest, COLOURS[place % len(COLOURS)])
            top += ROW
        top += GAP
    lines.append(_axis(top, largest))
    lines.append(text(MARGIN + LABELS, top + AXIS - 8, axis))
    top += AXIS + GAP
    width = 2 * MARGIN + LABELS + BARS + VALUES
    head = text(MARGIN, MARGIN + 14, title, "title")
    return picture(width, top, title, STYLE, [head, *lines])


def _axis(top: int, largest: float) -> str:
    """A line from zero to the largest value, and both below it."""
    left, right = MARGIN + LABELS, MARGIN + LABELS + BARS
    line = f'<path d="M{left} {top}H{right}" stroke="{COLOURS[0]}"/>'
    return line + text(left, top + 16, "0") + text(right, top + 16, f"{largest:.2f}")


def _bar(top: int, bar: Bar, largest: float, colour: str) -> list[str]:
    length = round(BARS * bar.value / largest, 1) if largest > 0 else 0.0
    left, middle = MARGIN + LABELS, top + ROW - 5
    return [
        text(MARGIN + 8, middle, bar.label),
        f'<rect x="{left}" y="{top + 2}" width="{length}" height="{ROW - 4}" fill="{colour}"/>',
        text(left + length + 6, middle, bar.text),
    ]
