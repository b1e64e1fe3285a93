"""Pieces of SVG pictures, written by hand: text as XML has it, and the frame of a picture.

A picture is the same text for the same numbers, needs no fonts but the reader's own, and follows
the reader's colours.
"""

from __future__ import annotations

from collections.abc import Iterable
from xml.sax.saxutils import escape

STYLE = (
    "text{font:12px sans-serif;fill:#333}.title{font-weight:bold;font-size:15px}"
    ".group{font-weight:bold}@media(prefers-color-scheme:dark){text{fill:#ddd}}"
)


def picture(width: int, height: int, title: str, style: str, lines: Iterable[str]) -> str:
    """A whole picture of this size in pixels."""
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img">',
        f"<title>{escaped(title)}</title>",
        f"<style>{style}</style>",
    ]
    return "\n".join([*head, *lines, "</svg>", ""])


def text(x: float, y: float, words: str, kind: str = "") -> str:
    """Words from this place on, in the style of a kind."""
    attribute = f' class="{kind}"' if kind else ""
    return f'<text x="{x:g}" y="{y:g}"{attribute}>{escaped(words)}</text>'


def escaped(words: str) -> str:
    """Words as XML has them; control characters have no place in it."""
    return escape("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in words))
