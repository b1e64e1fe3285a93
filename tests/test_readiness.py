"""What takes long is done before the first decision."""

from __future__ import annotations

import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from dataflow_graphs import layers

from spikeloom.dialects.dataflow.graph import Actor, Channel, Graph
from spikeloom.dialects.dataflow.platform import Tile, mesh
from spikeloom.passes.admission.admission import Admitted, admit
from spikeloom.passes.admission.chip import ChipState
from spikeloom.passes.admission.readiness import make_ready
from spikeloom.passes.binding.application import prepare

FOLDER = Path(__file__).resolve().parent


def test_no_decision_loads_a_compiled_loop():
    found = subprocess.run(
        [sys.executable, FOLDER / "ready_decisions.py"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(["src", *sys.path])},
    )
    assert found.returncode == 0, found.stderr
    counts, *late = found.stdout.splitlines()
    yes, no, loops = map(int, counts.split())
    assert min(yes, no, loops) > 10
    assert late == []


def test_what_an_application_and_a_platform_keep_is_there_before_the_first_decision():
    state, application = ChipState(mesh(3, 3, Tile("t"))), prepare(layers(1, 3, 3))
    make_ready(state, [application])
    kept = set(vars(application)), set(vars(state.platform))
    assert isinstance(admit(state, "a", application, Fraction(10**6)), Admitted)
    assert kept == (set(vars(application)), set(vars(state.platform)))
    assert not state.running


def test_a_program_that_cannot_be_analysed_is_left_to_its_decision():
    graph = Graph((Actor("a", 2**58), Actor("b", 1)), (Channel("ab", 0, 1, tokens=2**50),))
    state, application = ChipState(mesh(1, 2, Tile("t", 64, 1))), prepare(graph)
    make_ready(state, [application])
    with pytest.raises(OverflowError):
        admit(state, "a", application, Fraction(2**70))
