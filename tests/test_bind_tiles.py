"""`bind-tiles`: an option outside its range is named, with the range and the value."""

from __future__ import annotations

from pathlib import Path

import pytest

from spikeloom.opt import main

Captured = pytest.CaptureFixture[str]

GRAPH = """sdf.graph @free {
  sdf.actor @load time 4
  sdf.actor @compute time 6
  sdf.channel @tile : @load[1] -> [1]@compute tokens 0
}
"""


def bind(folder: Path, options: str) -> int:
    path = folder / "graph.mlir"
    path.write_text(GRAPH)
    return main([str(path), "-p", f"bind-tiles{{{options}}}"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("rows=0", "bind-tiles{rows=0}: rows is from 1 to 1024"),
        ("columns=1025", "bind-tiles{columns=1025}: columns is from 1 to 1024"),
        ("rows=33 columns=32", "bind-tiles{rows=33 columns=32}: a mesh has at most 1024 tiles"),
        ("delay=-1", "bind-tiles{delay=-1}: delay is from 0 to 2147483647"),
        ("bandwidth=0", "bind-tiles{bandwidth=0}: bandwidth is from 1 to 2147483647"),
        ("wheel=0", "bind-tiles{wheel=0}: wheel is from 1 to 2147483647"),
        ("slice=0", "bind-tiles{slice=0}: slice is from 1 to 2147483647"),
        ("slice=9", "bind-tiles{slice=9}: slice is from 1 to the wheel's 1"),
        ("wheel=8 slice=9", "bind-tiles{slice=9}: slice is from 1 to the wheel's 8"),
        ("memory=-1", "bind-tiles{memory=-1}: memory is from 0 to 281474976710655"),
        ("connections=-1", "bind-tiles{connections=-1}: connections is from 0 to 2147483647"),
        ("actors=-1", "bind-tiles{actors=-1}: actors is from 0 to 2147483647"),
        ("evaluations=0", "bind-tiles{evaluations=0}: evaluations is from 1 to 2147483647"),
    ],
)
def test_an_option_outside_its_range_is_named_with_range_and_value(
    options: str, words: str, tmp_path: Path, capsys: Captured
) -> None:
    assert bind(tmp_path, options) == 1
    text = capsys.readouterr().err
    assert text.splitlines()[0] == f"error: {words} [E0405]"
    assert "larger tiles" not in text


def test_options_at_the_ends_of_their_ranges_are_taken(tmp_path: Path) -> None:
    assert bind(tmp_path, "rows=1 columns=1024 delay=0 wheel=8 slice=8 evaluations=1") == 0


def test_tiles_that_are_too_small_are_still_the_machines_fault(
    tmp_path: Path, capsys: Captured
) -> None:
    assert bind(tmp_path, "rows=1 columns=1 actors=0") == 1
    assert "[E0302]" in capsys.readouterr().err
