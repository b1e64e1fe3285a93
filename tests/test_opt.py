"""`spikeloom-opt`: pipelines, dumps, diagnostics, and that no text makes it fail badly."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from pathlib import Path

import pytest
from dataflow_graphs import SHARED, needs_graphs
from programs import write_program
from xdsl.dialects.builtin import FileLineColLoc
from xdsl.universe import Universe

from spikeloom.command_line import main as command_line
from spikeloom.compiler import new_context
from spikeloom.ir_text import parse_ir
from spikeloom.opt import main
from spikeloom.pass_options import pass_options
from spikeloom.passes.registry import PASSES

Captured = pytest.CaptureFixture[str]

NETWORK = """snn.network @n(%x: tensor<4xi1>) -> tensor<2xi1> {
  snn.parameter @output.weight : tensor<2x?xf32>
  %0 = snn.linear %x, @output.weight : tensor<4xi1> -> tensor<*xf32>
  %1 = snn.lif %0 <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "output" : tensor<*xf32> -> tensor<2xi1>
  snn.return %1 : tensor<2xi1>
}
"""  # noqa: E501


@pytest.fixture
def network(tmp_path: Path) -> Path:
    path = tmp_path / "n.mlir"
    path.write_text(NETWORK)
    return path


def opt(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def failure(capsys: Captured, code: str, *arguments: object) -> str:
    assert opt(*arguments) == 1
    captured = capsys.readouterr()
    assert f"[{code}]" in captured.err
    assert "Traceback" not in captured.err
    assert captured.out == ""
    return captured.err


# --- pipelines ---------------------------------------------------------------------------


def test_a_program_goes_through_every_level(tmp_path: Path, capsys: Captured) -> None:
    program = write_program(tmp_path)
    for pipeline, operation in (
        ("", "snn.network @tiny"),
        ("infer-shapes,canonicalize,cse,dce,expand-bptt", "bptt.step @tiny"),
        ("infer-shapes,expand-bptt,lower-to-engine", "engine.program"),
    ):
        assert opt(program, "-p", pipeline) == 0
        assert operation in capsys.readouterr().out


def test_what_is_printed_can_be_read_again(tmp_path: Path, capsys: Captured) -> None:
    for pipeline in ("", "infer-shapes,expand-bptt", "infer-shapes,expand-bptt,lower-to-engine"):
        assert opt(write_program(tmp_path), "-p", pipeline) == 0
        text = capsys.readouterr().out
        for form in ([], ["--print-op-generic"]):
            (tmp_path / "again.mlir").write_text(text)
            assert opt(tmp_path / "again.mlir", *form) == 0
            (tmp_path / "again.mlir").write_text(capsys.readouterr().out)
            assert opt(tmp_path / "again.mlir") == 0
            assert capsys.readouterr().out == text


def test_the_language_can_be_named(tmp_path: Path, capsys: Captured) -> None:
    program = write_program(tmp_path, name="program.txt")
    assert "-f snn" in failure(capsys, "E0401", program)
    assert opt(program, "-f", "snn") == 0


def test_the_result_goes_to_a_file_as_a_whole(network: Path, capsys: Captured) -> None:
    target = network.parent / "out.mlir"
    assert opt(network, "-p", "infer-shapes", "-o", target) == 0
    assert "tensor<2x4xf32>" in target.read_text()
    failure(capsys, "E0203", network, "-p", "infer", "-o", network.parent / "none.mlir")
    assert not (network.parent / "none.mlir").exists()


def test_a_module_may_bring_its_own_machine(tmp_path: Path, capsys: Captured) -> None:
    assert opt(write_program(tmp_path), "-p", "infer-shapes,expand-bptt,lower-to-engine") == 0
    assert capsys.readouterr().out.count("engine.machine") == 1


def test_passes_that_run_programs_are_not_there(network: Path, capsys: Captured) -> None:
    witness = network.parent / "witness"
    pipeline = f'mlir-opt{{executable="/usr/bin/touch" arguments="{witness}"}}'
    failure(capsys, "E0203", network, "-p", pipeline)
    failure(capsys, "E0203", network, "-p", "mlir-opt[cse]")
    assert not witness.exists()


def test_every_xdsl_tool_finds_our_dialects_and_passes() -> None:
    found = Universe.get_multiverse()
    assert {"snn", "bptt", "engine"} <= found.all_dialects.keys()
    assert {"infer-shapes", "expand-bptt", "lower-to-engine"} <= found.all_passes.keys()
    for name in ("snn", "bptt", "engine"):
        assert found.all_dialects[name]().name == name
    for name in ("infer-shapes", "expand-bptt", "lower-to-engine"):
        assert found.all_passes[name]().name == name


# --- dumps -------------------------------------------------------------------------------


def headers(text: str) -> list[str]:
    return re.findall(r"^// -----// (IR Dump (?:Before|After) .+) //----- //$", text, re.M)


def test_dumps_stand_around_every_pass_under_their_header(network: Path, capsys: Captured) -> None:
    flags = ["--print-ir-before-all", "--print-ir-after-all"]
    assert opt(network, "-p", "infer-shapes,cse", *flags) == 0
    captured = capsys.readouterr()
    assert headers(captured.err) == [
        "IR Dump Before infer-shapes",
        "IR Dump After infer-shapes",
        "IR Dump Before cse",
        "IR Dump After cse",
    ]
    assert headers(captured.out) == []


def test_dumps_of_single_passes(network: Path, capsys: Captured) -> None:
    flags = ["--print-ir-before=cse", "--print-ir-after=infer-shapes"]
    assert opt(network, "-p", "infer-shapes,cse,dce", *flags) == 0
    found = headers(capsys.readouterr().err)
    assert found == ["IR Dump After infer-shapes", "IR Dump Before cse"]


def test_dumps_in_a_folder_are_numbered(network: Path) -> None:
    folder = network.parent / "a" / "dumps"
    assert opt(network, "-p", "infer-shapes,cse", "--print-ir-tree-dir", folder) == 0
    assert sorted(path.name for path in folder.iterdir()) == ["00_infer-shapes.mlir", "01_cse.mlir"]
    text = (folder / "00_infer-shapes.mlir").read_text()
    assert headers(text) == ["IR Dump After infer-shapes"]
    assert "tensor<2x4xf32>" in text
    assert opt(folder / "00_infer-shapes.mlir") == 0


def test_large_constants_are_left_out_of_dumps_only(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "c.mlir"
    values = ", ".join(map(str, range(17)))
    path.write_text(
        f'"test.op"() {{a = dense<[{values}]> : tensor<17xi32>, b = array<i64: {values}>,'
        " c = dense<[1, 2]> : tensor<2xi32>} : () -> ()\n"
    )
    assert opt(path, "-p", "dce", "--print-ir-before=dce") == 0
    captured = capsys.readouterr()
    assert "dense_resource<__elided__> : tensor<17xi32>" in captured.err
    assert "array<i64: __elided__>" in captured.err
    assert "dense<[1, 2]>" in captured.err
    assert f"dense<[{values}]>" in captured.out


def test_times_go_to_standard_error(network: Path, capsys: Captured) -> None:
    assert opt(network, "-p", "infer-shapes", "--time-passes") == 0
    captured = capsys.readouterr()
    assert re.fullmatch(r"infer-shapes: \d+\.\d{6} s\n", captured.err)
    assert "infer-shapes" not in captured.out


# --- locations ---------------------------------------------------------------------------


def test_operations_know_their_place_in_the_text() -> None:
    module = parse_ir(new_context(), NETWORK, "n.mlir")
    places = {op.name: op.location for op in module.walk()}
    return_location = places["snn.return"]
    assert isinstance(return_location, FileLineColLoc)
    assert (return_location.line.data, return_location.column.data) == (5, 3)


def test_a_rewrite_hands_the_location_on(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "fold.mlir"
    path.write_text(
        '%a = arith.constant 2 : i32\n%b = arith.addi %a, %a : i32\n"test.op"(%b) : (i32) -> ()\n'
    )
    assert opt(path, "-p", "canonicalize", "--print-debuginfo") == 0
    out = capsys.readouterr().out
    assert f'arith.constant 4 : i32 loc("{path}":2:1)' in out
    assert out.count("loc(unknown)") == 1, "only the module, which stands nowhere in the text"


# --- SDF3 --------------------------------------------------------------------------------

PAIR = """sdf.graph @pair {
  sdf.actor @a time 4
  sdf.actor @b time 6
  sdf.channel @there : @a[2] -> [1]@b tokens 0 size 64
  sdf.channel @back : @b[1] -> [2]@a tokens 2
}
"""


def period(path: Path, capsys: Captured) -> str:
    assert command_line(["throughput", str(path)]) == 0
    return next(line for line in capsys.readouterr().out.splitlines() if "period" in line)


def channels(path: Path, capsys: Captured) -> list[str]:
    assert opt(path) == 0
    return [line for line in capsys.readouterr().out.splitlines() if "sdf.channel" in line]


@needs_graphs
@pytest.mark.parametrize("file", ["lenet/LeNet-MNIST.xml", "sdf3_testbench/modem.xml"])
def test_sdf3_round_trips_through_the_command_line(
    file: str, tmp_path: Path, capsys: Captured
) -> None:
    source, ir, again = SHARED / file, tmp_path / "graph.mlir", tmp_path / "again.xml"
    assert opt(source, "-p", "analyze-throughput", "-o", ir) == 0
    assert opt(ir, "-o", again) == 0
    assert again.read_text().startswith("<?xml")
    assert channels(again, capsys) == channels(source, capsys) != []
    assert period(again, capsys) == period(ir, capsys) == period(source, capsys)


def test_xml_is_known_by_its_first_letter_and_written_where_it_is_asked_for(
    tmp_path: Path, capsys: Captured
) -> None:
    source, other = tmp_path / "pair.mlir", tmp_path / "pair.txt"
    source.write_text(PAIR)
    assert opt(source, "-t", "sdf3") == 0
    other.write_text(capsys.readouterr().out)
    assert channels(other, capsys) == channels(source, capsys)
    other.write_text('<!DOCTYPE a [<!ENTITY b "c">]><sdf3/>')
    assert "the XML is refused" in failure(capsys, "E0206", other)


@pytest.mark.parametrize(
    ("text", "words", "options"),
    [
        ("builtin.module {}", "but the module has 0", []),
        (PAIR + PAIR.replace("@pair", "@other"), "but the module has 2", []),
        (f"{PAIR}// -----\n{PAIR}", "the input has 2 parts", ["--split-input-file"]),
        (PAIR.replace("@pair", '@"a\\01"'), "a character that XML cannot hold", []),
    ],
)
def test_only_one_graph_with_names_of_xml_becomes_sdf3(
    text: str, words: str, options: list[str], tmp_path: Path, capsys: Captured
) -> None:
    source, target = tmp_path / "some.mlir", tmp_path / "out.xml"
    source.write_text(text)
    assert words in failure(capsys, "E0204", source, "-o", target, *options)
    assert not target.exists()


def test_a_guarantee_from_sdf3_respects_the_size_of_tokens(
    tmp_path: Path, capsys: Captured
) -> None:
    source = tmp_path / "pair.xml"
    guarantees: list[int] = []
    (tmp_path / "pair.mlir").write_text(PAIR)
    assert opt(tmp_path / "pair.mlir", "-o", source) == 0
    small = tmp_path / "small.xml"
    small.write_text(source.read_text().replace('sz="64"', 'sz="1"'))
    for file in (small, source):
        assert opt(file, "-p", "bind-tiles{rows=1 columns=2 bandwidth=1 actors=1}") == 0
        found = re.search(r"guarantee = #sdf.ratio<(\d+)>", capsys.readouterr().out)
        assert found is not None
        guarantees.append(int(found[1]))
    assert guarantees[1] - guarantees[0] >= 63


# --- diagnostics -------------------------------------------------------------------------


def test_an_unknown_pass_gets_the_nearest_name_and_a_caret(network: Path, capsys: Captured) -> None:
    text = failure(capsys, "E0203", network, "-p", "dce,infer-shape")
    assert "<pipeline>:1:5: error: there is no pass `infer-shape`" in text
    assert "\n      ^^^^^^^^^^^\n" in text
    assert "did you mean `infer-shapes`?" in text
    failure(capsys, "E0203", network, "--print-ir-after=nothing")


@pytest.mark.parametrize(
    "pipeline",
    [
        "expand-bptt{stps=4}",
        "expand-bptt{steps=many}",
        "expand-bptt{steps",
        "expand-bptt{steps=" + "9" * 5000 + "}",
        "infer-shapes,,dce",
        "infer-shapes{a=1}",
        "§",
    ],
)
def test_bad_pipelines_and_options_are_diagnosed(
    network: Path, capsys: Captured, pipeline: str
) -> None:
    assert "<pipeline>:1:" in failure(capsys, "E0203", network, "-p", pipeline)


def test_a_misspelled_option_gets_the_nearest_name(network: Path, capsys: Captured) -> None:
    text = failure(capsys, "E0203", network, "-p", "expand-bptt{stps=4}")
    assert "did you mean `steps`?" in text


def test_a_value_that_does_not_fit_is_answered_with_those_that_do(
    network: Path, capsys: Captured
) -> None:
    for pipeline, place, option, expected in [
        ("dce,fuse-luts{goal=fun}", "15", "goal", "time | energy"),
        ("fuse-luts{engines=fe,nu}", "11", "engines", "fe | wue, several with commas"),
        ("fuse-luts{width=wide}", "11", "width", "integer"),
        ("analyze-sparsity{input=all}", "18", "input", "number"),
        ("schedule-engines{double-buffers=4}", "18", "double-buffers", "true | false"),
    ]:
        text = failure(capsys, "E0203", network, "-p", pipeline)
        assert text.startswith(f"<pipeline>:1:{place}: error: the option `{option}` of the pass")
        assert f"help: expected {expected}\n" in text


def test_no_option_is_described_in_python(network: Path) -> None:
    options = [each for name in PASSES for each in pass_options(PASSES[name]())]
    assert len(options) > 20
    for each in options:
        assert not re.search(r"Literal|None|Union|\[|\bstr\b|\bint\b", each.values), each
    values = {each.name: each.values for each in options}
    assert values["mode"] == "pipelined | serial"
    assert values["groups"] == "auto | off | integer"


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_file_needs_no_quotes_in_a_pipeline(network: Path, capsys: Captured, quote: str) -> None:
    name = network.parent / "counts-1.json"
    pipeline = f"dce,analyze-sparsity{{input=0.5 profile={quote}{name}{quote}}}"
    assert f"cannot read `{name}`" in failure(capsys, "E0401", network, "-p", pipeline)


def test_a_name_with_blanks_is_told_of_quotes(network: Path, capsys: Captured) -> None:
    text = failure(capsys, "E0203", network, "-p", "analyze-sparsity{profile=my counts.json}")
    assert text.startswith("<pipeline>:1:35: error: the pipeline cannot be read")
    assert "with quotes where a value has blanks" in text


def test_a_syntax_error_shows_line_and_caret(network: Path, capsys: Captured) -> None:
    network.write_text(NETWORK.replace("snn.linear %x", "snn.linear x"))
    text = failure(capsys, "E0201", network)
    assert text.startswith(f"{network}:3:19: error: ")
    assert "    %0 = snn.linear x, @output.weight" in text


def test_an_ill_formed_operation_is_shown_alone(network: Path, capsys: Captured) -> None:
    network.write_text(NETWORK.replace("-> tensor<2xi1> {", "-> tensor<3xi1> {"))
    text = failure(capsys, "E0202", network)
    assert text.startswith(f"{network}:5:3: error: `snn.return` is not well formed: ")
    assert "\n    snn.return %1 : tensor<2xi1>\n    ^\n" in text
    assert len(text.splitlines()) == 3


def test_an_unknown_operation_gets_the_nearest_name(network: Path, capsys: Captured) -> None:
    network.write_text(NETWORK.replace("snn.linear", "snn.liner"))
    text = failure(capsys, "E0201", network)
    assert text.startswith(f"{network}:3:8: error: ")
    assert "\n         ^^^^^^^^^\n  help: did you mean `snn.linear`?" in text


def test_a_pass_that_cannot_go_on_says_so(network: Path, capsys: Captured) -> None:
    text = failure(capsys, "E0204", network, "-p", "infer-shapes,expand-bptt")
    assert "steps" in text


def test_standard_input_is_quoted_too() -> None:
    script = "import sys; from spikeloom.opt import main; sys.exit(main([]))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        input="module {\n  foo.bar\n}\n",
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("stdin:2:3: error: ")
    assert "\n    foo.bar\n" in done.stderr


def test_parts_of_a_file_keep_their_line_numbers(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "parts.mlir"
    path.write_text('"test.op"() : () -> ()\n// -----\nfoo.bar\n// -----\n"test.op"() : () -> ()\n')
    assert f"{path}:3:" in failure(capsys, "E0201", path, "--split-input-file")
    assert opt(path, "--split-input-file", "--parsing-diagnostics") == 0
    out = capsys.readouterr().out
    assert out.count('"test.op"') == 2
    assert out.count("// -----") == 2
    assert "[E0201]" in out


@pytest.mark.parametrize(
    "text",
    [
        '"' + "a" * 100_000 + "\n",
        "(" * 5000,
        '"test.op"() {a = ' + "[" * 3000,
        '"test.op"() : () -> i99999999999',
        '"test.op"() : () -> tensor<2xi4294967296>',
        '"test.op"() {a = dense<0> : tensor<999999x999999xi32>} : () -> ()',
        '"test.op"() {a = ³2 : i32} : () -> ()',
        '"test.op"() {a = ' + "9" * 6000 + " : i64} : () -> ()",
        "func.func @f() {" * 200,
        "#a = affine_map<(d0) -> (" + "-" * 5000 + "d0)>",
        '%0:99999999999 = "test.op"() : () -> ()',
    ],
    ids=range(11),
)
def test_texts_that_xdsl_chokes_on_end_in_a_diagnostic(
    tmp_path: Path, capsys: Captured, text: str
) -> None:
    path = tmp_path / "evil.mlir"
    path.write_text(text)
    failure(capsys, "E0201", path)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "bytes.mlir"
    path.write_bytes(b"module {\n  \xff\n}\n")
    assert f"{path}:2:3: error: the text is not UTF-8" in failure(capsys, "E0201", path)


def test_mutated_ir_ends_in_ir_or_a_diagnostic(tmp_path: Path, capsys: Captured) -> None:
    seeds = [NETWORK]
    for pipeline in ("infer-shapes,expand-bptt", "infer-shapes,expand-bptt,lower-to-engine"):
        assert opt(write_program(tmp_path), "-p", pipeline) == 0
        seeds.append(capsys.readouterr().out)
    pipelines = ("", "canonicalize,cse", "infer-shapes,expand-bptt{steps=4 batch=2}")
    random.seed(11)
    path = tmp_path / "mutated.mlir"
    for _ in range(150):
        path.write_text(_mutate(random.choice(seeds)))
        assert opt(path, "-p", random.choice(pipelines)) in (0, 1)
        assert "Traceback" not in capsys.readouterr().err


def _mutate(text: str) -> str:
    """The text with a few words swapped, dropped, repeated or replaced by numbers."""
    for _ in range(random.randint(1, 3)):
        words = list(re.finditer(r"[\w.]+|[^\w\s]", text))
        one, other = random.choice(words), random.choice(words)
        new = random.choice(["", other[0], one[0] * 2, "-1", "0", "4294967296", '"', "<"])
        text = text[: one.start()] + new + text[one.end() :]
    return text
