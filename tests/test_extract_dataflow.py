"""`extract-dataflow` on engine programs: what the IR and the command say of the graph."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from programs import LEARNING, write_program
from xdsl.dialects.builtin import ModuleOp

from spikeloom.backend.execution.interpreter import Interpreter
from spikeloom.backend.machine.description import load_machine
from spikeloom.backend.stream.encode import encode_program
from spikeloom.backend.validation.validator import validate
from spikeloom.command_line import main
from spikeloom.compiler import apply_pipeline, attach_machine, new_context
from spikeloom.default_pipeline import pipeline_text
from spikeloom.diagnostics import DiagnosticError
from spikeloom.dialects.engine import ProgramOp
from spikeloom.dialects.sdf import GraphOp
from spikeloom.frontend.program import parse_program
from spikeloom.ir_text import parse_ir
from spikeloom.loop_dataflow import loop_names
from spikeloom.opt import main as opt

_CHOOSING = pipeline_text(training=True, steps=4, batch=8)
PIPELINE = _CHOOSING.replace("fuse-luts", "fuse-luts{accumulate=tables}")
"""With tables forward times do not depend on data."""
DENSE = _CHOOSING.replace("mask-gradients", "mask-gradients{skip=none}").replace(
    "fuse-luts", "fuse-luts{accumulate=plain}"
)


def extracted(pipeline: str, options: str = "") -> ModuleOp:
    """The small program with its graph."""
    module = parse_program(LEARNING, "tiny.snn")
    attach_machine(module, load_machine())
    apply_pipeline(module, f"{pipeline},extract-dataflow{options}")
    return module


def graph_in(module: ModuleOp) -> GraphOp:
    """The graph."""
    (graph,) = (op for op in module.ops if isinstance(op, GraphOp))
    return graph


def cycles_of_a_run(module: ModuleOp) -> int:
    """What the interpreter measures for one run of the program."""
    machine = load_machine()
    (program,) = (op for op in module.ops if isinstance(op, ProgramOp))
    validated = validate(encode_program(program), machine.memory_bytes)
    return Interpreter(validated, machine).run().elapsed


def test_the_first_pass_of_a_program_without_sparsity_is_a_run():
    module = extracted(DENSE)
    graph = graph_in(module)
    assert graph.attributes["times"].data == "exact"
    assert graph.attributes["first_pass"].value.data == cycles_of_a_run(module)


def test_the_first_pass_of_any_other_program_bounds_its_runs():
    module = extracted(PIPELINE)
    graph = graph_in(module)
    assert graph.attributes["times"].data == "worst case"
    assert graph.attributes["first_pass"].value.data >= cycles_of_a_run(module)


def test_every_instruction_knows_its_engine_and_line_and_most_their_layer():
    actors = [op for op in graph_in(extracted(PIPELINE)).actors if "engine" in op.attributes]
    assert len(actors) > 100
    assert {op.attributes["source"].data.rpartition(":")[0] for op in actors} == {
        "tiny.snn:2",
        "tiny.snn:3",
        "tiny.snn:5",
    }
    layers = {op.attributes["layer"].data for op in actors if "layer" in op.attributes}
    assert layers == {"hidden", "output"}


@pytest.mark.parametrize("limit", [0, 5])
def test_a_program_that_is_too_long_is_refused(limit: int):
    with pytest.raises(DiagnosticError, match=rf"more than the {limit} supported \[E0205\]"):
        extracted(PIPELINE, f"{{limit={limit}}}")


def test_the_command_names_the_critical_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    program, text = write_program(tmp_path), tmp_path / "graph.mlir"
    assert opt([str(program), "-p", f"{PIPELINE},extract-dataflow", "-o", str(text)]) == 0
    assert main(["throughput", str(text)]) == 0
    report = capsys.readouterr().out
    assert "critical work" in report
    assert f"hidden dma {program}:2:" in report


def test_a_program_without_instructions_has_an_unbounded_graph():
    text = "engine.program @idle samples 1 steps 1 {\n}\n"
    module = parse_ir(new_context(), text, "idle.mlir")
    apply_pipeline(module, "extract-dataflow,analyze-throughput")
    assert graph_in(module).attributes["period"].value == 0


RECURRENT = LEARNING.replace("linear(x, 5)", "linear(x, 5) + linear(previous(hidden), 5)")


def loop_graphs(options: str) -> dict[str, GraphOp]:
    """The graphs of the loops of a small recurrent program by their names."""
    module = parse_program(RECURRENT, "tiny.snn")
    attach_machine(module, load_machine())
    apply_pipeline(module, f"{PIPELINE},extract-dataflow{options}")
    return {op.sym_name.data: op for op in module.ops if isinstance(op, GraphOp)}


def test_every_loop_that_runs_more_than_once_has_a_graph_under_its_name():
    graphs = loop_graphs("{loops=true}")
    # Forwards and backwards; every other loop has one tile.
    assert list(graphs) == ["tiny_step", "tiny_step_1"]
    step = graphs["tiny_step"].attributes
    assert (step["loop"].data, step["runs"].value.data) == ("step", 4)
    assert (step["entries"].value.data, step["iterations"].value.data) == (1, 1)
    assert (step["times"].data, step["distances"].data) == ("exact", "exact")
    assert graphs["tiny_step_1"].attributes["times"].data == "worst case"
    assert all("engine" in actor.attributes for actor in graphs["tiny_step"].actors[:10])


def test_the_names_of_loops_are_those_of_the_text():
    module = parse_program(RECURRENT, "tiny.snn")
    attach_machine(module, load_machine())
    apply_pipeline(module, PIPELINE)
    (program,) = (op for op in module.ops if isinstance(op, ProgramOp))
    written = re.findall(r"engine\.loop %(\w+) =", str(program))
    assert loop_names(program) == written
    assert len(set(written)) == len(written) > 10


def test_one_loop_can_be_picked():
    assert list(loop_graphs("{loop=step_1}")) == ["tiny_step_1"]


@pytest.mark.parametrize(
    ("options", "message", "help"),
    [
        ("{loop=stap}", r"@tiny has no loop `stap` that runs more than once", "mean `step`"),
        # It runs once.
        ("{loop=unit}", r"@tiny has no loop `unit` that runs more than once", "step"),
        ("{loop=step limit=5}", "the loop `step` is too long .* more than the 5", "limit"),
    ],
)
def test_loops_without_a_graph_are_refused_by_name(options: str, message: str, help: str):
    with pytest.raises(DiagnosticError, match=message) as refused:
        loop_graphs(options)
    assert help in str(refused.value.diagnostics[0].help)


def test_the_command_picks_a_graph_by_its_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    program, text = write_program(tmp_path, RECURRENT), tmp_path / "graph.mlir"
    pipeline = f"{PIPELINE},extract-dataflow{{loops=true}}"
    assert opt([str(program), "-p", pipeline, "-o", str(text)]) == 0
    assert main(["throughput", str(text)]) == 1
    assert "--graph NAME: tiny_" in capsys.readouterr().err
    assert main(["throughput", str(text), "--graph", "tiny_stop"]) == 1
    assert "did you mean `tiny_step`" in capsys.readouterr().err
    assert main(["throughput", str(text), "--graph", "tiny_step"]) == 0
    report = capsys.readouterr().out
    assert "step: 4 iterations, entered 1 x; times: exact, distances: exact" in report
    assert f"hidden dma {program}:2:" in report
