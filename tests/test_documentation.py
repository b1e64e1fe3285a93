"""The generated reference pages are those that are committed."""

from pathlib import Path

import pytest

from spikeloom.documentation import PAGES

DOCS = Path(__file__).parent.parent / "docs"


@pytest.mark.parametrize("name", PAGES)
def test_a_committed_page_equals_the_generated_one(name: str):
    committed = (DOCS / name).read_text(encoding="utf-8")
    assert committed == PAGES[name](), "run `python -m spikeloom.documentation`"
