"""`spikeloom-opt`: xDSL's driver with our dialects and passes, and diagnostics for users.

It reads `.mlir`, `.snn` and SDF3 `.xml`, applies a pipeline and prints the IR, or SDF3 XML. xDSL's
pass `mlir-opt` is left out, because it runs any executable that a pipeline names.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.utils.exceptions import ArgSpecParseError, ShrinkException
from xdsl.xdsl_opt_main import xDSLOptMain

from spikeloom import __version__
from spikeloom.backend.atomic_file import write_atomically
from spikeloom.diagnostics import (
    DiagnosticError,
    did_you_mean,
    error,
    read_line_from_disk,
    render,
)
from spikeloom.graph_file import MAX_INPUT_BYTES, is_xml
from spikeloom.ir_checks import verify_module
from spikeloom.ir_dumps import IrDumps
from spikeloom.ir_text import decode_text, parse_ir
from spikeloom.keep_locations import keep_locations
from spikeloom.pass_application import UNSAFE_PASSES, guard, with_machine
from spikeloom.pass_pipeline import parse_passes
from spikeloom.pipeline_options import PIPELINE_NAME
from spikeloom.sdf3_target import Sdf3Target
from spikeloom.terminal import EXIT_ERROR, EXIT_OK, guarded
from spikeloom.universe import SPIKELOOM_UNIVERSE
from spikeloom.verification.options import add_verification_options, verification_sizes

if TYPE_CHECKING:
    from spikeloom.verification.pipeline_verifier import PipelineVerifier

MACHINE_PASSES = ("fuse-luts", "schedule-engines", "lower-to-engine")
"""Passes that ask what the machine is like."""

_SEPARATOR = re.compile(rb"^// -----[ \t]*$", re.MULTILINE)


class SpikeloomOpt(xDSLOptMain):
    """The driver; `texts` holds the sources that diagnostics may refer to, by name."""

    version_format = f"spikeloom-opt {__version__} on xDSL {{xdsl_version}}"

    def __init__(self, arguments: Sequence[str] | None, texts: dict[str, str]):
        self.texts = texts
        self.passes: tuple[ModulePass, ...] = ()
        self.dumps = IrDumps()
        super().__init__(
            "Applies passes to an .mlir, .snn or SDF3 .xml file, prints the IR.", arguments
        )

    # --- what xDSL's driver knows, and what it gets from us --------------------------------

    def register_all_dialects(self) -> None:
        super().register_all_dialects()
        for name, factory in SPIKELOOM_UNIVERSE.all_dialects.items():
            if name not in self.ctx.registered_dialect_names:
                self.ctx.register_dialect(name, factory)

    def register_all_passes(self) -> None:
        super().register_all_passes()
        for name in UNSAFE_PASSES:
            self.available_passes.pop(name, None)
        self.available_passes.update(SPIKELOOM_UNIVERSE.all_passes)

    def register_all_frontends(self) -> None:
        self.available_frontends["mlir"] = self._parse_mlir
        self.available_frontends["snn"] = self._parse_snn
        self.available_frontends["xml"] = self._parse_sdf3

    def register_all_targets(self) -> None:
        super().register_all_targets()
        self.available_targets[Sdf3Target.name] = lambda: Sdf3Target

    def register_all_arguments(self, arg_parser: argparse.ArgumentParser) -> None:
        super().register_all_arguments(arg_parser)
        group = arg_parser.add_argument_group("looking at the IR")
        add = group.add_argument
        add("--print-ir-before-all", action="store_true", help="dump the IR before each pass")
        add("--print-ir-after-all", action="store_true", help="dump the IR after each pass")
        for moment in ("before", "after"):
            add(
                f"--print-ir-{moment}",
                metavar="PASS",
                action="append",
                default=[],
                help=f"dump the IR {moment} this pass (to standard error; may be repeated)",
            )
        add("--print-ir-tree-dir", metavar="DIR", help="write DIR/00_PASS.mlir after each pass")
        arg_parser.add_argument("--machine", metavar="FILE", help="machine that passes compile for")
        add_verification_options(arg_parser)

    def setup_pipeline(self) -> None:
        if (self.args.output_file or "").endswith(".xml") and self.args.target == "mlir":
            self.args.target = Sdf3Target.name
        self.texts[PIPELINE_NAME] = self.args.passes
        self.passes = parse_passes(self.args.passes, self.available_passes)
        directory = self.args.print_ir_tree_dir
        self.dumps = IrDumps(
            before_all=self.args.print_ir_before_all,
            after_all=self.args.print_ir_after_all or self.args.print_between_passes,
            before=self._known(self.args.print_ir_before),
            after=self._known(self.args.print_ir_after),
            directory=None if directory is None else Path(directory),
            locations=self.args.print_debuginfo,
        )
        self.dumps.prepare()

    def _known(self, names: list[str]) -> frozenset[str]:
        for name in names:
            if name not in self.available_passes:
                help = did_you_mean(name, self.available_passes)
                raise error("E0203", f"there is no pass `{name}`", help=help)
        return frozenset(names)

    # --- reading ---------------------------------------------------------------------------

    def _parse_mlir(self, stream: IO[bytes]) -> ModuleOp:
        name = self.get_input_name()
        text = self.texts[name] = decode_text(stream.read(), name)
        return parse_ir(self.ctx, text, name, implicit_module=not self.args.no_implicit_module)

    def _parse_snn(self, stream: IO[bytes]) -> ModuleOp:
        from spikeloom.frontend.program import parse_program_bytes

        data = stream.read()
        self.texts[self.get_input_name()] = data.decode("utf-8", errors="replace")
        return parse_program_bytes(data, self.get_input_name())

    def _parse_sdf3(self, stream: IO[bytes]) -> ModuleOp:
        from spikeloom.frontend.sdf3 import parse_sdf3

        return parse_sdf3(stream.read(), self.get_input_name())

    def prepare_input(self) -> tuple[list[tuple[IO[bytes], int]], str]:
        """The parts of the input, each padded with empty lines so that places stay true."""
        try:
            with self.get_input_stream()[0] as stream:
                data = stream.read(MAX_INPUT_BYTES + 1)
        except OSError as problem:
            name = self.args.input_file
            raise error("E0401", f"cannot read `{name}`: {problem.strerror}") from None
        frontend = self._frontend(data)
        split = self.args.split_input_file and frontend != "xml"
        parts = _SEPARATOR.split(data) if split else [data]
        chunks: list[tuple[IO[bytes], int]] = []
        line = 0
        for part in parts:
            chunks.append((BytesIO(b"\n" * line + part), 0))
            line += part.count(b"\n")
        return chunks, frontend

    def _frontend(self, data: bytes) -> str:
        """The language that is named, that of XML, or that of the file's name."""
        extension = os.path.splitext(self.get_input_name())[1][1:]
        frontend = self.args.frontend or ("xml" if is_xml(data) else extension or "mlir")
        if frontend not in self.available_frontends:
            help = "name the language: -f mlir, -f snn or -f xml"
            message = f"`{self.args.input_file}` is neither .mlir nor .snn nor .xml"
            raise error("E0401", message, help=help)
        return frontend

    # --- running ---------------------------------------------------------------------------

    def run_command(self) -> int:
        """Parses, applies the passes and writes the result as a whole; returns the exit code."""
        chunks, frontend = self.prepare_input()
        if len(chunks) > 1 and self.args.target == Sdf3Target.name:
            raise error(
                "E0204", f"an SDF3 file holds one graph, but the input has {len(chunks)} parts"
            )
        try:
            results = [self._result(chunk, frontend) for chunk, _ in chunks]
        except ShrinkException:
            print("Success, can shrink")
            return EXIT_OK
        text = "// -----\n".join(results)
        if self.args.output_file is None:
            sys.stdout.write(text)
        else:
            write_atomically(self.args.output_file, text.encode())
        if self.args.shrink:
            print("Failure, can't shrink")
            return EXIT_ERROR
        return EXIT_OK

    def _result(self, chunk: IO[bytes], frontend: str) -> str:
        try:
            module = self.available_frontends[frontend](chunk)
            self.apply_passes(module)
            return self._emit(module)
        except DiagnosticError as problem:
            parsing = all(diagnostic.code == "E0201" for diagnostic in problem.diagnostics)
            if not (self.args.parsing_diagnostics if parsing else self.args.verify_diagnostics):
                raise
            return "".join(f"{render(d, read_line_from_disk)}\n" for d in problem.diagnostics)

    def apply_passes(self, prog: ModuleOp) -> None:
        """Applies the pipeline, verifies after each pass and dumps what is asked for."""
        self._verify(prog, None)
        verifier = self._verifier(prog)
        self.dumps.between(0, None, prog, self.passes[0] if self.passes else None)
        for index, current in enumerate(self.passes):
            started = time.perf_counter()
            self._apply(current, prog)
            if self.args.time_passes:
                seconds = time.perf_counter() - started
                print(f"{current.name}: {seconds:.6f} s", file=sys.stderr)
            self._verify(prog, current.name)
            if verifier is not None:
                verifier.after(current, self._apply)
            following = self.passes[index + 1] if index + 1 < len(self.passes) else None
            self.dumps.between(index + 1, current, prog, following)
        if verifier is not None:
            print(verifier.summary, file=sys.stderr)

    def _verifier(self, module: ModuleOp) -> PipelineVerifier | None:
        """Executes the program now and after every pass, if the user asks for it."""
        if not self.args.verify_by_running:
            return None
        from spikeloom.backend.machine.description import load_machine
        from spikeloom.verification.pipeline_verifier import PipelineVerifier

        machine, sizes = self.args.machine, verification_sizes(self.args)
        return PipelineVerifier(module, self.passes, lambda: load_machine(machine), sizes)

    def _verify(self, module: ModuleOp, after: str | None) -> None:
        if not self.args.disable_verify:
            verify_module(module, after)

    def _apply(self, current: ModulePass, module: ModuleOp) -> None:
        if current.name in MACHINE_PASSES:
            self._attach_machine(module)
        applied = with_machine(current, self.args.machine)
        with keep_locations():
            guard(f"the pass `{current.name}`", lambda: applied.apply(self.ctx, module))

    def _attach_machine(self, module: ModuleOp) -> None:
        """Gives the module the machine of `--machine`, unless it names one itself."""
        from spikeloom.backend.machine.description import load_machine
        from spikeloom.compiler import attach_machine

        if not any(op.name == "engine.machine" for op in module.ops):
            attach_machine(module, load_machine(self.args.machine))

    def _emit(self, module: ModuleOp) -> str:
        text: list[str] = []
        target = f"the target `{self.args.target}`"
        guard(target, lambda: text.append(self.output_resulting_program(module)))
        return "".join(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs `spikeloom-opt` and returns its exit code."""
    texts: dict[str, str] = {}

    def command() -> int:
        try:
            return SpikeloomOpt(arguments, texts).run_command()
        except ArgSpecParseError as problem:
            # Not an Exception in xDSL; the target's text is the only one left to raise it.
            words = str(problem).splitlines()[-1].strip(" ^")
            raise error("E0203", f"the target cannot be read: {words}") from None

    try:
        return guarded(command, texts)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else EXIT_ERROR


if __name__ == "__main__":
    sys.exit(main())
